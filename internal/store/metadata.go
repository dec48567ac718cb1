package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stagedoor/stagedoor"
)

// PatchMetadata merges patches into the first level of a user's metadata in one atomic
// step: nil leaves an object alone, an empty one clears it, null removes a key.
// limit bounds each merged object in bytes; beyond it nothing is changed and the
// error is TooLarge. What is not JSON that both databases can keep is Invalid.
//
// SQLite keeps values byte for byte, apart from white space. PostgreSQL keeps their meaning: inner
// keys in its own order and the last of duplicates, numbers exact but written out
// (1e5 as 100000, 1.0 as 1.0, -0 as 0), characters instead of their escapes.
func (s *Store) PatchMetadata(ctx context.Context, id string, user, app stagedoor.Metadata, limit int) (*stagedoor.User, error) {
	for _, patch := range []stagedoor.Metadata{user, app} {
		if err := checkPatch(patch); err != nil {
			return nil, err
		}
	}
	if s.db.postgres {
		return s.patchMetadataPostgres(ctx, id, user, app, limit)
	}
	var u *stagedoor.User
	err := s.write(ctx, func(q querier) (err error) {
		if u, err = s.user(ctx, q, "u.id = ?", id); err != nil {
			return err
		}
		before := indexOf(u)
		u.UserMetadata = stagedoor.MergeMetadata(u.UserMetadata, user)
		u.AppMetadata = stagedoor.MergeMetadata(u.AppMetadata, app)
		u.UpdatedAt = s.db.clock.Now()
		set, args := "updated_at = ?", []any{millis(u.UpdatedAt)}
		for _, o := range []struct {
			name          string
			patch, merged stagedoor.Metadata
		}{{"user_metadata", user, u.UserMetadata}, {"app_metadata", app, u.AppMetadata}} {
			if o.patch == nil {
				continue
			}
			text, err := json.Marshal(o.merged)
			if err != nil {
				return err
			}
			if len(text) > limit {
				return errTooLarge(o.name, limit)
			}
			set, args = set+", "+o.name+" = ?", append(args, string(text))
		}
		_, err = q.exec(ctx, "UPDATE users SET "+set+" WHERE tenant = ? AND id = ?", append(args, s.tenant.ID, id)...)
		if err != nil {
			return err
		}
		if err := s.reindex(ctx, q, before, indexOf(u)); err != nil {
			return err
		}
		return s.userEvent(ctx, q, "user.updated", u)
	})
	if err != nil {
		return nil, err
	}
	return u, nil
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

// patchMetadataPostgres reads, merges, and writes if nobody else wrote meanwhile: two round trips, and the lock lasts for the
// second one. Where many write to one user, it locks first.
func (s *Store) patchMetadataPostgres(ctx context.Context, id string, user, app stagedoor.Metadata, limit int) (u *stagedoor.User, err error) {
	for range patchTries {
		p, err := s.readPatch(ctx, s.read(), id, user, app, limit)
		if err != nil {
			return nil, err
		}
		write := s.writeOne
		told, err := s.subscribers(ctx, s.read(), "user.updated")
		if err != nil {
			return nil, err
		}
		if len(p.rest) > 0 || len(told) > 0 {
			write = s.write
		}
		err = write(ctx, func(q querier) (err error) {
			if u, err = p.run(ctx, s, q); err == nil && len(told) > 0 {
				err = s.userEvent(ctx, q, "user.updated", u)
			}
			return err
		})
		if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return u, err
		}
	}
	err = s.write(ctx, func(q querier) error {
		if _, err := s.lockedUser(ctx, q, id); err != nil {
			return err
		}
		p, err := s.readPatch(ctx, q, id, user, app, limit)
		if err != nil {
			return err
		}
		if u, err = p.run(ctx, s, q); err == nil {
			err = s.userEvent(ctx, q, "user.updated", u)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// patch is what brings a user from one state to the next.
type patch struct {
	query string
	args  []any
	rest  []attr // rows to remove that the statement has no room for
}

// readPatch reads the user and says what is to be written.
func (s *Store) readPatch(ctx context.Context, q querier, id string, user, app stagedoor.Metadata, limit int) (*patch, error) {
	was, err := s.user(ctx, q, "u.id = ?", id)
	if err != nil {
		return nil, err
	}
	now := *was
	now.UserMetadata, now.AppMetadata = stagedoor.MergeMetadata(was.UserMetadata, user), stagedoor.MergeMetadata(was.AppMetadata, app)
	now.UpdatedAt = s.db.clock.Now()
	if user != nil && now.UserMetadata.Size() > limit {
		return nil, errTooLarge("user_metadata", limit)
	}
	if app != nil && now.AppMetadata.Size() > limit {
		return nil, errTooLarge("app_metadata", limit)
	}
	objects := make([]any, 4)
	for i, m := range []stagedoor.Metadata{now.UserMetadata, now.AppMetadata, was.UserMetadata, was.AppMetadata} {
		if objects[i], err = metadataArg(m); err != nil {
			return nil, err
		}
	}
	gone, come := difference(indexOf(was), indexOf(&now))
	room := min(len(gone), attrKeys[len(attrKeys)-1])
	where, keys := s.keyed(gone[:room])
	args := []any{objects[0], objects[1], millis(now.UpdatedAt), s.tenant.ID, id, millis(was.UpdatedAt), objects[2], objects[3]}
	args = append(append(append(args, keys...), s.tenant.ID), arrays(come)...)
	return &patch{fmt.Sprintf(patchMetadataSQL, where), args, gone[room:]}, nil
}

// run writes the patch; NotFound means that the user has changed since.
func (p *patch) run(ctx context.Context, s *Store, q querier) (*stagedoor.User, error) {
	u, err := scanUser(func(dest ...any) error { return q.row(ctx, p.query, p.args, dest...) })
	if err != nil {
		return nil, err
	}
	return u, s.writeAttrsPostgres(ctx, q, p.rest, nil)
}
