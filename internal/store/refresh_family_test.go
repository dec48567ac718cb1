package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A superseded token that comes again ends its family with the opaque access tokens that came from it, of which a thief has some, and nothing else; but not where
// a client brings it whose it is not: who has found a token could end what others have.
func TestReuseEndsTheFamily(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, until := t.Context(), time.Now().Add(time.Hour)
		newUser(t, s, "auth0|ada")
		families := map[string]func() error{
			"presented": func() error {
				_, err := s.PresentRefreshToken(ctx, "presented 0", 0, anybodys)
				return err
			},
			"rotated": func() error { _, err := rotate(ctx, s, "rotated 0", "rotated 2", 0, 0); return err },
			"revoked": func() error {
				_, err := s.RevokeRefreshToken(ctx, "revoked 0", "c")
				return errors.Join(err, store.ErrReused)
			},
		}
		for family := range families {
			ok(t, s.CreateRefreshToken(ctx, family+" 0", &stagedoor.RefreshToken{FamilyID: family, UserID: "auth0|ada", ClientID: "c"}))
			must(rotate(ctx, s, family+" 0", family+" 1", 0, 0))(t)
			ok(t, s.SaveAccessToken(ctx, "access "+family, family, &stagedoor.Authorization{UserID: "auth0|ada", ClientID: "c"}, until))
		}
		ok(t, s.SaveAccessToken(ctx, "access", "", &stagedoor.Authorization{UserID: "auth0|ada", ClientID: "c"}, until))
		for family, end := range families {
			_, err := s.PresentRefreshToken(ctx, family+" 0", 0, func(*stagedoor.RefreshToken) bool { return false })
			isKind(t, err, stagedoor.NotFound)
			must(s.RefreshToken(ctx, family+" 1"))(t)
			must(s.AccessToken(ctx, "access "+family))(t)
			if err := end(); !errors.Is(err, store.ErrReused) {
				t.Errorf("%s: error %v", family, err)
			}
			_, refresh := s.RefreshToken(ctx, family+" 1")
			_, access := s.AccessToken(ctx, "access "+family)
			if !stagedoor.IsKind(refresh, stagedoor.NotFound) || !stagedoor.IsKind(access, stagedoor.NotFound) {
				t.Errorf("%s: the family's tokens still work: %v, %v", family, refresh, access)
			}
		}
		must(s.AccessToken(ctx, "access"))(t)
	})
}

// Between the look at a token and its rotation things happen: what was changed of it meanwhile is its successor's, and one that has expired, or was ended, has none.
func TestTokenThatChangesBeforeItRotates(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx, start := t.Context(), clock.now
		defer func() { clock.now = start }()
		newUser(t, s, "auth0|ada")
		for _, name := range []string{"changed", "idle", "over", "ended"} {
			ok(t, s.CreateRefreshToken(ctx, name, &stagedoor.RefreshToken{
				ID: "rt_" + name, FamilyID: name, UserID: "auth0|ada", ClientID: "c", ExpiresAt: clock.in(time.Hour), IdleExpiry: clock.in(30 * time.Minute),
			}))
		}
		seen := map[string]*stagedoor.RefreshToken{}
		for _, name := range []string{"changed", "idle", "over", "ended"} {
			seen[name] = must(s.RefreshToken(ctx, name))(t)
		}
		must(s.SetRefreshTokenMetadata(ctx, "rt_changed", map[string]any{"k": "v"}))(t)
		if next := must(s.RotateRefreshToken(ctx, "changed", "changed 1", seen["changed"], 0, time.Hour))(t); next.Metadata["k"] != "v" {
			t.Errorf("the successor: %+v", next)
		}
		if kept := must(s.RefreshToken(ctx, "changed 1"))(t); kept.Metadata["k"] != "v" {
			t.Errorf("the successor that was kept: %+v", kept)
		}
		ok(t, s.EndRefreshTokens(ctx, "auth0|ada", "ended"))
		clock.now = clock.in(31 * time.Minute)
		for _, name := range []string{"idle", "ended"} {
			_, err := s.RotateRefreshToken(ctx, name, name+" 1", seen[name], 0, time.Hour)
			isKind(t, err, stagedoor.NotFound)
			isKind(t, s.TouchRefreshToken(ctx, name, seen[name], time.Hour), stagedoor.NotFound)
		}
		clock.now = clock.in(30 * time.Minute)
		_, err := s.RotateRefreshToken(ctx, "over", "over 1", seen["over"], 0, time.Hour)
		isKind(t, err, stagedoor.NotFound)
		for _, name := range []string{"idle", "over", "ended"} {
			_, err := s.RefreshToken(ctx, name+" 1")
			isKind(t, err, stagedoor.NotFound)
		}
	}, storetest.WithClock(clock.clock))
}

// Who ends a family leaves none of its tokens, also none that a rotation at the same time makes, whichever of them began first.
func TestRotationMeetsTheEndOfItsFamily(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres) // SQLite has one writer
	s := storetest.Tenant(t, db, "acme")
	newUser(t, s, "auth0|ada")
	end := func(ctx context.Context, s *store.Store, family string) error {
		return s.EndRefreshTokens(ctx, "auth0|ada", family)
	}
	presented := func(ctx context.Context, s *store.Store, family string) error {
		_, err := rotate(ctx, s, family+" 0", family+" 1", 0, 0)
		return err
	}
	lookedUpAnew := func(ctx context.Context, s *store.Store, family string) error {
		_, err := s.RotateRefreshToken(ctx, family+" 0", family+" 1", nil, 0, 0)
		return err
	}
	for name, c := range map[string]struct {
		first, second func(context.Context, *store.Store, string) error
	}{
		"the end, a token that was presented": {end, presented}, "the end, a token": {end, lookedUpAnew},
		"a token that was presented, the end": {presented, end}, "a token, the end": {lookedUpAnew, end},
	} {
		ok(t, s.CreateRefreshToken(t.Context(), name+" 0", &stagedoor.RefreshToken{FamilyID: name, UserID: "auth0|ada", ClientID: "c"}))
		done, let := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			err := db.Together(t.Context(), func(in *store.DB) error {
				err := c.first(t.Context(), must(in.TenantByID(t.Context(), "acme"))(failing{t}), name)
				close(done)
				<-let
				return err
			})
			if err != nil {
				t.Errorf("%s: the first: %v", name, err)
			}
		})
		<-done
		wg.Go(func() {
			if err := c.second(t.Context(), s, name); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) && !errors.Is(err, store.ErrReused) {
				t.Errorf("%s: the second: %v", name, err)
			}
		})
		time.Sleep(200 * time.Millisecond) // the second waits for the first
		close(let)
		wg.Wait()
		for _, token := range []string{name + " 0", name + " 1"} {
			if _, err := s.RefreshToken(t.Context(), token); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("%s: %q still works: %v", name, token, err)
			}
		}
	}
}
