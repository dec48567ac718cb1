package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stagedoor/stagedoor"
)

func (s *Store) patchSQLite(ctx context.Context, p *patch) (*stagedoor.User, error) {
	var u *stagedoor.User
	err := s.write(ctx, func(q querier) error {
		was, err := s.user(ctx, q, "u.id = ?", p.id)
		if err != nil {
			return err
		}
		done, err := p.apply(s, was)
		if err != nil {
			return err
		}
		u = done.now
		set, args := "updated_at = ?", []any{millis(u.UpdatedAt)}
		if p.user != nil {
			set, args = set+", user_metadata = ?", append(args, done.userText)
		}
		if p.app != nil {
			set, args = set+", app_metadata = ?", append(args, done.appText)
		}
		if _, err = q.exec(ctx, "UPDATE users SET "+set+" WHERE tenant = ? AND id = ?", append(args, s.tenant.ID, p.id)...); err != nil {
			return err
		}
		gone, come := done.difference(p)
		if err := s.writeAttrsSQLite(ctx, q, gone, come); err != nil {
			return err
		}
		return s.userPatched(ctx, q, was, u)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// userPatched publishes a change of a user that left alone what was read before.
func (s *Store) userPatched(ctx context.Context, q querier, was, u *stagedoor.User) error {
	return s.publishChange(ctx, q, "user.updated", func() (stagedoor.EventData, error) {
		return stagedoor.EventData{Object: u.Wire(), Previous: was.Wire()}, nil
	})
}

// checkPatch refuses what is not JSON or what a database cannot keep, before any is touched.
func checkPatch(patch stagedoor.Metadata) error {
	for k, v := range patch {
		if !plainText(k) || !json.Valid(v) || !storableJSON(string(v)) {
			return errUnstorable()
		}
	}
	return nil
}

func errTooLarge(name string, limit int) error {
	return stagedoor.Errorf(stagedoor.TooLarge, "payload_too_large", "%s would be larger than the limit of %d bytes.", name, limit)
}

// patchMetadataSQL writes the patched objects and the search rows in one statement, unless the user has changed since it was
// read: then it finds nothing.
//
// The marker %s is the condition that finds the rows to remove.
const patchMetadataSQL = `WITH u AS (UPDATE users SET user_metadata = ?::jsonb, app_metadata = ?::jsonb, updated_at = ?
		WHERE tenant = ? AND id = ? AND updated_at = ? AND user_metadata IS NOT DISTINCT FROM ?::jsonb AND app_metadata IS NOT DISTINCT FROM ?::jsonb
		RETURNING *),
	gone AS (DELETE FROM attr WHERE EXISTS (SELECT 1 FROM u) AND %s),
	come AS (INSERT INTO attr (tenant, path, value, at, user_id) SELECT ?, path, value, at, user_id FROM ` + unnestedAttrs + `
		WHERE EXISTS (SELECT 1 FROM u) ON CONFLICT DO NOTHING)
	SELECT ` + userColumns + ` FROM u LEFT JOIN logins l ON l.tenant = u.tenant AND l.user_id = u.id`

// patchTries is how often a patch is tried without a lock before it takes one.
const patchTries = 3

// patchAlone reads, merges, and writes if nobody else wrote meanwhile: two round trips to PostgreSQL, and the lock lasts for the
// second one. Where many write to one user, it locks first.
func (s *Store) patchAlone(ctx context.Context, p *patch) (u *stagedoor.User, err error) {
	for range patchTries {
		st, err := s.readPatch(ctx, s.read(), p)
		if err != nil {
			return nil, err
		}
		write := s.writeOne
		told, err := s.subscribers(ctx, s.read(), "user.updated")
		if err != nil {
			return nil, err
		}
		if len(st.rest) > 0 || len(told) > 0 {
			write = s.write
		}
		err = write(ctx, func(q querier) (err error) {
			if u, err = st.run(ctx, s, q); err == nil && len(told) > 0 {
				err = s.userPatched(ctx, q, st.was, u)
			}
			return err
		})
		if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return u, err
		}
	}
	err = s.write(ctx, func(q querier) error {
		if _, err := s.lockedUser(ctx, q, p.id); err != nil {
			return err
		}
		st, err := s.readPatch(ctx, q, p)
		if err != nil {
			return err
		}
		if u, err = st.run(ctx, s, q); err == nil {
			err = s.userPatched(ctx, q, st.was, u)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// patchStatement is what brings a user from one state to the next.
type patchStatement struct {
	was   *stagedoor.User
	query string
	args  []any
	rest  []attr // rows to remove that the statement has no room for
}

// readPatch reads the user and says what is to be written.
func (s *Store) readPatch(ctx context.Context, q querier, p *patch) (*patchStatement, error) {
	was, err := s.user(ctx, q, "u.id = ?", p.id)
	if err != nil {
		return nil, err
	}
	done, err := p.apply(s, was)
	if err != nil {
		return nil, err
	}
	gone, come := done.difference(p)
	room := min(len(gone), attrKeys[len(attrKeys)-1])
	where, keys := s.keyed(gone[:room])
	args := []any{
		patchedArg(done.now.UserMetadata), patchedArg(done.now.AppMetadata), millis(done.now.UpdatedAt),
		s.tenant.ID, p.id, millis(was.UpdatedAt), patchedArg(was.UserMetadata), patchedArg(was.AppMetadata),
	}
	args = append(append(append(args, keys...), s.tenant.ID), arrays(come)...)
	return &patchStatement{was, fmt.Sprintf(patchMetadataSQL, where), args, gone[room:]}, nil
}

// patchedArg is metadataArg of what the database had, and of patches that were checked.
func patchedArg(m stagedoor.Metadata) any {
	if m == nil {
		return nil
	}
	return document(m.AppendJSON(make([]byte, 0, 512)))
}

// run writes the patch; NotFound means that the user has changed since.
func (p *patchStatement) run(ctx context.Context, s *Store, q querier) (*stagedoor.User, error) {
	u, err := scanUser(func(dest ...any) error { return q.row(ctx, p.query, p.args, dest...) })
	if err != nil {
		return nil, err
	}
	return u, s.writeAttrsPostgres(ctx, q, p.rest, nil)
}
