package store

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// patch is a change of a user's metadata: what somebody asks for with PatchMetadata.
type patch struct {
	id        string
	user, app stagedoor.Metadata
	limit     int // bytes of each object
}

// patched is a user before and after a patch.
type patched struct {
	was, now          *stagedoor.User
	userText, appText string // of the objects afterwards; "" where the patch leaves one alone
}

// apply returns what the patch makes of a user.
func (p *patch) apply(s *Store, was *stagedoor.User) (*patched, error) {
	now := *was
	now.UserMetadata, now.AppMetadata = stagedoor.MergeMetadata(was.UserMetadata, p.user), stagedoor.MergeMetadata(was.AppMetadata, p.app)
	now.UpdatedAt = s.db.clock.Now()
	out := &patched{was: was, now: &now}
	if p.user != nil {
		out.userText = string(now.UserMetadata.AppendJSON(make([]byte, 0, 512)))
	}
	if p.app != nil {
		out.appText = string(now.AppMetadata.AppendJSON(make([]byte, 0, 512)))
	}
	switch {
	case len(out.userText) > p.limit:
		return nil, errTooLarge("user_metadata", p.limit)
	case len(out.appText) > p.limit:
		return nil, errTooLarge("app_metadata", p.limit)
	}
	return out, nil
}

// difference is what a patch, or several, take from the index and add to it. Of a user without attributes that nobody can foresee nothing changes
// but what was patched, and the time.
func (p *patched) difference(patches ...*patch) (gone, come []attr) {
	if len(p.was.Attributes) > 0 || len(p.was.Identities) > 1 {
		return difference(indexOf(p.was), indexOf(p.now))
	}
	return difference(indexOfPatched(p.was, patches), indexOfPatched(p.now, patches))
}

// indexOfPatched is indexOf without what no patch changes.
func indexOfPatched(u *stagedoor.User, patches []*patch) *indexed {
	ix := &indexed{id: u.ID, at: millis(u.CreatedAt), metadata: map[string]json.RawMessage{}}
	ix.addText("updated_at", stagedoor.FormatTime(u.UpdatedAt))
	ix.addFilled(u)
	for _, p := range patches {
		ix.addPatched("user_metadata.", u.UserMetadata, p.user)
		ix.addPatched("app_metadata.", u.AppMetadata, p.app)
	}
	return ix
}

func (ix *indexed) addPatched(prefix string, all, patch stagedoor.Metadata) {
	of := patch
	if patch != nil && len(patch) == 0 { // all is cleared
		of = all
	}
	for key := range of {
		if raw, there := all[key]; there {
			ix.metadata[prefix+key] = raw
		}
	}
}

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
	p := &patch{id, user, app, limit}
	switch {
	case !s.db.postgres:
		return s.patchSQLite(ctx, p)
	case s.db.patches == nil: // within a transaction
		return s.patchAlone(ctx, p)
	}
	told, err := s.subscribers(ctx, s.read(), "user.updated")
	if err != nil {
		return nil, err
	}
	if len(told) > 0 {
		return s.patchAlone(ctx, p)
	}
	return s.db.patches.patch(ctx, s, p)
}
