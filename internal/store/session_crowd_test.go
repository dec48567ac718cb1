package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A person has a thousand sessions. With more, those end that would end first, but never the one that has just begun; clients are told, and codes go along.
func TestSessionsOfOnePersonAreBounded(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "app", Name: "App", Stored: map[string]json.RawMessage{
			"oidc_logout": json.RawMessage(`{"backchannel_logout_urls":["https://app.test/logout"],"backchannel_logout_initiators":{"mode":"all"}}`),
		}}))
		open := func(user string, i int, ends time.Time) error {
			return s.CreateSession(ctx, fmt.Sprint(user, i), &stagedoor.Session{ID: fmt.Sprint(user, i), UserID: user, Clients: []string{"app"}, ExpiresAt: ends, IdleExpiresAt: ends})
		}
		is := func(i int) bool {
			_, err := s.Session(ctx, fmt.Sprint("auth0|ada", i))
			return err == nil
		}
		ok(t, open("auth0|eve", 0, clock.in(time.Hour)))
		for i := range 1000 {
			ok(t, open("auth0|ada", i, clock.in(time.Hour+time.Duration(i)*time.Second)))
		}
		same(t, must(s.CountUserSessions(ctx, "auth0|ada"))(t), 1000)
		same(t, len(must(s.LogoutNotices(ctx, 10))(t)), 0)
		ok(t, s.SaveCode(ctx, "code", &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada", SessionID: "auth0|ada0", ClientID: "app"}, ExpiresAt: clock.in(time.Hour)}))

		ok(t, open("auth0|ada", 1000, clock.in(time.Minute))) // though it would end first
		same(t, []any{must(s.CountUserSessions(ctx, "auth0|ada"))(t), is(0), is(1), is(1000)}, []any{1000, false, true, true})
		_, _, err := s.ConsumeCode(ctx, "code")
		isKind(t, err, stagedoor.NotFound)
		told := must(s.LogoutNotices(ctx, 10))(t)
		if len(told) != 1 || told[0].SessionID != "auth0|ada0" || told[0].By != stagedoor.LogoutExpired {
			t.Errorf("%+v", told)
		}
		if won := race(8, func(i int) error { return open("auth0|ada", 2000+i, clock.in(2*time.Hour)) }); won != 8 {
			t.Errorf("%d of 8 logins succeeded", won)
		}
		for i := range 8 {
			if !is(2000 + i) {
				t.Errorf("session %d has ended", i)
			}
		}
		same(t, []any{must(s.CountUserSessions(ctx, "auth0|ada"))(t), is(1000), is(1)}, []any{1000, false, false})
		same(t, must(s.CountUserSessions(ctx, "auth0|eve"))(t), 1)
	}, storetest.WithClock(clock.clock))
}

// A user is remembered in a hundred browsers.
func TestRememberedBrowsersAreBounded(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx, start := t.Context(), clock.now
		defer func() { clock.now = start }()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		is := func(handle, user string) bool {
			return must(s.BrowserRemembered(ctx, handle, user, 24*time.Hour, 1000*time.Hour))(t)
		}
		remember := func(handle, user string) {
			clock.now = clock.now.Add(time.Second)
			ok(t, s.RememberBrowser(ctx, "", handle, user, "Firefox", "::1", clock.in(24*time.Hour)))
		}
		remember("0", "auth0|eve")
		for i := range 100 {
			remember(fmt.Sprint(i), "auth0|ada")
		}
		clock.now = clock.now.Add(time.Second)
		if !is("0", "auth0|ada") {
			t.Fatal("the first is forgotten")
		}
		remember("more", "auth0|ada")
		all := must(s.RememberedBrowsers(ctx, "auth0|ada", 24*time.Hour, 1000*time.Hour))(t)
		if len(all) != 100 || is("1", "auth0|ada") || !is("0", "auth0|ada") || !is("more", "auth0|ada") || !is("0", "auth0|eve") {
			t.Errorf("%d browsers", len(all))
		}
	}, storetest.WithClock(clock.clock))
}
