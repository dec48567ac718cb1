package store

import (
	"context"
	"encoding/json"
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
// phones, and of databases that say so. The others' numbers are part of the profile and no more. The database stays as it is until the write is over: who makes numbers
// identify its users meanwhile waits, and sees this user.
func (p *phones) of(ctx context.Context, u *stagedoor.User) (any, error) {
	if len(u.Identities) == 0 || u.PhoneNumber == "" {
		return nil, nil
	}
	switch first := &u.Identities[0]; first.Provider {
	case stagedoor.StrategySMS:
	case stagedoor.StrategyDatabase:
		by, asked := p.known[first.Connection]
		if !asked {
			c, err := p.s.heldConnection(ctx, p.q, first.Connection, " FOR SHARE")
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

// unknownPhones is the index of the users of a connection who have a number and are not known by it, ofUnknown the condition that they meet.
const (
	unknownPhones = "users_numbered"
	ofUnknown     = " WHERE tenant = ? AND connection = ? AND phone IS NULL AND profile ->> 'phone_number' IS NOT NULL"
)

// holders are users of a database who have a number, of any number two; one alone if it identifies them.
func (s *Store) holders(ctx context.Context, q querier, connection, number string) (ids []string, err error) {
	err = q.each(ctx, "SELECT id FROM users WHERE tenant = ? AND connection = ? AND phone = ? UNION ALL SELECT id FROM users"+s.db.by(unknownPhones)+ofUnknown+" AND profile ->> 'phone_number' = ? LIMIT 2",
		[]any{s.tenant.ID, connection, number, s.tenant.ID, connection, number}, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
	return ids, err
}

// unknownByPhone tells whether users of a database have numbers and nobody is known by one.
func (s *Store) unknownByPhone(ctx context.Context, q querier, connection string) (bool, error) {
	var known, numbers int
	err := q.row(ctx, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE tenant = ? AND connection = ? AND phone > '' LIMIT 1) AS one),
		(SELECT COUNT(*) FROM (SELECT 1 FROM users`+s.db.by(unknownPhones)+ofUnknown+" LIMIT 1) AS two)", []any{s.tenant.ID, connection, s.tenant.ID, connection}, &known, &numbers)
	return known == 0 && numbers > 0, err
}

// knowByPhone makes the numbers of a database's users identify them, or no longer. A number that several of them have identifies nobody.
func (s *Store) knowByPhone(ctx context.Context, q querier, connection string, on bool) error {
	if !on {
		_, err := q.exec(ctx, "UPDATE users SET phone = NULL WHERE tenant = ? AND connection = ? AND phone > ''", s.tenant.ID, connection)
		if err == nil {
			_, err = q.exec(ctx, "UPDATE linked_identities SET phone = NULL WHERE tenant = ? AND connection = ? AND phone > ''", s.tenant.ID, connection)
		}
		return err
	}
	of := s.db.by(unknownPhones)
	_, err := q.exec(ctx, "UPDATE users"+of+" SET phone = profile ->> 'phone_number'"+ofUnknown+" AND profile ->> 'phone_number' IN (SELECT number FROM (SELECT profile ->> 'phone_number' AS number FROM users"+
		of+ofUnknown+") AS numbers WHERE number LIKE '+%' GROUP BY number HAVING COUNT(*) = 1)", s.tenant.ID, connection, s.tenant.ID, connection)
	if err != nil {
		return err
	}
	return s.knowLinkedByPhone(ctx, q, connection)
}

// linkedNumbers are the identities of a database that are linked to users, by their numbers, which the profiles of those users hold: those with one number, unless it is empty.
func (s *Store) linkedNumbers(ctx context.Context, q querier, connection, number string) (map[string][]string, error) {
	query, args := "SELECT CAST(u.profile AS TEXT) FROM users u WHERE u.tenant = ? AND u.id IN (SELECT user_id FROM linked_identities"+s.db.by(linkedOf)+" WHERE tenant = ? AND connection = ?)",
		[]any{s.tenant.ID, s.tenant.ID, connection}
	if number != "" {
		query, args = query+" AND CAST(u.profile AS TEXT) LIKE ?", append(args, "%"+number+"%") // no character of a number means anything else
	}
	having := map[string][]string{}
	err := q.each(ctx, query, args, func(scan func(...any) error) error {
		var doc string
		if err := scan(&doc); err != nil {
			return err
		}
		var p profile
		if err := json.Unmarshal([]byte(doc), &p); err != nil {
			return err
		}
		for _, i := range p.Identities[min(1, len(p.Identities)):] {
			its := stagedoor.UserOf(i).PhoneNumber
			if i.Connection == connection && stagedoor.IsPhoneNumber(its) && (number == "" || its == number) {
				having[its] = append(having[its], i.FullID())
			}
		}
		return nil
	})
	return having, err
}

// knowLinkedByPhone is knowByPhone of the identities of a database that are linked to users.
func (s *Store) knowLinkedByPhone(ctx context.Context, q querier, connection string) error {
	having, err := s.linkedNumbers(ctx, q, connection, "")
	if err != nil {
		return err
	}
	for number, ids := range having {
		users, err := s.holders(ctx, q, connection, number)
		switch {
		case err != nil:
		case len(users) > 0:
			_, err = q.exec(ctx, "UPDATE users SET phone = NULL WHERE tenant = ? AND connection = ? AND phone = ?", s.tenant.ID, connection, number)
		case len(ids) == 1:
			_, err = q.exec(ctx, "UPDATE linked_identities SET phone = ? WHERE tenant = ? AND id = ?", number, s.tenant.ID, ids[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shares tells whether a user of a database has a number that identifies its users but for those who share theirs, and this one does. The answer is for letShared.
func (s *Store) shares(ctx context.Context, q querier, u *stagedoor.User) (bool, error) {
	if len(u.Identities) == 0 || u.Identities[0].Provider != stagedoor.StrategyDatabase {
		return false, nil
	}
	known, err := s.phones(q).of(ctx, u)
	if err != nil || known == nil {
		return false, err
	}
	var shared bool
	err = q.row(ctx, "SELECT phone IS NULL FROM users WHERE tenant = ? AND id = ?", []any{s.tenant.ID, u.ID}, &shared)
	return shared, err
}

// letShared makes a number that a user of a database shared, and has no longer, identify the last one who has it. Two who let it go at once do so one after the other.
func (s *Store) letShared(ctx context.Context, q querier, was *stagedoor.User) error {
	connection, number := was.Identities[0].Connection, was.PhoneNumber
	if _, err := s.heldConnection(ctx, q, connection, " FOR NO KEY UPDATE"); err != nil {
		return err
	}
	users, err := s.holders(ctx, q, connection, number)
	if err != nil || len(users) > 1 {
		return err
	}
	linked, err := s.linkedNumbers(ctx, q, connection, number)
	if err != nil || len(users)+len(linked[number]) != 1 {
		return err
	}
	for _, id := range users {
		_, err = q.exec(ctx, "UPDATE users SET phone = ? WHERE tenant = ? AND id = ?", number, s.tenant.ID, id)
	}
	for _, id := range linked[number] {
		_, err = q.exec(ctx, "UPDATE linked_identities SET phone = ? WHERE tenant = ? AND id = ?", number, s.tenant.ID, id)
	}
	return err
}

// attributeColumns are the columns by which users are looked for.
var attributeColumns = map[string]string{stagedoor.AttributeEmail: "email", stagedoor.AttributePhone: "phone", stagedoor.AttributeUsername: "username"}

// UserByAttribute returns the user of a connection who has the value, as the server writes it, of one of the attributes that identify.
func (s *Store) UserByAttribute(ctx context.Context, connection, attribute, value string) (*stagedoor.User, error) {
	column := attributeColumns[attribute]
	if column == "" || value == "" || !plainText(value) {
		return nil, errUserMissing()
	}
	return s.user(ctx, s.lookup(), "u.connection = ? AND u."+column+" = ? AND "+ownUser, connection, value)
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
