package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// race runs fn in n goroutines that start together, and returns how many succeeded.
func race(n int, fn func(i int) error) int {
	var wg sync.WaitGroup
	var won atomic.Int32
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			if fn(i) == nil {
				won.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	return int(won.Load())
}

// Of 8 concurrent redemptions of each of 50 codes one succeeds; the others take back what it gave.
func TestCodeIsRedeemedOnce(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		a := stagedoor.Authorization{UserID: "auth0|ada", ClientID: "c", Scope: []string{"openid"}, Nonce: "n"}
		for i := range 50 {
			ok(t, s.SaveCode(ctx, fmt.Sprint("code", i), &stagedoor.Code{Authorization: a, RedirectURI: "https://app", ExpiresAt: clock.in(time.Minute)}))
		}
		won := race(400, func(i int) error {
			c, origin, err := s.ConsumeCode(ctx, fmt.Sprint("code", i%50))
			if err != nil {
				if !stagedoor.IsKind(err, stagedoor.NotFound) || c != nil || origin != "" {
					t.Errorf("%v, %v, %q", err, c, origin)
				}
				return err
			}
			if c.Nonce != "n" || c.RedirectURI != "https://app" || origin == "" {
				t.Errorf("%+v, origin %q", c, origin)
			}
			return nil
		})
		if won != 50 {
			t.Errorf("%d of 50 codes were redeemed", won)
		}
	}, storetest.WithClock(clock.clock))
}

func TestReplayTakesBackTokens(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		a := stagedoor.Authorization{UserID: "auth0|ada", ClientID: "c"}
		origins := map[string]string{}
		for _, code := range []string{"one", "two"} {
			ok(t, s.SaveCode(ctx, code, &stagedoor.Code{Authorization: a, ExpiresAt: clock.in(time.Minute)}))
			_, origin, err := s.ConsumeCode(ctx, code)
			ok(t, err)
			origins[code] = origin
			ok(t, s.SaveAccessToken(ctx, "access "+code, origin, &a, clock.in(time.Hour)))
			ok(t, s.CreateRefreshToken(ctx, "refresh "+code, &stagedoor.RefreshToken{FamilyID: origin, UserID: a.UserID, ClientID: "c"}))
			must(rotate(ctx, s, "refresh "+code, "next "+code, 0, 0))(t)
		}
		clock.now = clock.in(time.Hour - time.Second) // long after the code expired
		_, _, err := s.ConsumeCode(ctx, "one")
		isKind(t, err, stagedoor.NotFound)
		_, accessErr := s.AccessToken(ctx, "access one")
		_, refreshErr := s.RefreshToken(ctx, "next one")
		isKind(t, accessErr, stagedoor.NotFound)
		isKind(t, refreshErr, stagedoor.NotFound)
		must(s.AccessToken(ctx, "access two"))(t)
		must(s.RefreshToken(ctx, "next two"))(t)

		// Tokens that are saved after the replay are refused: the replay may come in between.
		isKind(t, s.SaveAccessToken(ctx, "late access", origins["one"], &a, clock.in(time.Hour)), stagedoor.NotFound)
		late := &stagedoor.RefreshToken{FamilyID: origins["one"], UserID: a.UserID, ClientID: "c"}
		isKind(t, s.CreateRefreshToken(ctx, "late refresh", late), stagedoor.NotFound)
		_, accessErr = s.AccessToken(ctx, "late access")
		_, refreshErr = s.RefreshToken(ctx, "late refresh")
		isKind(t, accessErr, stagedoor.NotFound)
		isKind(t, refreshErr, stagedoor.NotFound)
		ok(t, s.SaveAccessToken(ctx, "more", origins["two"], &a, clock.in(time.Hour)))
	}, storetest.WithClock(clock.clock))
}

// Signed tokens without a random part are equal when a browser signs in and renews within one second.
func TestAccessTokenTwice(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		a := stagedoor.Authorization{UserID: "auth0|ada", ClientID: "c", Scope: []string{"openid"}}
		ok(t, s.SaveAccessToken(ctx, "same", "", &a, clock.in(time.Hour)))
		a.Scope = []string{"openid", "email"}
		ok(t, s.SaveAccessToken(ctx, "same", "", &a, clock.in(time.Hour)))
		if got := must(s.AccessToken(ctx, "same"))(t); len(got.Scope) != 2 {
			t.Errorf("the later one does not count: %+v", got)
		}
	}, storetest.WithClock(clock.clock))
}

func TestCodeExpires(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		ok(t, s.SaveCode(t.Context(), "c", &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada"}, ExpiresAt: clock.in(time.Minute)}))
		clock.now = clock.in(time.Minute)
		_, _, err := s.ConsumeCode(t.Context(), "c")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

func TestRefreshTokenRotates(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		first := &stagedoor.RefreshToken{FamilyID: "f", UserID: "auth0|ada", ClientID: "c", Audience: "a", ExpiresAt: clock.in(time.Hour), IdleExpiry: clock.in(time.Minute)}
		ok(t, s.CreateRefreshToken(ctx, "t0", first))
		clock.now = clock.in(30 * time.Second)
		second := must(rotate(ctx, s, "t0", "t1", 10*time.Second, time.Minute))(t)
		if second.Counter != 1 || !second.IdleExpiry.Equal(clock.in(time.Minute)) || !second.LastUsedAt.Equal(clock.now) {
			t.Errorf("%+v", second)
		}
		// Within the leeway the last but one still works, and so do both of its successors.
		clock.now = clock.in(10 * time.Second)
		must(rotate(ctx, s, "t0", "t1b", 10*time.Second, time.Minute))(t)
		if third := must(rotate(ctx, s, "t1b", "t2", 10*time.Second, time.Minute))(t); third.Counter != 2 {
			t.Errorf("%+v", third)
		}
		must(rotate(ctx, s, "t1", "t2b", 10*time.Second, time.Minute))(t)
		// But not the one before: that ends the family.
		reused, err := rotate(ctx, s, "t0", "t3", 10*time.Second, time.Minute)
		if !errors.Is(err, store.ErrReused) || reused.FamilyID != "f" || reused.Counter != 0 {
			t.Fatalf("%+v, %v", reused, err)
		}
		for _, token := range []string{"t0", "t1", "t1b", "t2", "t2b", "t3"} {
			_, err := s.RefreshToken(ctx, token)
			isKind(t, err, stagedoor.NotFound)
		}
		// Too late for the leeway.
		first.ExpiresAt, first.IdleExpiry = time.Time{}, time.Time{}
		ok(t, s.CreateRefreshToken(ctx, "u0", first))
		must(rotate(ctx, s, "u0", "u1", 10*time.Second, 0))(t)
		clock.now = clock.in(10*time.Second + time.Millisecond)
		if _, err := rotate(ctx, s, "u0", "u2", 10*time.Second, 0); !errors.Is(err, store.ErrReused) {
			t.Errorf("error %v", err)
		}
		_, err = rotate(ctx, s, "u1", "u3", time.Hour, 0)
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

func TestRefreshTokenIsPresented(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateRefreshToken(ctx, "t0", &stagedoor.RefreshToken{FamilyID: "f", UserID: "auth0|ada", ClientID: "c"}))
		for range 2 { // it uses nothing up
			must(s.PresentRefreshToken(ctx, "t0", 0, anybodys))(t)
		}
		must(rotate(ctx, s, "t0", "t1", 10*time.Second, 0))(t)
		clock.now = clock.in(10 * time.Second)
		must(s.PresentRefreshToken(ctx, "t0", 10*time.Second, anybodys))(t)
		must(s.PresentRefreshToken(ctx, "t1", 0, anybodys))(t)
		clock.now = clock.in(time.Millisecond)
		if got, err := s.PresentRefreshToken(ctx, "t0", 10*time.Second, anybodys); got != nil || !errors.Is(err, store.ErrReused) {
			t.Errorf("%+v, %v", got, err)
		}
		_, err := s.PresentRefreshToken(ctx, "t1", time.Hour, anybodys)
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

func TestRefreshTokenExpires(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateRefreshToken(ctx, "t", &stagedoor.RefreshToken{FamilyID: "f", UserID: "auth0|ada", ClientID: "c", ExpiresAt: clock.in(time.Hour), IdleExpiry: clock.in(time.Minute)}))
		clock.now = clock.in(59 * time.Second)
		ok(t, touch(ctx, s, "t", 45*time.Minute))
		clock.now = clock.in(44 * time.Minute)
		ok(t, touch(ctx, s, "t", 45*time.Minute))
		clock.now = clock.in(16 * time.Minute) // the absolute end
		isKind(t, touch(ctx, s, "t", 45*time.Minute), stagedoor.NotFound)
		_, err := rotate(ctx, s, "t", "n", 0, 0)
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// rotate supersedes a token as the token endpoint does: it is looked up first.
func rotate(ctx context.Context, s *store.Store, token, next string, leeway, idle time.Duration) (*stagedoor.RefreshToken, error) {
	presented, err := s.RefreshToken(ctx, token)
	if err != nil {
		presented = nil
	}
	return s.RotateRefreshToken(ctx, token, next, presented, leeway, idle)
}

// touch notes the use of a token as the token endpoint does: it is looked up first.
func touch(ctx context.Context, s *store.Store, token string, idle time.Duration) error {
	presented, err := s.RefreshToken(ctx, token)
	if err != nil {
		presented = nil
	}
	return s.TouchRefreshToken(ctx, token, presented, idle)
}

// 8 callers use one refresh token at once: without leeway one gets a new token and the others end
// the family; within a leeway each gets one.
func TestConcurrentRotation(t *testing.T) {
	for leeway, want := range map[time.Duration]int{0: 1, 10 * time.Second: 8} {
		t.Run(leeway.String(), func(t *testing.T) {
			each(t, func(t *testing.T, s *store.Store) {
				ctx := t.Context()
				newUser(t, s, "auth0|ada")
				for family := range 10 {
					f := fmt.Sprint("f", family)
					ok(t, s.CreateRefreshToken(ctx, f, &stagedoor.RefreshToken{FamilyID: f, UserID: "auth0|ada", ClientID: "c"}))
					won := race(8, func(i int) error {
						_, err := rotate(ctx, s, f, fmt.Sprint(f, "-", i), leeway, time.Hour)
						if err != nil && !errors.Is(err, store.ErrReused) && !stagedoor.IsKind(err, stagedoor.NotFound) {
							t.Error(err)
						}
						return err
					})
					live := 0
					for i := range 8 {
						if _, err := s.RefreshToken(ctx, fmt.Sprint(f, "-", i)); err == nil {
							live++
						}
					}
					if won != want || leeway == 0 && live != 0 || leeway > 0 && live != 8 {
						t.Errorf("%d of 8 succeeded, %d new tokens live", won, live)
					}
				}
			})
		})
	}
}

func TestRefreshTokenIsRevokedByItsClient(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateRefreshToken(ctx, "t0", &stagedoor.RefreshToken{FamilyID: "f", UserID: "auth0|ada", ClientID: "mine"}))
		must(rotate(ctx, s, "t0", "t1", 0, 0))(t)
		got, err := s.RevokeRefreshToken(ctx, "t1", "other")
		isKind(t, err, stagedoor.NotFound)
		if got != nil {
			t.Errorf("told another client %+v", got)
		}
		must(s.RefreshToken(ctx, "t1"))(t)
		if got := must(s.RevokeRefreshToken(ctx, "t1", "mine"))(t); got.UserID != "auth0|ada" {
			t.Errorf("%+v", got)
		}
		for _, token := range []string{"t0", "t1"} {
			_, err := s.RefreshToken(ctx, token)
			isKind(t, err, stagedoor.NotFound)
		}
	})
}

func TestOldestRefreshTokensGo(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		create := func(token, client string) {
			clock.now = clock.in(time.Second)
			ok(t, s.CreateRefreshToken(ctx, token, &stagedoor.RefreshToken{FamilyID: token, UserID: "auth0|ada", ClientID: client}))
		}
		create("elsewhere", "d")
		for i := range 203 {
			create(fmt.Sprint("t", i), "c")
		}
		for token, live := range map[string]bool{"t0": false, "t2": false, "t3": true, "t202": true, "elsewhere": true} {
			if _, err := s.RefreshToken(ctx, token); (err == nil) != live {
				t.Errorf("%s: %v", token, err)
			}
		}
	}, storetest.WithClock(clock.clock))
}

func TestTicketIsUsedOnce(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		ticket := stagedoor.Ticket{Kind: "reset_password", UserID: "auth0|ada", Email: "ada@example.com", ExpiresAt: clock.in(time.Hour)}
		ok(t, s.CreateTicket(ctx, "old", &ticket))
		ok(t, s.CreateTicket(ctx, "new", &ticket))
		verify := ticket
		verify.Kind = "verify_email"
		ok(t, s.CreateTicket(ctx, "verify", &verify))
		_, oldErr := s.Ticket(ctx, "old", "reset_password")
		_, kindErr := s.ConsumeTicket(ctx, "new", "verify_email")
		isKind(t, oldErr, stagedoor.NotFound)
		isKind(t, kindErr, stagedoor.NotFound)
		same(t, must(s.Ticket(ctx, "new", "reset_password"))(t), ticket)
		if won := race(8, func(int) error { _, err := s.ConsumeTicket(ctx, "new", "reset_password"); return err }); won != 1 {
			t.Errorf("used %d times", won)
		}
		_, err := s.Ticket(ctx, "new", "reset_password")
		isKind(t, err, stagedoor.NotFound)
		if spent, used, err := s.SpentTicket(ctx, "new", "reset_password"); err != nil || !used || spent.UserID != "auth0|ada" {
			t.Errorf("%+v, used %v, %v", spent, used, err)
		}
		_, _, err = s.SpentTicket(ctx, "verify", "verify_email") // it still works
		isKind(t, err, stagedoor.NotFound)
		clock.now = clock.in(time.Hour)
		_, err = s.ConsumeTicket(ctx, "verify", "verify_email")
		isKind(t, err, stagedoor.NotFound)
		if _, used, err := s.SpentTicket(ctx, "verify", "verify_email"); err != nil || used {
			t.Errorf("used %v, %v", used, err)
		}
	}, storetest.WithClock(clock.clock))
}

func TestTransactionIsTakenOnce(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		tx := &stagedoor.Transaction{ID: "secret", Step: "login", Nonce: "n", ExpiresAt: clock.in(time.Minute), Request: stagedoor.AuthorizationRequest{State: "s", Scope: []string{"openid"}}}
		ok(t, s.SaveTransaction(ctx, tx))
		tx.Step, tx.ExpiresAt = "consent", clock.in(time.Hour)
		ok(t, s.SaveTransaction(ctx, tx))
		clock.now = clock.in(time.Minute)
		same(t, must(s.Transaction(ctx, "secret"))(t), tx)
		if won := race(8, func(int) error { _, err := s.TakeTransaction(ctx, "secret"); return err }); won != 1 {
			t.Errorf("taken %d times", won)
		}
		_, err := s.Transaction(ctx, "secret")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// TestSessionCameBy: a server of the release before, which knows nothing of what a provider calls a session, does not part the two.
func TestSessionCameBy(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		for _, index := range []string{"1", "2"} {
			ok(t, s.CreateSession(ctx, "cookie"+index, &stagedoor.Session{
				ID: "sid" + index, UserID: "auth0|ada", ExpiresAt: clock.in(time.Hour), IdleExpiresAt: clock.in(time.Hour),
				CameBy: &stagedoor.CameBy{Connection: "con", NameID: "ada", SessionIndex: index},
			}))
		}
		ok(t, s.UpdateSession(ctx, "sid1", func(v *stagedoor.Session) { v.CameBy = nil }))   // as that server writes it,
		ok(t, s.UpdateSession(ctx, "sid1", func(v *stagedoor.Session) { v.LastIP = "::1" })) // and a new one after it
		ended := must(s.EndCameBy(ctx, "con", "ada", []string{"3"}))(t)
		if len(ended) != 1 || ended[0].ID != "sid1" {
			t.Errorf("%+v", ended)
		}
		must(s.Session(ctx, "sid2"))(t)
	}, storetest.WithClock(clock.clock))
}

func TestSession(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		v := &stagedoor.Session{ID: "sid", UserID: "auth0|ada", CreatedAt: clock.now, ExpiresAt: clock.in(time.Hour), IdleExpiresAt: clock.in(time.Minute)}
		ok(t, s.CreateSession(ctx, "cookie", v))
		same(t, must(s.SessionByHandle(ctx, "cookie"))(t), v)
		same(t, must(s.Session(ctx, "sid"))(t), v)
		_, err := s.SessionByHandle(ctx, "sid")
		isKind(t, err, stagedoor.NotFound)
		// Several tabs sign in to several clients at once: each is noted.
		if won := race(16, func(i int) error {
			return s.UpdateSession(ctx, "sid", func(v *stagedoor.Session) {
				v.Clients = append(v.Clients, fmt.Sprint("client", i))
				v.IdleExpiresAt = clock.in(30 * time.Minute)
			})
		}); won != 16 {
			t.Errorf("%d of 16 updates succeeded", won)
		}
		if v := must(s.Session(ctx, "sid"))(t); len(v.Clients) != 16 {
			t.Errorf("%d clients were noted", len(v.Clients))
		}
		clock.now = clock.in(29 * time.Minute)
		must(s.Session(ctx, "sid"))(t)
		clock.now = clock.in(time.Minute)
		isKind(t, s.UpdateSession(ctx, "sid", func(*stagedoor.Session) { t.Error("called") }), stagedoor.NotFound)
		ok(t, s.CreateSession(ctx, "cookie2", &stagedoor.Session{ID: "sid2", UserID: "auth0|ada", ExpiresAt: clock.in(time.Hour), IdleExpiresAt: clock.in(time.Hour)}))
		ok(t, s.DeleteSession(ctx, "sid2", stagedoor.LogoutByClient))
		ok(t, s.DeleteSession(ctx, "sid2", stagedoor.LogoutByClient))
		_, err = s.SessionByHandle(ctx, "cookie2")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

func TestSweep(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		for _, user := range []string{"auth0|ada", "auth0|bob"} {
			newUser(t, s, user)
		}
		access(t, s, "auth0|ada", clock.in(time.Minute))
		access(t, s, "auth0|bob", clock.in(time.Hour))
		clock.now = clock.in(2 * time.Minute)
		ok(t, db.Sweep(t.Context()))
		if got := hasAccess(t, s, "auth0|bob"); len(got) != 4 {
			t.Errorf("only %v is left", got)
		}
		clock.now = clock.in(-time.Minute - time.Second) // were they there, they would be seen now
		if got := hasAccess(t, s, "auth0|ada"); len(got) != 2 || got[0] != "refresh" || got[1] != "code" {
			t.Errorf("%v is left", got)
		}
		clock.now = clock.in(25 * time.Hour)
		ok(t, db.Sweep(t.Context()))
		clock.now = clock.in(-25 * time.Hour)
		if got := hasAccess(t, s, "auth0|ada"); len(got) != 1 {
			t.Errorf("%v is left", got)
		}
	}, storetest.WithClock(clock.clock))
}

func TestGrants(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|bob")
		if won := race(8, func(i int) error {
			return s.AddGrant(ctx, "auth0|ada", "c", "api", []string{"openid", fmt.Sprint("s\u00a0", i)}) // spaces alone part scopes
		}); won != 8 {
			t.Errorf("%d of 8 grants were kept", won)
		}
		g := must(s.GrantFor(ctx, "auth0|ada", "c", "api"))(t)
		if len(g.Scope) != 9 || g.Scope[0] != "openid" {
			t.Errorf("scopes %v", g.Scope)
		}
		ok(t, s.AddGrant(ctx, "auth0|ada", "d", "api", nil))
		ok(t, s.AddGrant(ctx, "auth0|bob", "c", "api", []string{"x"}))
		for _, q := range []struct {
			user, client, audience string
			want                   int
		}{{"", "", "", 3}, {"auth0|ada", "", "", 2}, {"", "c", "", 2}, {"", "", "api", 3}, {"auth0|ada", "c", "api", 1}, {"", "", "other", 0}} {
			if got := grantsOf(t, s, q.user, q.client, q.audience); len(got) != q.want || got == nil {
				t.Errorf("%+v: %v", q, got)
			}
		}
		for _, user := range []string{"auth0|ada", "auth0|bob"} {
			for _, client := range []string{"c", "d"} {
				ok(t, s.CreateRefreshToken(ctx, user+client, &stagedoor.RefreshToken{FamilyID: user + client, UserID: user, ClientID: client, Audience: "api"}))
			}
		}
		live := func() (n int) {
			for _, token := range []string{"auth0|adac", "auth0|adad", "auth0|bobc", "auth0|bobd"} {
				if _, err := s.RefreshToken(ctx, token); err == nil {
					n++
				}
			}
			return n
		}
		ok(t, s.DeleteGrant(ctx, g.ID))
		if n := live(); n != 3 {
			t.Errorf("%d refresh tokens live", n)
		}
		ok(t, s.DeleteUserGrants(ctx, "auth0|ada"))
		if n := live(); n != 2 {
			t.Errorf("%d refresh tokens live", n)
		}
		_, err := s.GrantFor(ctx, "auth0|ada", "c", "api")
		isKind(t, err, stagedoor.NotFound)
		must(s.GrantFor(ctx, "auth0|bob", "c", "api"))(t)
	})
}

// anybodys lets whoever comes present a token.
func anybodys(*stagedoor.RefreshToken) bool { return true }

// Whoever signs up could have opaque tokens without end, each with a profile.
func TestOpaqueTokensOfAUserAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		a := stagedoor.Authorization{ClientID: "c", UserID: "auth0|ada"}
		soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		ok(t, s.SaveAccessToken(ctx, "first", "", &a, soon))
		ok(t, s.SaveAccessToken(ctx, "hers", "", &stagedoor.Authorization{ClientID: "c", UserID: "auth0|eve"}, soon))
		store.Exec(t, db, `INSERT INTO access_tokens (tenant, hash, origin, user_id, doc, expires_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
			SELECT t.tenant, t.hash || CAST(n.i AS TEXT), t.origin, t.user_id, t.doc, t.expires_at + 1000 FROM access_tokens t, n WHERE t.user_id = 'auth0|ada'`)
		must(s.AccessToken(ctx, "first"))(t)
		ok(t, s.SaveAccessToken(ctx, "next", "", &a, late))
		ok(t, s.SaveAccessToken(ctx, "next", "", &a, late))
		if _, err := s.AccessToken(ctx, "first"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the one that expires first: %v", err)
		}
		must(s.AccessToken(ctx, "next"))(t)
		must(s.AccessToken(ctx, "hers"))(t)
		if got := store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM access_tokens WHERE user_id = 'auth0|ada'")[0][0]; got != "1000" && got != "999" {
			t.Errorf("%s are left", got)
		}
	})
}
