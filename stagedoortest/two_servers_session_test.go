package stagedoortest_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// at is the house as another server of the same database has it.
func (h *house) at(s *stagedoortest.Server) *house {
	w := *h.w
	w.Server = s
	other := *h
	other.w = &w
	return &other
}

// at is the same browser, whose requests another server answers.
func (b *browser) at(h *house) *browser { return &browser{h: h, cookies: b.cookies} }

// People do not notice which of two servers of one database they are at.
func TestTwoServersSignIn(t *testing.T) {
	w := newWorld(t, storetest.Postgres)
	a := w.a
	b := a.at(stagedoortest.New(t, stagedoortest.Options{Beside: w.Server}))
	silently := func(who *browser) url.Values {
		return who.h.w.callback(who.get("/authorize?" + a.request("prompt", "none").Encode()))
	}
	begin := func() (*browser, url.Values) {
		who := a.browser()
		return who, who.login(a.request())
	}

	t.Run("each step of a login at another", func(t *testing.T) {
		who := a.browser()
		p := who.begin(a.request())
		shown := who.at(b).show("/u/login?state=" + url.QueryEscape(p.state))
		posted := who.post(shown.action, shown.fill("username", a.mail, "password", a.pwd))
		if posted.StatusCode != 303 {
			t.Fatalf("login: %d %s", posted.StatusCode, posted.body)
		}
		got := w.callback(who.at(b).get(posted.Header.Get("Location")))
		if tokens := a.redeem(got.Get("code")); tokens.status != 200 {
			t.Fatalf("a code of the other server: %+v", tokens)
		}
	})

	t.Run("a session, and its end", func(t *testing.T) {
		who, _ := begin()
		if got := silently(who.at(b)); got.Get("code") == "" {
			t.Fatalf("the other server: %v", got)
		}
		held := map[string]string{}
		for name, value := range who.cookies {
			held[name] = value
		}
		who.at(b).get("/v2/logout?client_id=" + a.spa)
		if got := silently(&browser{h: a, cookies: held}); got.Get("error") != "login_required" {
			t.Errorf("the session that ended at the other server: %v", got)
		}
	})

	t.Run("one code, redeemed at both at once", func(t *testing.T) {
		_, got := begin()
		good := atOnce(8, a, b, func(h *house) tokens { return h.redeem(got.Get("code")) })
		if len(good) > 1 {
			t.Errorf("one code was redeemed %d times", len(good))
		}
		for _, one := range good { // the replays took back what it gave
			if again := a.refresh(one.Refresh); again.status == 200 {
				t.Error("a refresh token outlived the replay of its code")
			}
		}
	})

	t.Run("one refresh token, rotated at both at once", func(t *testing.T) {
		_, got := begin()
		first := b.redeem(got.Get("code"))
		good := atOnce(8, a, b, func(h *house) tokens { return h.refresh(first.Refresh) })
		if len(good) > 1 {
			t.Errorf("one token was rotated %d times", len(good))
		}
		for _, one := range good { // a thief was among them
			if again := b.refresh(one.Refresh); again.status == 200 {
				t.Error("a family goes on whose token was used twice")
			}
		}
	})

	t.Run("two tabs, each at its server", func(t *testing.T) {
		a.want(200, a.api("PATCH", "/clients/"+a.spa, map[string]any{"refresh_token": map[string]any{
			"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 30, "token_lifetime": 3600, "idle_token_lifetime": 1800,
		}}, nil))
		time.Sleep(store.CacheFor + 100*time.Millisecond)
		_, got := begin()
		first := a.redeem(got.Get("code"))
		tabs := atOnce(2, a, b, func(h *house) tokens { return h.refresh(first.Refresh) })
		if len(tabs) != 2 || tabs[0].Refresh == tabs[1].Refresh {
			t.Fatalf("%d of two tabs stay signed in", len(tabs))
		}
		for i, tab := range tabs {
			if next := []*house{b, a}[i].refresh(tab.Refresh); next.status != 200 {
				t.Errorf("tab %d is signed out: %+v", i+1, next)
			}
		}
	})

	t.Run("wrong passwords count together", func(t *testing.T) {
		for i := range 10 {
			h := []*house{a, b}[i%2]
			who := h.browser()
			p := who.begin(a.request())
			if got := who.post(p.action, p.fill("username", a.mail, "password", "wrong")); got.StatusCode == 303 {
				t.Fatal("a wrong password opens")
			}
		}
		for _, h := range []*house{a, b} {
			who := h.browser()
			p := who.begin(a.request())
			if got := who.post(p.action, p.fill("username", a.mail, "password", a.pwd)); got.StatusCode != 429 {
				t.Errorf("after ten wrong passwords: %d %s", got.StatusCode, strings.TrimSpace(got.body))
			}
		}
	})
}

// atOnce lets n callers ask two houses in turn at the same time, and returns what was good.
func atOnce(n int, a, b *house, ask func(*house) tokens) (good []tokens) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range n {
		h := []*house{a, b}[i%2]
		group.Go(func() {
			got := ask(h)
			mu.Lock()
			defer mu.Unlock()
			if got.status == 200 {
				good = append(good, got)
			}
		})
	}
	group.Wait()
	return good
}
