package store

import (
	"context"
	"errors"
	"strings"

	"github.com/stagedoor/stagedoor"
)

const provisionedColumns = "SELECT p.user_id, p.connection_id, p.user_name, p.external_id, p.doc, p.created_at, p.updated_at FROM provisioned_users p WHERE p.tenant = ? AND "

func scanProvisioned(scan func(...any) error) (*stagedoor.ProvisionedUser, error) {
	var p stagedoor.ProvisionedUser
	var doc string
	var created, updated int64
	err := scan(&p.UserID, &p.ConnectionID, &p.UserName, &p.ExternalID, &doc, &created, &updated)
	if errors.Is(err, errNoRows) {
		return nil, errUserMissing()
	}
	p.Doc, p.CreatedAt, p.UpdatedAt = []byte(doc), fromMillis(created), fromMillis(updated)
	return &p, err
}

// provisionedClash gives a duplicate the words of RFC 7644 (section 3.12, uniqueness).
func provisionedClash(err error) error {
	if strings.Contains(uniqueViolation(err), "provisioned_users") {
		return stagedoor.Errorf(stagedoor.Conflict, "uniqueness", "The connection has a user with this userName or externalId already.")
	}
	return userClash(err)
}

// ProvisionUser makes a user whom a provisioner describes. One whom the connection knows by that id already, because they have logged in, is taken
// over: adopt changes them. Whom a provisioner described before, who is linked to another user, and whom
// another connection knows, are a Conflict.
func (s *Store) ProvisionUser(ctx context.Context, p *stagedoor.ProvisionedUser, u *stagedoor.User, adopt func(*stagedoor.User) error) (*stagedoor.User, error) {
	now := s.db.clock.Now()
	p.UserID, p.CreatedAt, p.UpdatedAt = u.ID, now, now
	out := u
	err := s.mayBlock(ctx, u.ID, endsWithProvisioned, adopt, func(q querier, adopt func(*stagedoor.User) error) error {
		if err := s.shareConnection(ctx, q, p.ConnectionID); err != nil {
			return err
		}
		there, err := s.lockedUser(ctx, q, u.ID)
		switch {
		case stagedoor.IsKind(err, stagedoor.NotFound):
			if _, err = s.linkedOwner(ctx, q, u.ID); err == nil {
				return stagedoor.Errorf(stagedoor.Conflict, "uniqueness", "The person is linked to another user.")
			}
			if stagedoor.IsKind(err, stagedoor.NotFound) {
				u.CreatedAt, u.UpdatedAt = now, now
				err = s.insertUser(ctx, q, u, "")
			}
		case err == nil && there.Connection != u.Connection:
			err = stagedoor.Errorf(stagedoor.Conflict, "uniqueness", "A user of another connection has this id.")
		case err == nil:
			if out, err = s.updateUser(ctx, q, u.ID, adopt); err == nil {
				err = s.endRefreshTokens(ctx, q, there, out)
			}
		}
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, `INSERT INTO provisioned_users (tenant, user_id, connection_id, user_name, external_id, doc, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			s.tenant.ID, p.UserID, p.ConnectionID, strings.ToLower(p.UserName), p.ExternalID, document(p.Doc), millis(p.CreatedAt), millis(p.UpdatedAt))
		return err
	})
	if err != nil {
		return nil, provisionedClash(err)
	}
	return out, nil
}

// UpdateProvisionedUser changes a user and how the provisioner of the connection describes them, in one transaction. Who is blocked by it loses their
// refresh tokens besides their sessions: they do not come back with a block that is lifted.
func (s *Store) UpdateProvisionedUser(ctx context.Context, connectionID, userID string, change func(*stagedoor.ProvisionedUser, *stagedoor.User) error) (*stagedoor.ProvisionedUser, *stagedoor.User, error) {
	var p *stagedoor.ProvisionedUser
	var u *stagedoor.User
	both := func(u *stagedoor.User) error { return change(p, u) }
	err := s.mayBlock(ctx, userID, endsWithProvisioned, both, func(q querier, change func(*stagedoor.User) error) error {
		before, err := s.lockedUser(ctx, q, userID)
		if err != nil {
			return err
		}
		if p, err = s.provisioned(ctx, q, connectionID, userID); err != nil {
			return err
		}
		u, err = s.updateUser(ctx, q, userID, change)
		if err == nil {
			err = s.endRefreshTokens(ctx, q, before, u)
		}
		if err != nil {
			return err
		}
		p.UpdatedAt = s.db.clock.Now()
		_, err = q.exec(ctx, "UPDATE provisioned_users SET user_name = ?, external_id = ?, doc = ?, updated_at = ? WHERE tenant = ? AND user_id = ?",
			strings.ToLower(p.UserName), p.ExternalID, document(p.Doc), millis(p.UpdatedAt), s.tenant.ID, userID)
		return err
	})
	if err != nil {
		return nil, nil, provisionedClash(err)
	}
	return p, u, nil
}

// endsWithProvisioned is what a provisioner who blocks somebody ends, and there may be much of.
var endsWithProvisioned = []goesAlong{opaqueTokens, supersededTokens}

// endRefreshTokens ends those of somebody who is blocked now and was not before.
func (s *Store) endRefreshTokens(ctx context.Context, q querier, before, after *stagedoor.User) error {
	if !after.IsBlocked() || before.IsBlocked() {
		return nil
	}
	_, err := q.exec(ctx, "DELETE FROM refresh_tokens WHERE tenant = ? AND user_id = ?", s.tenant.ID, after.ID)
	return err
}

func (s *Store) provisioned(ctx context.Context, q querier, connectionID, userID string) (*stagedoor.ProvisionedUser, error) {
	return scanProvisioned(func(dest ...any) error {
		return q.row(ctx, provisionedColumns+"p.connection_id = ? AND p.user_id = ?", []any{s.tenant.ID, connectionID, userID}, dest...)
	})
}

// ProvisionedUser returns a user of a connection whom its provisioner describes.
func (s *Store) ProvisionedUser(ctx context.Context, connectionID, userID string) (*stagedoor.ProvisionedUser, *stagedoor.User, error) {
	p, err := s.provisioned(ctx, s.read(), connectionID, userID)
	if err != nil {
		return nil, nil, err
	}
	u, err := s.User(ctx, userID)
	return p, u, err
}

// ProvisionedQuery finds users of a connection whom its provisioner describes, in the order in which it made them. Empty fields ask for nothing.
type ProvisionedQuery struct {
	ConnectionID, UserName, ExternalID, UserID string
	Skip, Take                                 int // Take 0: none, and only the total is told
}

// ProvisionedUsers lists users whom a provisioner describes, and tells how many there are in all.
func (s *Store) ProvisionedUsers(ctx context.Context, in ProvisionedQuery) (page []stagedoor.ProvisionedUser, users map[string]*stagedoor.User, total int, err error) {
	where, args := "p.connection_id = ?", []any{s.tenant.ID, in.ConnectionID}
	for _, by := range [][2]string{{"p.user_name = ?", strings.ToLower(in.UserName)}, {"p.external_id = ?", in.ExternalID}, {"p.user_id = ?", in.UserID}} {
		if by[1] != "" {
			where, args = where+" AND "+by[0], append(args, by[1])
		}
	}
	if err := s.read().row(ctx, "SELECT COUNT(*) FROM provisioned_users p WHERE p.tenant = ? AND "+where, args, &total); err != nil || in.Take == 0 {
		return nil, nil, total, err
	}
	args = append(args, in.Take, in.Skip)
	err = s.read().each(ctx, provisionedColumns+where+" ORDER BY p.created_at, p.user_id LIMIT ? OFFSET ?", args, func(scan func(...any) error) error {
		p, err := scanProvisioned(scan)
		if err == nil {
			page = append(page, *p)
		}
		return err
	})
	if err != nil || len(page) == 0 {
		return nil, nil, total, err
	}
	all, err := s.users(ctx, " JOIN provisioned_users p ON p.tenant = u.tenant AND p.user_id = u.id WHERE p.tenant = ? AND "+where+
		" ORDER BY p.created_at, p.user_id LIMIT ? OFFSET ?", args...)
	users = map[string]*stagedoor.User{}
	for i := range all {
		users[all[i].ID] = &all[i]
	}
	return page, users, total, err
}
