package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Reads that go together have each its own answer: of whichever tenant, that nobody is there, or that the statement is wrong.
func TestLookupsOfAGroupAreApart(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	tenants := []*store.Store{storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "evil")}
	for i, s := range tenants {
		for j := range 4 {
			newUser(t, s, fmt.Sprintf("auth0|%d-%d", i, j))
		}
	}
	const callers = 48
	wait, do := store.HoldLookups(t, db)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			i, j := n%2, n/2%4
			s := tenants[i]
			id := fmt.Sprintf("auth0|%d-%d", i, j)
			switch n % 12 {
			case 4: // somebody else's
				if u, err := s.User(t.Context(), fmt.Sprintf("auth0|%d-%d", 1-i, j)); !stagedoor.IsKind(err, stagedoor.NotFound) {
					t.Errorf("a stranger's user: %+v, %v", u, err)
				}
			case 5:
				if err := store.LookUp(t, s, "SELECT nothing FROM users WHERE id = ?", []any{id}, &id); err == nil {
					t.Error("a wrong statement has an answer")
				}
			case 6:
				var n int64
				if err := store.LookUp(t, s, "SELECT id FROM users WHERE tenant = ? AND id = ?", []any{s.Tenant().ID, id}, &n); err == nil {
					t.Error("a text was read as a number")
				}
			case 7:
				var n int64
				if err := store.LookUp(t, s, "SELECT 1 / (1 - CAST(? AS BIGINT))", []any{int64(1)}, &n); err == nil {
					t.Error("a division by zero has an answer")
				}
			default:
				if u, err := s.User(t.Context(), id); err != nil || u.ID != id {
					t.Errorf("%s: %+v, %v", id, u, err)
				}
			}
		})
	}
	wait(callers)
	do()
	wg.Wait()
}

// Many who read at once find what they wrote before.
func TestLookupsFindWhatWasWritten(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		var wg sync.WaitGroup
		for i := range 32 {
			id := fmt.Sprintf("auth0|%d", i)
			newUser(t, s, id)
			wg.Go(func() {
				for round := range 20 {
					want := fmt.Sprint("round ", round)
					if _, err := s.UpdateUser(t.Context(), id, func(u *stagedoor.User) error { u.Nickname = want; return nil }); err != nil {
						t.Error(err)
					}
					if u, err := s.User(t.Context(), id); err != nil || u.ID != id || u.Nickname != want {
						t.Errorf("%s: %+v, %v instead of %s", id, u, err, want)
					}
				}
			})
		}
		wg.Wait()
	})
}

// Reads of a group whose connection breaks, or says nothing any more, are made again; who cannot wait so long leaves in time.
func TestLookupsOfABrokenGroup(t *testing.T) {
	for name, parameters := range modes {
		t.Run(name, func(t *testing.T) {
			url := storetest.Migrated(t, storetest.Postgres)
			p, s, direct := proxied(t, url, "acme", time.Minute, parameters)
			newUser(t, direct, "auth0|a")
			all := func(before func(), within time.Duration) (answered int) {
				wait, do := store.HoldLookups(t, store.DBOf(s))
				var wg sync.WaitGroup
				var mu sync.Mutex
				for range 20 {
					wg.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), within)
						defer cancel()
						u, err := s.User(ctx, "auth0|a")
						if err == nil && u.ID != "auth0|a" {
							t.Errorf("%+v", u)
						}
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							answered++
						}
					})
				}
				wait(20)
				before()
				do()
				wg.Wait()
				return answered
			}
			if n := all(func() {}, time.Minute); n != 20 {
				t.Errorf("%d of 20 were answered", n)
			}
			if n := all(func() { p.Down(); time.AfterFunc(200*time.Millisecond, p.Up) }, time.Minute); n != 20 {
				t.Errorf("after a moment without the database %d of 20 were answered", n)
			}
			start := time.Now()
			if n := all(p.Hush, 300*time.Millisecond); n != 0 || time.Since(start) > 20*time.Second {
				t.Errorf("%d were answered of a database that says nothing, after %v", n, time.Since(start))
			}
			p.Down()
			p.Up()
			if n := all(func() {}, time.Minute); n != 20 {
				t.Errorf("afterwards %d of 20 were answered", n)
			}
		})
	}
}

// A row that is not there is told of as such to who asked for it, within a group that has its answers.
func TestMissingRowsOfAGroup(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	s := storetest.Tenant(t, db, "acme")
	newUser(t, s, "auth0|ada")
	const callers = 12
	wait, do := store.HoldLookups(t, db)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			if n%2 == 0 {
				if u, err := s.User(t.Context(), "auth0|ada"); err != nil || u.ID != "auth0|ada" {
					t.Errorf("%+v, %v", u, err)
				}
				return
			}
			if u, err := s.User(t.Context(), "auth0|nobody"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("nobody is %+v, %v", u, err)
			}
		})
	}
	wait(callers)
	do()
	wg.Wait()
}
