package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A connection that is cut in the middle of what is done to a refresh token costs time: nobody loses a family by it, and no token has more
// successors than its client's leeway allows.
func TestRefreshTokenAnswersLost(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	const rotation, creation, use = "WITH owner AS (SELECT tenant", "WITH owner AS (SELECT id", "UPDATE refresh_tokens"
	for mode, parameters := range modes {
		run := func(name string, wait time.Duration, do func(t *testing.T, p *storetest.Proxy, s, direct *store.Store)) {
			t.Run(mode+"/"+name, func(t *testing.T) {
				p, s, direct := proxied(t, url, "t"+stagedoor.NewHexID(), wait, parameters)
				newUser(t, direct, "auth0|ada")
				ok(t, direct.CreateRefreshToken(t.Context(), "t0", &stagedoor.RefreshToken{ID: "rt", FamilyID: "f", UserID: "auth0|ada", ClientID: "c"}))
				must(s.RefreshToken(t.Context(), "t0"))(t) // and there is a connection
				do(t, p, s, direct)
				if p.Left() != 0 && wait > time.Second {
					t.Error("nothing was cut")
				}
			})
		}
		// alone fails unless child is the only token of the family that is not superseded.
		alone := func(t *testing.T, s *store.Store, child string, counter int) {
			t.Helper()
			got, err := s.UnusedRefreshToken(t.Context(), child)
			if err != nil || got.Counter != counter {
				t.Fatalf("%+v, error %v", got, err)
			}
			if live := store.LiveRefreshTokens(t.Context(), s, "f"); live != 1 {
				t.Errorf("%d tokens of the family are live", live)
			}
			must(rotate(t.Context(), s, child, child+"+", 0, time.Hour))(t) // the family was not revoked
		}
		for moment, when := range map[string]storetest.When{"before": storetest.Before, "after": storetest.After} {
			run("rotation, "+moment, 5*time.Second, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
				p.Cut(when, rotation, 1)
				if got, err := rotate(t.Context(), s, "t0", "t1", 0, time.Hour); err != nil || got.Counter != 1 {
					t.Fatalf("%+v, error %v", got, err)
				}
				alone(t, direct, "t1", 1)
			})
			run("rotation in a transaction, "+moment, 5*time.Second, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
				p.Cut(when, "commit", 1)
				if got, err := s.RotateRefreshToken(t.Context(), "t0", "t1", nil, 0, time.Hour); err != nil || got.Counter != 1 {
					t.Fatalf("%+v, error %v", got, err)
				}
				alone(t, direct, "t1", 1)
			})
			run("a token that was rotated meanwhile, "+moment, 5*time.Second, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
				presented := must(s.RefreshToken(t.Context(), "t0"))(t)
				must(rotate(t.Context(), direct, "t0", "t1", 0, time.Hour))(t)
				p.Cut(when, rotation, 1)
				if got, err := s.RotateRefreshToken(t.Context(), "t0", "t1b", presented, time.Minute, time.Hour); err != nil || got.Counter != 1 {
					t.Fatalf("within the leeway: %+v, error %v", got, err)
				}
				if live := store.LiveRefreshTokens(t.Context(), direct, "f"); live != 2 {
					t.Errorf("%d tokens of two tabs are live", live)
				}
				p.Cut(when, rotation, 1)
				if _, err := s.RotateRefreshToken(t.Context(), "t0", "t1c", presented, 0, time.Hour); !errors.Is(err, store.ErrReused) {
					t.Errorf("without a leeway: error %v", err)
				}
				if live := store.LiveRefreshTokens(t.Context(), direct, "f"); live != 0 {
					t.Errorf("%d tokens of a stolen family are live", live)
				}
			})
			run("first token, "+moment, 5*time.Second, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
				ok(t, direct.EndRefreshTokens(t.Context(), "auth0|ada", "f"))
				p.Cut(when, creation, 1)
				ok(t, s.CreateRefreshToken(t.Context(), "n0", &stagedoor.RefreshToken{ID: "rt", FamilyID: "f", UserID: "auth0|ada", ClientID: "c"}))
				alone(t, direct, "n0", 0)
			})
			run("first token of a code that was replayed, "+moment, 5*time.Second, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
				ctx := t.Context()
				ok(t, direct.SaveCode(ctx, "code", &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada"}, ExpiresAt: time.Now().Add(time.Minute)}))
				_, origin, err := direct.ConsumeCode(ctx, "code")
				ok(t, err)
				_, _, err = direct.ConsumeCode(ctx, "code")
				isKind(t, err, stagedoor.NotFound)
				p.Cut(when, creation, 1)
				isKind(t, s.CreateRefreshToken(ctx, "n0", &stagedoor.RefreshToken{FamilyID: origin, UserID: "auth0|ada", ClientID: "c"}), stagedoor.NotFound)
				alone(t, direct, "t0", 0)
			})
			run("use of one that does not rotate, "+moment, 5*time.Second, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
				p.Cut(when, use, 1)
				ok(t, touch(t.Context(), s, "t0", time.Hour))
				if got := must(direct.RefreshToken(t.Context(), "t0"))(t); time.Until(got.IdleExpiry) < 50*time.Minute {
					t.Errorf("idles out at %v", got.IdleExpiry)
				}
				alone(t, direct, "t0", 0)
			})
		}
		// It is known that it was done and not what came of it: who says that nothing was changed would have the token used again.
		run("the database stays away", 300*time.Millisecond, func(t *testing.T, p *storetest.Proxy, s, direct *store.Store) {
			presented := must(s.RefreshToken(t.Context(), "t0"))(t)
			p.Cut(storetest.After, rotation, 1)
			p.Cut(storetest.Before, "SELECT doc, used_at", 1000)
			if _, err := s.RotateRefreshToken(t.Context(), "t0", "t1", presented, 0, time.Hour); !stagedoor.HasCode(err, store.CodeAnswerLost) {
				t.Errorf("error %v", err)
			}
			alone(t, direct, "t1", 1)
		})
	}
}
