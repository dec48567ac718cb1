package store

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// PatchMetadata merges patches into the first level of a user's metadata in one atomic
// step: nil leaves an object alone, an empty one clears it, null removes a key.
// limit bounds each merged object in bytes; beyond it nothing is changed and the
// error is TooLarge.
func (s *Store) PatchMetadata(ctx context.Context, id string, user, app stagedoor.Metadata, limit int) (*stagedoor.User, error) {
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
		userMD, err := metadataArg(u.UserMetadata)
		if err != nil {
			return err
		}
		appMD, err := metadataArg(u.AppMetadata)
		if err != nil {
			return err
		}
		if err := checkSize(userMD, appMD, user, app, limit); err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE users SET user_metadata = ?, app_metadata = ?, updated_at = ? WHERE tenant = ? AND id = ?",
			userMD, appMD, millis(u.UpdatedAt), s.tenant.ID, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// checkSize refuses what a patch made too large; an object that was too large before may
// still be left alone.
func checkSize(userMD, appMD any, user, app stagedoor.Metadata, limit int) error {
	for _, m := range []struct {
		name   string
		patch  stagedoor.Metadata
		merged any
	}{{"user_metadata", user, userMD}, {"app_metadata", app, appMD}} {
		if text, _ := m.merged.(string); m.patch != nil && len(text) > limit {
			return errTooLarge(m.name, limit)
		}
	}
	return nil
}

func errTooLarge(name string, limit int) error {
	return stagedoor.Errorf(stagedoor.TooLarge, "payload_too_large", "%s would be larger than the limit of %d bytes.", name, limit)
}

// patchMetadataPostgres merges in one statement, so that concurrent patches of one
// user queue on its row and none is lost.
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
	err = s.write(ctx, func(q querier) (err error) {
		u, err = scanUser(func(dest ...any) error {
			return q.row(ctx, `WITH u AS (UPDATE users SET
				user_metadata = CASE ?::text WHEN 'keep' THEN user_metadata WHEN 'clear' THEN '{}'::jsonb
					ELSE (COALESCE(user_metadata, '{}'::jsonb) || ?::jsonb) - ?::text[] END,
				app_metadata = CASE ?::text WHEN 'keep' THEN app_metadata WHEN 'clear' THEN '{}'::jsonb
					ELSE (COALESCE(app_metadata, '{}'::jsonb) || ?::jsonb) - ?::text[] END,
				updated_at = ? WHERE tenant = ? AND id = ? RETURNING *) SELECT `+userColumns+
				` FROM u LEFT JOIN logins l ON l.tenant = u.tenant AND l.user_id = u.id`,
				[]any{userMode, userSet, userNull, appMode, appSet, appNull, s.db.clock.Now().UnixMilli(), s.tenant.ID, id}, dest...)
		})
		if err != nil {
			return err
		}
		for name, m := range map[string]stagedoor.Metadata{"user_metadata": u.UserMetadata, "app_metadata": u.AppMetadata} {
			patched := name == "user_metadata" && user != nil || name == "app_metadata" && app != nil
			if patched && m.Size() > limit {
				return errTooLarge(name, limit) // the transaction is rolled back
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// splitPatch returns the keys to set as JSON, the keys to remove, and what to do.
func splitPatch(patch stagedoor.Metadata) (set string, null []string, mode string, err error) {
	switch {
	case patch == nil:
		return "{}", []string{}, "keep", nil
	case len(patch) == 0:
		return "{}", []string{}, "clear", nil
	}
	kept := patch.WithoutNulls()
	null = []string{}
	for k := range patch {
		if _, ok := kept[k]; !ok {
			null = append(null, k)
		}
	}
	b, err := json.Marshal(kept)
	return string(b), null, "merge", err
}
