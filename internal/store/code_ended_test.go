package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// TestTokensOfEndedAccess: a code that was redeemed just before all that its user has ends gives no refresh token just after.
func TestTokensOfEndedAccess(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		redeemed := func(code string) *stagedoor.RefreshToken {
			t.Helper()
			ok(t, s.SaveCode(ctx, code, &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada"}, ExpiresAt: time.Now().Add(time.Hour)}))
			_, origin, err := s.ConsumeCode(ctx, code)
			ok(t, err)
			return &stagedoor.RefreshToken{FamilyID: origin, UserID: "auth0|ada", ClientID: "app"}
		}
		ok(t, s.CreateRefreshToken(ctx, "in time", redeemed("first")))
		late := redeemed("second")
		ok(t, s.EndAccess(ctx, "auth0|ada", stagedoor.LogoutRevoked))
		isKind(t, s.CreateRefreshToken(ctx, "late", late), stagedoor.NotFound)
		for _, token := range []string{"in time", "late"} {
			if _, err := s.RefreshToken(ctx, token); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("the token %s works: %v", token, err)
			}
		}
	})
}

// TestAccessEndedMeanwhile: whatever ends all access of a user, nothing is kept of what began before.
func TestAccessEndedMeanwhile(t *testing.T) {
	const id = "auth0|ada"
	blocked := true
	ends := map[string]func(context.Context, *store.Store) error{
		"another password": func(ctx context.Context, s *store.Store) error {
			return s.SetPasswordHash(ctx, id, "another", time.Now())
		},
		"another password elsewhere": func(ctx context.Context, s *store.Store) error { return s.PasswordReset(ctx, id, time.Now()) },
		"the provider's word": func(ctx context.Context, s *store.Store) error {
			return s.EndAccess(ctx, id, stagedoor.LogoutByProvider)
		},
		"all sessions and tokens": func(ctx context.Context, s *store.Store) error {
			return s.RevokeSessions(ctx, store.AccessOf{UserID: id}, true)
		},
		"an identity that is theirs no more": func(ctx context.Context, s *store.Store) error { return s.EndAccessBy(ctx, id, "Users", "") },
		"a block": func(ctx context.Context, s *store.Store) error {
			_, err := s.UpdateUser(ctx, id, func(u *stagedoor.User) error { u.Blocked = &blocked; return nil })
			return err
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *store.Store) {
				ctx, later := t.Context(), time.Now().Add(time.Hour)
				newUser(t, s, id)
				keep := func(was *stagedoor.User, n string) map[string]error {
					a := stagedoor.Authorization{UserID: id, AccessEnded: was.AccessEnded}
					device := &stagedoor.DeviceCode{ExpiresAt: later}
					ok(t, s.CreateDeviceCode(ctx, "device "+n, "user code "+n, device))
					device.Authorization = &a
					tx := &stagedoor.Transaction{ID: "tx " + n, UserID: id, ExpiresAt: later}
					return map[string]error{
						"session":       s.CreateSession(ctx, "session "+n, &stagedoor.Session{ID: "sess_" + n, UserID: id, ExpiresAt: later, IdleExpiresAt: later, AccessEnded: was.AccessEnded}),
						"code":          s.SaveCode(ctx, "code "+n, &stagedoor.Code{Authorization: a, ExpiresAt: later}),
						"refresh token": s.CreateRefreshToken(ctx, "refresh token "+n, &stagedoor.RefreshToken{FamilyID: n, UserID: id, ClientID: "app", AccessEnded: was.AccessEnded}),
						"access token":  s.SaveAccessToken(ctx, "access token "+n, n, &a, later),
						"mfa token":     s.SaveMFAToken(ctx, "mfa token "+n, &stagedoor.MFAToken{UserID: id, ExpiresAt: later, AccessEnded: was.AccessEnded}),
						"device":        s.DecideDevice(ctx, device),
						"login ticket":  s.CreateTicket(ctx, "ticket "+n, &stagedoor.Ticket{Kind: stagedoor.TicketLogin, UserID: id, ExpiresAt: later, AccessEnded: was.AccessEnded}),
						"login":         s.RecordLogin(ctx, was, "::1"),
						"proved login":  s.SaveProved(ctx, tx, was, "::1"),
					}
				}
				was, err := s.User(ctx, id)
				ok(t, err)
				for what, err := range keep(was, "first") {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				ok(t, end(ctx, s))
				for what, err := range keep(was, "second") {
					if !stagedoor.HasCode(err, store.CodeAccessEnded) || !stagedoor.IsKind(err, stagedoor.NotFound) {
						t.Errorf("%s that began before: %v", what, err)
					}
				}
				now, err := s.User(ctx, id)
				ok(t, err)
				if now.LoginsCount != 2 {
					t.Errorf("%d logins", now.LoginsCount)
				}
				for what, err := range keep(now, "third") {
					if err != nil {
						t.Errorf("%s that began afterwards: %v", what, err)
					}
				}
				// What is read, and what is taken from where it waited, knows when that was.
				v, err := s.Session(ctx, "sess_third")
				ok(t, err)
				c, _, err := s.ConsumeCode(ctx, "code third")
				ok(t, err)
				m, err := s.ConsumeMFAToken(ctx, "mfa token third")
				ok(t, err)
				p, err := s.PollDevice(ctx, "device third", "", 0)
				ok(t, err)
				ticket, err := s.ConsumeTicket(ctx, "ticket third", stagedoor.TicketLogin)
				ok(t, err)
				for what, ended := range map[string]int64{"session": v.AccessEnded, "code": c.AccessEnded, "mfa token": m.AccessEnded, "device": p.Device.Authorization.AccessEnded, "ticket": ticket.AccessEnded} {
					if ended != 1 {
						t.Errorf("%s: %d", what, ended)
					}
				}
			})
		})
	}
}

// TestAccessEndsBeside: of those who keep something while all access ends, each comes before, and ends with it, or comes to nothing.
func TestAccessEndsBeside(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		const id = "auth0|ada"
		ctx, later := t.Context(), time.Now().Add(time.Hour)
		newUser(t, s, id)
		for round := range 20 {
			was, err := s.User(ctx, id)
			ok(t, err)
			var wg sync.WaitGroup
			for i := range 4 {
				n := fmt.Sprint(round, "-", i)
				a := stagedoor.Authorization{UserID: id, AccessEnded: was.AccessEnded}
				for _, keep := range []func() error{
					func() error {
						return s.CreateRefreshToken(ctx, "refresh "+n, &stagedoor.RefreshToken{ID: n, FamilyID: n, UserID: id, ClientID: "app", AccessEnded: was.AccessEnded})
					},
					func() error {
						return s.CreateSession(ctx, "session "+n, &stagedoor.Session{ID: n, UserID: id, ExpiresAt: later, IdleExpiresAt: later, AccessEnded: was.AccessEnded})
					},
					func() error { return s.SaveCode(ctx, "code "+n, &stagedoor.Code{Authorization: a, ExpiresAt: later}) },
					func() error { return s.SaveAccessToken(ctx, "access "+n, n, &a, later) },
					func() error {
						return s.SaveMFAToken(ctx, "mfa "+n, &stagedoor.MFAToken{UserID: id, ExpiresAt: later, AccessEnded: was.AccessEnded})
					},
					func() error { // a code that is redeemed meanwhile
						if err := s.SaveCode(ctx, "redeemed "+n, &stagedoor.Code{Authorization: a, ExpiresAt: later}); err != nil {
							return err
						}
						c, origin, err := s.ConsumeCode(ctx, "redeemed "+n)
						if err == nil {
							err = s.CreateRefreshToken(ctx, "of a code "+n, &stagedoor.RefreshToken{ID: "c" + n, FamilyID: origin, UserID: id, ClientID: "app", AccessEnded: c.AccessEnded})
						}
						return err
					},
				} {
					wg.Go(func() {
						if err := keep(); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
							t.Errorf("%s: %v", n, err)
						}
					})
				}
			}
			wg.Go(func() { ok(t, s.RevokeSessions(ctx, store.AccessOf{UserID: id}, true)) })
			wg.Wait()
			sessions, err := s.UserSessions(ctx, id)
			ok(t, err)
			tokens, err := s.UserRefreshTokens(ctx, id)
			ok(t, err)
			if len(sessions)+len(tokens) > 0 {
				t.Fatalf("round %d: sessions %v, refresh tokens %v", round, sessions, tokens)
			}
			for i := range 4 {
				n := fmt.Sprint(round, "-", i)
				_, _, code := s.ConsumeCode(ctx, "code "+n)
				_, mfa := s.ConsumeMFAToken(ctx, "mfa "+n)
				for what, err := range map[string]error{"code": code, "mfa token": mfa} {
					if !stagedoor.IsKind(err, stagedoor.NotFound) {
						t.Errorf("the %s %s: %v", what, n, err)
					}
				}
			}
		}
	})
}
