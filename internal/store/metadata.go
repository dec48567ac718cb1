package store

import (
	"context"
	"encoding/json"

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
		return err
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

// patchMetadataSQL merges in one statement, so that concurrent patches of one user queue on
// its row and none is lost. It changes nothing where a sum of the old size and the patch's
// is beyond the limit; only then is it worth the merged size.
const patchMetadataSQL = `WITH u AS (UPDATE users SET
	user_metadata = CASE ?::text WHEN 'keep' THEN user_metadata WHEN 'clear' THEN '{}'::jsonb
		ELSE (COALESCE(user_metadata, '{}'::jsonb) || ?::jsonb) - ?::text[] END,
	app_metadata = CASE ?::text WHEN 'keep' THEN app_metadata WHEN 'clear' THEN '{}'::jsonb
		ELSE (COALESCE(app_metadata, '{}'::jsonb) || ?::jsonb) - ?::text[] END,
	updated_at = ? WHERE tenant = ? AND id = ?
	AND (?::text <> 'merge' OR COALESCE(octet_length(user_metadata::text), 2) + octet_length(?::jsonb::text) <= ?)
	AND (?::text <> 'merge' OR COALESCE(octet_length(app_metadata::text), 2) + octet_length(?::jsonb::text) <= ?)
	RETURNING *) SELECT ` + userColumns + ` FROM u LEFT JOIN logins l ON l.tenant = u.tenant AND l.user_id = u.id`

func (s *Store) patchMetadataPostgres(ctx context.Context, id string, user, app stagedoor.Metadata, limit int) (*stagedoor.User, error) {
	userSet, userNull, userMode, err := splitPatch(user)
	if err != nil {
		return nil, err
	}
	appSet, appNull, appMode, err := splitPatch(app)
	if err != nil {
		return nil, err
	}
	var u *stagedoor.User
	patch := func(bound int) func(querier) error {
		return func(q querier) (err error) {
			u, err = scanUser(func(dest ...any) error {
				return q.row(ctx, patchMetadataSQL, []any{
					userMode, userSet, userNull, appMode, appSet, appNull,
					s.db.clock.Now().UnixMilli(), s.tenant.ID, id, userMode, userSet, bound, appMode, appSet, bound,
				}, dest...)
			})
			return err
		}
	}
	if err := s.writeOne(ctx, patch(limit)); !stagedoor.IsKind(err, stagedoor.NotFound) {
		return u, err
	}
	// There is no such user, or the exact size must tell.
	err = s.write(ctx, func(q querier) error {
		if err := patch(1 << 30)(q); err != nil {
			return err
		}
		if user != nil && u.UserMetadata.Size() > limit {
			return errTooLarge("user_metadata", limit)
		}
		if app != nil && u.AppMetadata.Size() > limit {
			return errTooLarge("app_metadata", limit)
		}
		return nil
	})
	if err != nil {
		return nil, err // and the transaction is rolled back
	}
	return u, nil
}

// splitPatch returns the keys to set as JSON, the keys to remove, and what to do.
func splitPatch(patch stagedoor.Metadata) (set string, null []string, mode string, err error) {
	null = []string{}
	switch {
	case patch == nil:
		return "{}", null, "keep", nil
	case len(patch) == 0:
		return "{}", null, "clear", nil
	}
	kept := patch.WithoutNulls()
	for k := range patch {
		if _, ok := kept[k]; !ok {
			null = append(null, k)
		}
	}
	b, err := json.Marshal(kept)
	return string(b), null, "merge", err
}
