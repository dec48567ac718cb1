package store

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// A CarriedUser is somebody who comes from elsewhere with all that they had there.
type CarriedUser struct {
	User    *stagedoor.User // whole: with all identities, times and the counter of logins
	Hash    string          // of the password of the primary identity; "" if there is none
	Factors json.RawMessage // second factors as imports write them; nil if there are none
	Capture bool            // without a hash, the password is to be asked for where they came from
	Only    bool            // the row is of the password alone: who is there stays as they are, and who is not is not made
	ByEmail bool            // the row has no id: who is there is found by the address
}

// Carried is what became of a user.
type Carried struct {
	Created, Changed bool // neither: they were so already
	Error            error
}

// CarryUsers adds users, those with one identity in one transaction, others in one each. Who is there already (by their id) stays as they
// are, unless update says that the record becomes what the row says; a missing password is added in any case. A user who cannot be added
// is an Error of theirs, and of nobody else.
func (s *Store) CarryUsers(ctx context.Context, rows []CarriedUser, update bool) ([]Carried, error) {
	out := make([]Carried, len(rows))
	var plain []int
	ids := map[string]bool{}
	for i := range rows {
		if u := rows[i].User; len(u.Identities) > 1 { // as linking leaves it: see LinkIdentity
			u.Identities[0].ProfileData = u.ProfileData()
		}
		switch {
		case ids[rows[i].User.ID]:
			out[i].Error = stagedoor.Errorf(stagedoor.Conflict, "user_exists", "The same user is in the file more than once.")
			continue
		case len(rows[i].User.Identities) == 1 && !rows[i].Only:
			plain = append(plain, i)
		}
		ids[rows[i].User.ID] = true
	}
	err := s.write(ctx, func(q querier) error {
		fresh := make([]*ImportRow, len(plain))
		for n, i := range plain {
			fresh[n] = &ImportRow{User: rows[i].User, Hash: rows[i].Hash, Factors: rows[i].Factors}
		}
		added, err := s.insertUsers(ctx, q, fresh)
		if err != nil {
			return err
		}
		for n, i := range plain {
			out[i] = Carried{}
			if added[rows[i].User.ID] != fresh[n] {
				continue
			}
			out[i].Created = true
			if err := s.carryRest(ctx, q, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if out[i].Created || out[i].Error != nil {
			continue
		}
		if out[i], err = s.carryUser(ctx, &rows[i], update); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// carryRest keeps what of a new user is in tables of its own.
func (s *Store) carryRest(ctx context.Context, q querier, row *CarriedUser) error {
	u := row.User
	if u.LoginsCount > 0 || !u.LastLogin.IsZero() || u.LastIP != "" {
		_, err := q.exec(ctx, "INSERT INTO logins (tenant, user_id, last_login, last_ip, count) VALUES (?, ?, ?, ?, ?)",
			s.tenant.ID, u.ID, millis(u.LastLogin), u.LastIP, u.LoginsCount)
		if err != nil {
			return err
		}
	}
	if !row.Capture || row.Hash != "" {
		return nil
	}
	return s.markCapture(ctx, q, u.ID)
}

func (s *Store) markCapture(ctx context.Context, q querier, id string) error {
	_, err := q.exec(ctx, "INSERT INTO captures (tenant, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING", s.tenant.ID, id)
	return err
}

// carryUser deals with somebody who has several identities, or who was not added because they, or somebody like them, are there.
func (s *Store) carryUser(ctx context.Context, row *CarriedUser, update bool) (Carried, error) {
	var out Carried
	err := s.write(ctx, func(q querier) error {
		out = Carried{}
		there, err := s.carriedOwner(ctx, q, row)
		if stagedoor.IsKind(err, stagedoor.NotFound) && row.Only { // who is not in the export, or was refused, may be blocked
			return stagedoor.Errorf(stagedoor.Invalid, "", "There is no such user: a row with a password alone makes none.")
		}
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			out.Created = true
			return s.carryLinked(ctx, q, row)
		}
		if err != nil {
			return err
		}
		out.Changed, err = s.carryAgain(ctx, q, row, there, update && !row.Only)
		return err
	})
	if err = userClash(err); err != nil {
		e := stagedoor.AsError(err)
		if e.Kind != stagedoor.Conflict && e.Kind != stagedoor.Invalid {
			return out, err
		}
		if e.Code == "user_exists" {
			err = ErrAlike()
		}
		return Carried{Error: err}, nil
	}
	return out, nil
}

// ErrAlike is the error of a user who cannot be carried because somebody else is known by the same.
func ErrAlike() error {
	return stagedoor.Errorf(stagedoor.Conflict, "user_exists", "Another user has the e-mail address, the telephone number or an identity of this one.")
}

// carriedOwner finds who is there: by the id, or by the address.
func (s *Store) carriedOwner(ctx context.Context, q querier, row *CarriedUser) (*stagedoor.User, error) {
	u, err := s.user(ctx, q, "u.id = ?", row.User.ID)
	if (row.Only || row.ByEmail) && stagedoor.IsKind(err, stagedoor.NotFound) && row.User.Email != "" {
		u, err = s.user(ctx, q, "u.connection = ? AND u.email = ? AND "+ownUser, row.User.Connection, row.User.Email)
	}
	return u, err
}

// carryLinked adds a user with all identities.
func (s *Store) carryLinked(ctx context.Context, q querier, row *CarriedUser) error {
	if _, err := s.linkedOwner(ctx, q, row.User.ID); err == nil {
		return stagedoor.Errorf(stagedoor.Conflict, "user_exists", "")
	} else if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	if err := s.insertUser(ctx, q, row.User, row.Hash); err != nil {
		return err
	}
	for _, i := range row.User.Identities[1:] {
		if owner, err := s.linkedOwner(ctx, q, i.FullID()); err == nil && owner != row.User.ID {
			return stagedoor.Errorf(stagedoor.Conflict, "user_exists", "")
		}
		if err := s.putLinked(ctx, q, row.User.ID, i); err != nil {
			return err
		}
	}
	if row.Factors != nil {
		if err := s.importFactors(ctx, q, row.User.ID, row.Factors); err != nil {
			return err
		}
	}
	return s.carryRest(ctx, q, row)
}

// carryAgain adds what somebody who is there lacks, and with update makes of them what the row says.
func (s *Store) carryAgain(ctx context.Context, q querier, row *CarriedUser, there *stagedoor.User, update bool) (changed bool, err error) {
	if there.Connection != row.User.Connection {
		return false, stagedoor.Errorf(stagedoor.Conflict, "user_exists", "A user of another connection has the id.")
	}
	if update {
		wanted := *row.User
		if row.ByEmail {
			wanted.ID, wanted.Identities = there.ID, there.Identities
		}
		wanted.CreatedAt, wanted.UpdatedAt, wanted.LastLogin, wanted.LastIP, wanted.LoginsCount = there.CreatedAt, there.UpdatedAt, there.LastLogin, there.LastIP, there.LoginsCount
		if changed = !sameUser(there, &wanted); changed {
			if _, err := s.updateUser(ctx, q, there.ID, func(u *stagedoor.User) error {
				kept := *u
				*u = wanted
				u.ID, u.CreatedAt = kept.ID, kept.CreatedAt
				return nil
			}); err != nil {
				return false, err
			}
		}
	}
	hash, err := s.passwordHash(ctx, q, there.ID)
	if err != nil || hash != "" {
		return changed, err
	}
	if row.Hash != "" {
		return true, s.putPassword(ctx, q, there.ID, row.Hash)
	}
	if !row.Capture {
		return changed, nil
	}
	n, err := q.exec(ctx, "INSERT INTO captures (tenant, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING", s.tenant.ID, there.ID)
	return changed || n > 0, err
}

// sameUser tells whether two records say the same, in whatever order a database keeps their members.
func sameUser(a, b *stagedoor.User) bool {
	var texts [2]string
	for i, u := range []*stagedoor.User{a, b} {
		raw, err := json.Marshal(u.Wire())
		if err != nil {
			return false
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return false
		}
		if raw, err = json.Marshal(v); err != nil {
			return false
		}
		texts[i] = string(raw)
	}
	return texts[0] == texts[1]
}
