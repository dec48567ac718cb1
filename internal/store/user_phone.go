package store

import (
	"context"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// ErrPhoneTaken is within the error for a user whose telephone number identifies somebody else.
var ErrPhoneTaken = errors.New("store: the telephone number is another user's")

// phones finds out which telephone numbers identify users, within one transaction.
type phones struct {
	s     *Store
	q     querier
	known map[string]bool // by the name of a database: whether numbers identify its users
}

func (s *Store) phones(q querier) *phones { return &phones{s, q, map[string]bool{}} }

// of is the telephone number that a user is known by, and that nobody else in the connection can have: that of connections which send codes to
// phones, and of databases that say so. The others' numbers are part of the profile and no more.
func (p *phones) of(ctx context.Context, u *stagedoor.User) (any, error) {
	if len(u.Identities) == 0 || u.PhoneNumber == "" {
		return nil, nil
	}
	switch first := &u.Identities[0]; first.Provider {
	case stagedoor.StrategySMS:
	case stagedoor.StrategyDatabase:
		by, asked := p.known[first.Connection]
		if !asked {
			c, err := connections.known(p.s, func(dest ...any) error {
				return p.q.row(ctx, connections.selects()+connections.mine()+" AND name = ?", []any{p.s.tenant.ID, first.Connection}, dest...)
			})
			if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
				return nil, err
			}
			by = err == nil && c.Options.Attributes().Phone.Identifies
			p.known[first.Connection] = by
		}
		if !by || !stagedoor.IsPhoneNumber(u.PhoneNumber) {
			return nil, nil
		}
	default:
		return nil, nil
	}
	return nullable(u.PhoneNumber), nil
}

// knowByPhone makes the numbers of a database's users identify them, or no longer. A number that several of them have identifies nobody.
func (s *Store) knowByPhone(ctx context.Context, q querier, connection string, on bool) error {
	if !on {
		_, err := q.exec(ctx, "UPDATE users SET phone = NULL WHERE tenant = ? AND connection = ? AND phone IS NOT NULL", s.tenant.ID, connection)
		if err == nil {
			_, err = q.exec(ctx, "UPDATE linked_identities SET phone = NULL WHERE tenant = ? AND connection = ? AND phone IS NOT NULL", s.tenant.ID, connection)
		}
		return err
	}
	_, err := q.exec(ctx, `UPDATE users SET phone = profile ->> 'phone_number' WHERE tenant = ? AND connection = ? AND profile ->> 'phone_number' IN (
		SELECT number FROM (SELECT profile ->> 'phone_number' AS number FROM users WHERE tenant = ? AND connection = ?) AS numbers
		WHERE number LIKE '+%' GROUP BY number HAVING COUNT(*) = 1)`, s.tenant.ID, connection, s.tenant.ID, connection)
	if err != nil {
		return err
	}
	return s.knowLinkedByPhone(ctx, q, connection)
}

// knowLinkedByPhone is knowByPhone of the identities of a database that are linked to users, whose numbers the profiles of those users hold.
func (s *Store) knowLinkedByPhone(ctx context.Context, q querier, connection string) error {
	var owners []string
	err := q.each(ctx, "SELECT DISTINCT user_id FROM linked_identities WHERE tenant = ? AND connection = ?", []any{s.tenant.ID, connection}, func(scan func(...any) error) error {
		var owner string
		err := scan(&owner)
		owners = append(owners, owner)
		return err
	})
	if err != nil {
		return err
	}
	having := map[string][]string{} // the identities that have a number
	for _, owner := range owners {
		u, err := s.user(ctx, q, "u.id = ?", owner)
		if err != nil {
			return err
		}
		for _, i := range u.Identities[min(1, len(u.Identities)):] {
			if number := stagedoor.UserOf(i).PhoneNumber; i.Connection == connection && stagedoor.IsPhoneNumber(number) {
				having[number] = append(having[number], i.FullID())
			}
		}
	}
	for number, ids := range having {
		n, err := q.exec(ctx, "UPDATE users SET phone = NULL WHERE tenant = ? AND connection = ? AND profile ->> 'phone_number' = ?", s.tenant.ID, connection, number)
		if err == nil && n == 0 && len(ids) == 1 {
			_, err = q.exec(ctx, "UPDATE linked_identities SET phone = ? WHERE tenant = ? AND id = ?", number, s.tenant.ID, ids[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attributeColumns are the columns by which users are looked for.
var attributeColumns = map[string]string{stagedoor.AttributeEmail: "email", stagedoor.AttributePhone: "phone", stagedoor.AttributeUsername: "username"}

// UserByAttribute returns the user of a connection who has the value, as the server writes it, of one of the attributes that identify.
func (s *Store) UserByAttribute(ctx context.Context, connection, attribute, value string) (*stagedoor.User, error) {
	column := attributeColumns[attribute]
	if column == "" || value == "" || !plainText(value) {
		return nil, errUserMissing()
	}
	return s.user(ctx, s.read(), "u.connection = ? AND u."+column+" = ? AND "+ownUser, connection, value)
}

// UserByLinkedAttribute returns the user to whom an identity of the connection is linked that has the value, and the hash of that identity's
// password.
func (s *Store) UserByLinkedAttribute(ctx context.Context, connection, attribute, value string) (u *stagedoor.User, hash string, err error) {
	column := attributeColumns[attribute]
	if column == "" || value == "" || !plainText(value) {
		return nil, "", errUserMissing()
	}
	var owner string
	err = s.read().row(ctx, "SELECT user_id, hash FROM linked_identities WHERE tenant = ? AND connection = ? AND "+column+" = ?", []any{s.tenant.ID, connection, value}, &owner, &hash)
	if errors.Is(err, errNoRows) {
		return nil, "", errUserMissing()
	}
	if err == nil {
		u, err = s.User(ctx, owner)
	}
	return u, hash, err
}
