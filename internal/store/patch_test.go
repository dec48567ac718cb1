package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Patches that go together do not see each other: what one of them lacks is its own affair, in whatever tenant, and the index stays right.
func TestPatchesOfAGroupAreApart(t *testing.T) {
	const callers, rounds = 24, 6
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		tenants := []*store.Store{storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "evil")}
		for _, s := range tenants {
			for i := range 4 {
				newUser(t, s, fmt.Sprintf("auth0|%d", i))
			}
		}
		big := json.RawMessage(`"` + strings.Repeat("x", 2000) + `"`)
		deep := json.RawMessage(strings.Repeat("[", 511) + strings.Repeat("]", 511))
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				s := tenants[i%2]
				for round := range rounds {
					id := fmt.Sprintf("auth0|%d", (i+round)%4)
					key := fmt.Sprintf("k%d_%d", i, round)
					u, err := s.PatchMetadata(t.Context(), id, stagedoor.Metadata{key: json.RawMessage(fmt.Sprint(i)), "last": json.RawMessage(fmt.Sprint(i))}, nil, mebibyte)
					if err != nil || string(u.UserMetadata[key]) != fmt.Sprint(i) || string(u.UserMetadata["last"]) != fmt.Sprint(i) || u.ID != id {
						t.Errorf("%+v, %v", u, err)
					}
					switch round {
					case 0:
						_, err := s.PatchMetadata(t.Context(), id, nil, stagedoor.Metadata{"big": big}, 100)
						if !stagedoor.IsKind(err, stagedoor.TooLarge) {
							t.Errorf("more than the limit: %v", err)
						}
					case 1:
						_, err := s.PatchMetadata(t.Context(), "auth0|nobody", nil, stagedoor.Metadata{"a": big}, mebibyte)
						if !stagedoor.IsKind(err, stagedoor.NotFound) {
							t.Errorf("of nobody: %v", err)
						}
					case 2:
						gone, cancel := context.WithCancel(t.Context())
						cancel()
						if _, err := s.PatchMetadata(gone, id, nil, stagedoor.Metadata{"gone": big}, mebibyte); err == nil {
							t.Error("a patch of somebody who had left was made")
						}
					case 3:
						_, err := s.PatchMetadata(t.Context(), id, nil, stagedoor.Metadata{"deep": deep}, mebibyte)
						if err != nil {
							t.Error(err)
						}
						_, err = s.PatchMetadata(t.Context(), id, nil, stagedoor.Metadata{"deep": json.RawMessage("null")}, mebibyte)
						if err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		for i, s := range tenants {
			found := 0
			for n := range 4 {
				u := must(s.User(t.Context(), fmt.Sprintf("auth0|%d", n)))(t)
				found += len(u.UserMetadata) - 1
				if len(u.AppMetadata) != 0 {
					t.Errorf("%s: app_metadata %v", u.ID, u.AppMetadata)
				}
			}
			if found != callers/2*rounds {
				t.Errorf("tenant %d: %d of %d keys are there", i, found, callers/2*rounds)
			}
		}
		if c := must(db.Check(t.Context(), nil))(t); len(c.Faults) > 0 {
			t.Errorf("faults: %+v", c.Faults)
		}
	})
}

// Whoever holds a user back holds back nobody else.
func TestLockedUserHoldsNoGroupUp(t *testing.T) {
	s := storetest.Tenant(t, storetest.Open(t, storetest.Postgres), "acme")
	for i := range 16 {
		newUser(t, s, fmt.Sprintf("auth0|%d", i))
	}
	locked, let := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := s.UpdateUser(context.Background(), "auth0|0", func(u *stagedoor.User) error {
			close(locked)
			<-let
			u.Nickname = "held"
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-locked
	for range 4 {
		wg.Go(func() {
			_, err := s.PatchMetadata(t.Context(), "auth0|0", stagedoor.Metadata{"a": json.RawMessage("1")}, nil, mebibyte)
			if err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(2 * time.Millisecond)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var others sync.WaitGroup
		for i := range 15 {
			others.Go(func() {
				for range 3 {
					_, err := s.PatchMetadata(t.Context(), fmt.Sprintf("auth0|%d", i+1), stagedoor.Metadata{"a": json.RawMessage("1")}, nil, mebibyte)
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		others.Wait()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("the patches of others wait for a user who is locked")
	}
	close(let)
	wg.Wait()
	<-done
	if u := must(s.User(t.Context(), "auth0|0"))(t); u.Nickname != "held" || len(u.UserMetadata) != 1 {
		t.Errorf("%s, %v", u.Nickname, u.UserMetadata)
	}
}
