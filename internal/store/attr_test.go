package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Whatever writes users, the index holds what they say.
func TestIndexFollowsUsers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		var wg sync.WaitGroup
		ids := []string{"auth0|ada", "auth0|bob", "auth0|cyd", "auth0|dan"}
		for _, id := range ids {
			newUser(t, s, id)
		}
		for worker := range uint64(4) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(seed, worker))
				for range 60 {
					if err := disturb(t, s, r, ids[r.IntN(len(ids))]); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) && !stagedoor.IsKind(err, stagedoor.Conflict) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		store.CheckIndex(t, s)
		for _, id := range ids[:2] {
			ok(t, s.DeleteUser(t.Context(), id))
		}
		store.CheckIndex(t, s)
		ok(t, s.CreateConnection(t.Context(), &stagedoor.Connection{ID: "con_1", Name: "Users"}))
		ok(t, s.DeleteConnection(t.Context(), "con_1"))
		store.CheckIndex(t, s)
	})
}

// disturb writes something to the user.
func disturb(t *testing.T, s *store.Store, r *rand.Rand, id string) error {
	ctx := t.Context()
	values := []string{`1`, `-2.50`, `1e3`, `"x"`, `"Ab"`, `true`, `null`, `[]`, `{}`, `[1,[2,"three"],{"a":[{"b":4}]}]`, `{"a":{"b":"c"},"a b":2}`, `"` + strings.Repeat("long ", 80) + `"`}
	value := func() json.RawMessage { return json.RawMessage(values[r.IntN(len(values))]) }
	key := func() string { return string(rune('a' + r.IntN(3))) }
	switch r.IntN(8) {
	case 0:
		return s.RecordLogin(ctx, &stagedoor.User{ID: id}, fmt.Sprintf("192.0.2.%d", r.IntN(3)))
	case 1:
		_, err := s.UpdateUser(ctx, id, func(u *stagedoor.User) error {
			u.Nickname, u.Blocked = "Nick "+key(), new(bool)
			u.Identities = append(u.Identities[:min(1, len(u.Identities)):min(1, len(u.Identities))], stagedoor.Identity{Connection: key(), Provider: "google-oauth2", UserID: key(), IsSocial: true})
			u.UserMetadata = stagedoor.MergeMetadata(u.UserMetadata, stagedoor.Metadata{key(): value()})
			return nil
		})
		return err
	case 2:
		return s.SetPasswordHash(ctx, id, "hash", time.Now())
	case 3:
		_, err := s.PatchMetadata(ctx, id, stagedoor.Metadata{}, nil, mebibyte)
		return err
	case 4:
		if err := s.DeleteUser(ctx, id); err != nil {
			return err
		}
		return s.CreateUser(ctx, &stagedoor.User{ID: id, Connection: "Users", Email: "New@" + key() + ".example", AppMetadata: stagedoor.Metadata{key(): value()}}, "")
	}
	_, err := s.PatchMetadata(ctx, id, stagedoor.Metadata{key(): value(), key(): value()}, stagedoor.Metadata{key(): value()}, mebibyte)
	return err
}

// A database from before the index is indexed when it is migrated; Reindex mends what went wrong.
func TestReindex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, other := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
		for i := range 450 {
			newUser(t, s, fmt.Sprint("auth0|", i))
		}
		newUser(t, other, "auth0|x")
		store.Exec(t, db, "DELETE FROM attr")
		store.Exec(t, db, "INSERT INTO attr_pending SELECT id FROM tenants")
		if err := db.CheckMigrated(t.Context()); err == nil {
			t.Error("a database without index passes")
		}
		ok(t, db.Migrate(t.Context()))
		ok(t, db.CheckMigrated(t.Context()))
		store.CheckIndex(t, s)
		store.CheckIndex(t, other)
		store.Exec(t, db, "UPDATE attr SET value = 'sstray' WHERE user_id = 'auth0|7'  AND value = 'sUsers'")
		store.Exec(t, db, "DELETE FROM attr WHERE user_id = 'auth0|8'")
		store.Exec(t, db, "INSERT INTO attr (tenant, path, value, at, user_id) VALUES ('acme', 1, 's', 1, 'nobody')")
		told := 0
		ok(t, s.Reindex(t.Context(), func(n int) { told = n }))
		store.CheckIndex(t, s)
		if told != 450 {
			t.Errorf("told of %d users", told)
		}
		ok(t, db.DeleteTenant(t.Context(), "other", nil))
		if n := store.RawRow(t, db, "SELECT MIN(tenant), MAX(tenant) FROM attr"); n != [2]string{"acme", "acme"} {
			t.Errorf("the index of a deleted tenant is left: %q", n)
		}
	})
}

// Servers go on while the index is made anew: whatever they write meanwhile, it agrees with the users in the end.
func TestReindexWhileOthersWrite(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		var ids []string
		for i := range 450 {
			ids = append(ids, fmt.Sprint("auth0|", i))
			newUser(t, s, ids[i])
		}
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		done, wrote := make(chan struct{}), make(chan int, 3)
		for worker := range uint64(3) {
			go func() {
				r, n := rand.New(rand.NewPCG(seed, worker)), 0
				for ; ; n++ {
					select {
					case <-done:
						wrote <- n
						return
					default:
					}
					if err := disturb(t, s, r, ids[r.IntN(len(ids))]); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) && !stagedoor.IsKind(err, stagedoor.Conflict) {
						t.Error(err)
					}
				}
			}()
		}
		ok(t, s.Reindex(t.Context(), nil))
		close(done)
		if n := <-wrote + <-wrote + <-wrote; n == 0 {
			t.Error("nobody wrote meanwhile")
		}
		store.CheckIndex(t, s)
	})
}
