package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func errMethodMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_authentication_method", "The authentication method does not exist.")
}

// identifierOf is what a user can have only once of a type.
func identifierOf(m *stagedoor.AuthenticationMethod) string {
	if m.Type == "totp" {
		return jose.HashToken(m.Secret)
	}
	return cmp.Or(m.PhoneNumber, m.Email, m.KeyID)
}

// written is a method as it is kept: where its device is found is sealed, as secrets are.
func (s *Store) written(userID string, m *stagedoor.AuthenticationMethod) (doc []byte, sealed string, err error) {
	secret, kept := m.Secret, *m
	if m.Push != nil {
		d := *m.Push
		secret, d.Address, kept.Push = d.Address, "", &d
	}
	doc, err = json.Marshal(&kept)
	return doc, s.seal(secret, methodPlace, userID+"/"+m.ID), err
}

const methodPlace = "authentication_methods"

// readMethod is the other way, without secrets.
func (s *Store) readMethod(userID, doc, sealed string, used int64) (*stagedoor.AuthenticationMethod, error) {
	m := &stagedoor.AuthenticationMethod{}
	err := json.Unmarshal([]byte(doc), m)
	if m.LastUsedAt = fromMillis(used); err == nil && m.Push != nil && sealed != "" { // of before, the address is in the document
		m.Push.Address, err = s.unseal(sealed, methodPlace, userID+"/"+m.ID)
	}
	return m, err
}

// AuthenticationMethods lists a user's methods in the order in which they came, without secrets.
func (s *Store) AuthenticationMethods(ctx context.Context, userID string) ([]stagedoor.AuthenticationMethod, error) {
	out := []stagedoor.AuthenticationMethod{}
	err := s.read().each(ctx, "SELECT doc, sealed, used_at FROM authentication_methods WHERE tenant = ? AND user_id = ? ORDER BY created_at, id", []any{s.tenant.ID, userID},
		func(scan func(...any) error) error {
			var doc, sealed string
			var used int64
			if err := scan(&doc, &sealed, &used); err != nil {
				return err
			}
			m, err := s.readMethod(userID, doc, sealed, used)
			out = append(out, *m)
			return err
		})
	return out, err
}

// AuthenticationMethod returns one method of a user without its secret.
func (s *Store) AuthenticationMethod(ctx context.Context, userID, id string) (*stagedoor.AuthenticationMethod, error) {
	return s.authenticationMethod(ctx, s.read(), userID, id)
}

func (s *Store) authenticationMethod(ctx context.Context, q querier, userID, id string) (*stagedoor.AuthenticationMethod, error) {
	var doc, sealed string
	var used int64
	err := q.row(ctx, "SELECT doc, sealed, used_at FROM authentication_methods WHERE tenant = ? AND user_id = ? AND id = ?", []any{s.tenant.ID, userID, id}, &doc, &sealed, &used)
	if errors.Is(err, errNoRows) {
		return nil, errMethodMissing()
	}
	if err != nil {
		return nil, err
	}
	return s.readMethod(userID, doc, sealed, used)
}

// EnrolledDevice returns a method of one of the types by its device, and whose it is.
func (s *Store) EnrolledDevice(ctx context.Context, device string, types ...string) (m *stagedoor.AuthenticationMethod, userID string, err error) {
	for _, kind := range types {
		var doc, sealed string
		var used int64
		err := s.read().row(ctx, "SELECT doc, sealed, user_id, used_at FROM authentication_methods WHERE tenant = ? AND id = ?", []any{s.tenant.ID, kind + "|" + device}, &doc, &sealed, &userID, &used)
		if errors.Is(err, errNoRows) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		m, err := s.readMethod(userID, doc, sealed, used)
		return m, userID, err
	}
	return nil, "", errMethodMissing()
}

// AddAuthenticationMethods gives a user methods, all or none, in the place of those of the types: of all if types is nil. One that
// the user has already is a Conflict. Ids are given here, unless a method has one.
func (s *Store) AddAuthenticationMethods(ctx context.Context, userID string, all []*stagedoor.AuthenticationMethod, replace bool, types ...string) error {
	err := s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		if replace {
			if _, err := s.deleteMethods(ctx, q, userID, types); err != nil {
				return err
			}
		}
		for _, m := range all {
			if err := s.insertMethod(ctx, q, userID, m); err != nil {
				return err
			}
		}
		return nil
	})
	if uniqueViolation(err) != "" {
		return stagedoor.Errorf(stagedoor.Conflict, "authentication_method_conflict", "The authentication method already exists.")
	}
	return err
}

func (s *Store) insertMethod(ctx context.Context, q querier, userID string, m *stagedoor.AuthenticationMethod) error {
	device := m.Device()
	if m.Push != nil {
		device = m.Push.Device
	}
	if device == "" {
		device = stagedoor.NewID("dev_")
	}
	m.ID, m.CreatedAt = m.Type+"|"+device, s.db.clock.Now()
	if err := s.keyIsNew(ctx, q, m); err != nil {
		return err
	}
	doc, sealed, err := s.written(userID, m)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "INSERT INTO authentication_methods (tenant, user_id, id, type, identifier, doc, sealed, created_at, step, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		s.tenant.ID, userID, m.ID, m.Type, identifierOf(m), document(doc), sealed, millis(m.CreatedAt), m.Step, millis(m.LastUsedAt))
	return err
}

// keyIsNew refuses a key whose credential id somebody in the tenant has: a passkey says whose it is.
func (s *Store) keyIsNew(ctx context.Context, q querier, m *stagedoor.AuthenticationMethod) error {
	if m.KeyID == "" || !slices.Contains([]string{TypeRoaming, TypePlatform, TypePasskey}, m.Type) {
		return nil
	}
	var n int
	err := q.row(ctx, "SELECT COUNT(*) FROM authentication_methods"+s.db.by("authentication_methods_key")+" WHERE tenant = ? AND identifier = ? AND type IN (?, ?, ?)",
		[]any{s.tenant.ID, m.KeyID, TypeRoaming, TypePlatform, TypePasskey}, &n)
	if err == nil && n > 0 {
		err = stagedoor.Errorf(stagedoor.Conflict, "authentication_method_conflict", "The authentication method already exists.")
	}
	return err
}

// UpdateAuthenticationMethod changes what a method is called and how it is preferred, in one transaction.
func (s *Store) UpdateAuthenticationMethod(ctx context.Context, userID, id string, change func(*stagedoor.AuthenticationMethod) error) (m *stagedoor.AuthenticationMethod, err error) {
	err = s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		if m, err = s.authenticationMethod(ctx, q, userID, id); err != nil {
			return err
		}
		if err := change(m); err != nil {
			return err
		}
		doc, sealed, err := s.written(userID, m)
		if err != nil {
			return err
		}
		if m.Push == nil { // the secret is not read, and stays
			_, err = q.exec(ctx, "UPDATE authentication_methods SET doc = ? WHERE tenant = ? AND user_id = ? AND id = ?", document(doc), s.tenant.ID, userID, id)
			return err
		}
		_, err = q.exec(ctx, "UPDATE authentication_methods SET doc = ?, sealed = ? WHERE tenant = ? AND user_id = ? AND id = ?", document(doc), sealed, s.tenant.ID, userID, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// DeleteAuthenticationMethod takes one method from a user, and forgets the browsers that they were remembered in.
func (s *Store) DeleteAuthenticationMethod(ctx context.Context, userID, id string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error { return s.deleteMethod(ctx, q, userID, id) })
}

func (s *Store) deleteMethod(ctx context.Context, q querier, userID, id string) error {
	n, err := q.exec(ctx, "DELETE FROM authentication_methods WHERE tenant = ? AND user_id = ? AND id = ?", s.tenant.ID, userID, id)
	if err == nil && n == 0 {
		err = errMethodMissing()
	}
	if err != nil {
		return err
	}
	return s.forgetBrowsers(ctx, q, userID)
}

// CodeLastPasskey is the code of the error for a passkey that has to stay.
const CodeLastPasskey = "last_passkey"

// DeleteOtherPasskey is DeleteAuthenticationMethod for a passkey beside which its person must have another one: of two that are taken away at once, one stays.
func (s *Store) DeleteOtherPasskey(ctx context.Context, userID, id string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		var others int
		err := q.row(ctx, "SELECT COUNT(*) FROM authentication_methods WHERE tenant = ? AND user_id = ? AND type = ? AND id <> ?", []any{s.tenant.ID, userID, TypePasskey, id}, &others)
		if err != nil {
			return err
		}
		if err := s.deleteMethod(ctx, q, userID, id); err != nil { // of one that is gone already it is said that it is
			return err
		}
		if others == 0 {
			return stagedoor.Errorf(stagedoor.Conflict, CodeLastPasskey, "The passkey is the last one.")
		}
		return nil
	})
}

// DeleteAuthenticationMethods takes a user's methods of the types, all if there are none, and tells how many there were.
func (s *Store) DeleteAuthenticationMethods(ctx context.Context, userID string, types ...string) (n int64, err error) {
	err = s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		n, err = s.deleteMethods(ctx, q, userID, types)
		return err
	})
	return n, err
}

func (s *Store) deleteMethods(ctx context.Context, q querier, userID string, types []string) (n int64, err error) {
	if !slices.Equal(types, []string{TypeRecovery}) {
		if err := s.forgetBrowsers(ctx, q, userID); err != nil {
			return 0, err
		}
	}
	if len(types) == 0 {
		return q.exec(ctx, "DELETE FROM authentication_methods WHERE tenant = ? AND user_id = ?", s.tenant.ID, userID)
	}
	for _, kind := range types {
		of, err := q.exec(ctx, "DELETE FROM authentication_methods WHERE tenant = ? AND user_id = ? AND type = ?", s.tenant.ID, userID, kind)
		if n += of; err != nil {
			return n, err
		}
	}
	return n, nil
}
