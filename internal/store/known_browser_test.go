package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestKnownBrowsers: a browser is known for the person who used it, as long as they said, and of a crowd the newest.
func TestKnownBrowsers(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		newUser(t, s, "auth0|ada")
		newUser(t, s, "auth0|eve")
		know := func(user, browser, agent string, life time.Duration) {
			t.Helper()
			ok(t, s.KnowBrowser(ctx, user, stagedoor.KnownBrowser{Browser: browser, Agent: agent}, clock.in(life)))
		}
		start := clock.now
		defer func() { clock.now = start }()
		know("auth0|ada", "laptop", "Firefox", time.Hour)
		know("auth0|eve", "laptop", "Firefox", time.Hour)
		clock.now = start.Add(time.Minute)
		know("auth0|ada", "phone", "Safari", 3*time.Hour)
		know("auth0|ada", "laptop", "Firefox 2", time.Hour)
		same(t, must(s.KnownBrowsers(ctx, "auth0|ada"))(t), []stagedoor.KnownBrowser{{Browser: "laptop", Agent: "Firefox 2"}, {Browser: "phone", Agent: "Safari"}})
		same(t, must(s.KnownBrowsers(ctx, "auth0|eve"))(t), []stagedoor.KnownBrowser{{Browser: "laptop", Agent: "Firefox"}})
		clock.now = start.Add(2 * time.Hour)
		same(t, must(s.KnownBrowsers(ctx, "auth0|ada"))(t), []stagedoor.KnownBrowser{{Browser: "phone", Agent: "Safari"}})
		for i := range 110 {
			clock.now = clock.now.Add(time.Second)
			know("auth0|ada", "kiosk "+strconv.Itoa(i), "Chrome", time.Hour)
		}
		all := must(s.KnownBrowsers(ctx, "auth0|ada"))(t)
		if len(all) != 100 || all[0].Browser != "kiosk 109" || all[99].Browser != "kiosk 10" {
			t.Errorf("%d browsers, the newest %v", len(all), all[0])
		}
		if n := store.Number(t, store.DBOf(s), "SELECT COUNT(*) FROM known_browsers WHERE user_id = 'auth0|ada'"); n != 100 {
			t.Errorf("%d browsers are kept", n)
		}
		ok(t, s.ForgetKnownBrowsers(ctx, "auth0|ada"))
		same(t, len(must(s.KnownBrowsers(ctx, "auth0|ada"))(t)), 0)
		isKind(t, s.ForgetKnownBrowsers(ctx, "auth0|nobody"), stagedoor.NotFound)
		isKind(t, s.KnowBrowser(ctx, "auth0|nobody", stagedoor.KnownBrowser{Browser: "laptop"}, clock.in(time.Hour)), stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}
