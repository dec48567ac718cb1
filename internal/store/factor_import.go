package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// importedFactor is a second factor as imports write it (Management API fact sheet 3.12).
type importedFactor struct {
	TOTP  *struct{ Secret string }
	Phone *struct{ Value string }
	Email *struct{ Value string }
}

func (f importedFactor) method() *stagedoor.AuthenticationMethod {
	switch {
	case f.TOTP != nil && f.TOTP.Secret != "":
		return &stagedoor.AuthenticationMethod{Type: TypeTOTP, Secret: strings.TrimRight(strings.ToUpper(f.TOTP.Secret), "=")}
	case f.Phone != nil && f.Phone.Value != "":
		return &stagedoor.AuthenticationMethod{Type: "phone", PhoneNumber: f.Phone.Value, Preferred: "sms"}
	case f.Email != nil && f.Email.Value != "":
		return &stagedoor.AuthenticationMethod{Type: "email", Email: f.Email.Value}
	}
	return nil
}

// importFactors makes imported factors a user's own. Of a type that they have already, nothing is added: that is what they enrolled here.
func (s *Store) importFactors(ctx context.Context, q querier, userID string, raw json.RawMessage) error {
	var all []importedFactor
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("reading imported factors: %w", err)
	}
	types, err := s.methodTypes(ctx, q, userID)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range all {
		m := f.method()
		if m == nil || slices.Contains(types, m.Type) || seen[m.Type+identifierOf(m)] {
			continue
		}
		seen[m.Type+identifierOf(m)] = true
		if err := s.insertMethod(ctx, q, userID, m); err != nil {
			return err
		}
	}
	return nil
}

// adoptFactors turns factors that were imported before there were second factors into methods of their users.
func (db *DB) adoptFactors(ctx context.Context) error {
	for more := true; more; {
		err := db.write(ctx, func(q querier) error {
			more = false
			type row struct{ tenant, user, sealed string }
			var rows []row
			err := q.each(ctx, `DELETE FROM imported_factors WHERE (tenant, user_id) IN (SELECT tenant, user_id FROM imported_factors ORDER BY tenant, user_id LIMIT 500)
				RETURNING tenant, user_id, sealed`, nil, func(scan func(...any) error) error {
				var r row
				err := scan(&r.tenant, &r.user, &r.sealed)
				rows = append(rows, r)
				return err
			})
			if err != nil {
				return err
			}
			more = len(rows) > 0
			for _, r := range rows {
				s := newStore(db, &stagedoor.Tenant{ID: r.tenant})
				raw, err := s.unseal(r.sealed, "imported_factors", r.user)
				if err == nil {
					err = s.importFactors(ctx, q, r.user, json.RawMessage(raw))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("adopting imported factors: %w", err)
		}
	}
	return nil
}
