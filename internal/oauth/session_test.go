package oauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
)

func TestPrompt(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.login(request(spa)).got()
		w.wantLog("s")
		b.authorize(request(spa)).got() // single sign-on
		w.wantLog("s")
		b.authorize(request(spa, "prompt", "none")).got()
		w.wantLog("ssa")
		old := b.cookies[sessionCookie].Value
		sid := func(a *answer) any { return w.claims(w.redeem(spa, a.got().Get("code")).good().IDToken)["sid"] }
		first := sid(b.authorize(request(spa)))
		for _, prompt := range []string{"login", "select_account"} {
			state := b.authorize(request(spa, "prompt", prompt)).asks("login")
			b.resume(state).asks("login") // nothing was proved
			ok(t, b.password(state, adaMail, adaWord))
			same(t, "the session of the same person", sid(b.resume(state)), first)
		}
		if b.cookies[sessionCookie].Value != old {
			t.Log("the cookie was renewed")
		}
		// Another person takes the browser over: the session before ends.
		state := b.authorize(request(spa, "prompt", "login")).asks("login")
		ok(t, b.password(state, bobMail, adaWord))
		if sid(b.resume(state)) == first {
			t.Error("two persons share a session")
		}
		stale := w.browser()
		stale.cookies[sessionCookie] = &http.Cookie{Name: sessionCookie, Value: old}
		stale.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	})
}

func TestMaxAge(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.login(request(spa)).got()
	at := w.clock().Unix()
	authTime := func(a *answer) any {
		return w.claims(w.redeem(spa, a.got().Get("code")).good().IDToken)["auth_time"]
	}
	same(t, "auth_time without max_age", authTime(b.authorize(request(spa))), nil)
	w.pass(time.Minute)
	same(t, "auth_time", authTime(b.authorize(request(spa, "max_age", "61"))), at)
	b.authorize(request(spa, "max_age", "60", "prompt", "none")).fails("login_required", "Login required")
	b.authorize(request(spa, "max_age", "0", "prompt", "none")).fails("login_required", "Login required")
	same(t, "auth_time of a fresh login", authTime(b.login(request(spa, "max_age", "0"))), w.clock().Unix())
	w.pass(time.Minute)
	same(t, "auth_time with prompt=login", authTime(b.login(request(spa, "prompt", "login"))), w.clock().Unix())
}

func TestCookies(t *testing.T) {
	w := newWorld(t)
	for scheme, want := range map[string]struct {
		secure bool
		site   http.SameSite
	}{"https": {true, http.SameSiteNoneMode}, "http": {false, http.SameSiteLaxMode}} {
		b := w.browser()
		b.scheme = scheme
		b.login(request(spa)).got()
		prefix := map[string]string{"https": "__Host-"}[scheme]
		for _, name := range []string{"auth0", "did"} {
			c := b.cookies[prefix+name]
			if c == nil || !c.HttpOnly || c.Secure != want.secure || c.SameSite != want.site || c.Path != "/" || c.Domain != "" || len(c.Value) != 43 {
				t.Errorf("%s over %s: %+v", name, scheme, c)
			}
		}
		if got := b.cookies[prefix+"auth0"].Expires; !got.Equal(w.clock().Add(168 * time.Hour)) {
			t.Errorf("expires %s", got)
		}
	}
	w.settings(func(s *stagedoor.TenantSettings) { s.SessionCookie = &stagedoor.CookieMode{Mode: "non-persistent"} })
	b := w.browser()
	b.login(request(spa)).got()
	if c := b.cookies[sessionCookie]; !c.Expires.IsZero() || c.MaxAge != 0 {
		t.Errorf("%+v", c)
	}
}

// TestAttackPlantedCookies: what a sibling of the host plants in a browser, under the domain that they share, is nothing to us: it neither signs the
// browser in nor makes it one in which somebody else's login goes on.
func TestAttackPlantedCookies(t *testing.T) {
	w := newWorld(t)
	mallory := w.browser()
	mallory.login(request(spa)).got()
	victim := w.browser()
	for _, held := range []string{sessionCookie, browserCookie} {
		name := strings.TrimPrefix(held, "__Host-") // siblings cannot plant one that has the prefix
		victim.cookies[name] = &http.Cookie{Name: name, Value: mallory.cookies[held].Value}
	}
	victim.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	state := mallory.authorize(request(spa, "prompt", "login")).asks("login")
	if victim.password(state, bobMail, adaWord) == nil {
		t.Error("the victim goes on with a login that somebody else began")
	}
}

func TestSessionExpiry(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.login(request(spa)).got()
		for range 2 {
			w.pass(71 * time.Hour)
			b.authorize(request(spa, "prompt", "none")).got()
		}
		w.pass(26 * time.Hour) // 168 hours since it began
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")

		b.login(request(spa)).got()
		w.pass(72 * time.Hour)
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")

		b.login(request(spa)).got()
		w.pass(3 * time.Hour)
		w.settings(func(s *stagedoor.TenantSettings) { s.SessionLifetime = 2 }) // lowered: at once
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")

		w.settings(func(s *stagedoor.TenantSettings) { s.SessionLifetime = 168 })
		b = w.browser()
		b.login(request(spa)).got()
		w.pass(3 * time.Hour)
		w.settings(func(s *stagedoor.TenantSettings) { s.IdleSessionLifetime = 2 }) // as well
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	})
}

func TestSessionEnds(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.login(request(spa)).got()
		conn, err := w.st.ConnectionByName(t.Context(), "Users")
		ok(t, err)
		ok(t, w.pipe.Database.SetPassword(t.Context(), w.st, conn, ada, "Engine-No.3"))
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
		state := b.authorize(request(spa)).asks("login")
		if err := b.password(state, adaMail, adaWord); !stagedoor.HasCode(err, "invalid_grant") {
			t.Errorf("the old password still opens: %v", err)
		}
		ok(t, b.password(state, adaMail, "Engine-No.3"))
		// The password changes while the login is under way: it begins anew.
		ok(t, w.pipe.Database.SetPassword(t.Context(), w.st, conn, ada, "Engine-No.4"))
		b.resume(state).asks("login")
		ok(t, b.password(state, adaMail, "Engine-No.4"))
		b.resume(state).got()
		ok(t, w.st.DeleteUser(t.Context(), ada))
		b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	})
}

// A login belongs to the browser that began it, and each page to its step.
func TestTransactions(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const lost = "pressed the back button"
		b := w.browser()
		state := b.authorize(request(spa)).asks("login")
		thief := w.browser()
		thief.resume(state).page(400, lost)
		thief.authorize(request(spa)).asks("login")
		thief.resume(state).page(400, lost)
		if err := thief.password(state, adaMail, adaWord); !stagedoor.HasCode(err, "lost_transaction") {
			t.Errorf("%v", err)
		}
		ctx := t.Context()
		for _, nonce := range []string{"", "wrong"} {
			if _, err := w.pipe.Authenticate(ctx, w.visit(b), state, nonce, adaMail, adaWord); !stagedoor.HasCode(err, "lost_transaction") {
				t.Errorf("nonce %q: %v", nonce, err)
			}
		}
		tx, err := w.pipe.Page(ctx, w.visit(b), state, pipeline.AskLogin)
		ok(t, err)
		if err := w.pipe.Decide(ctx, w.visit(b), state, tx.Nonce, true); !stagedoor.HasCode(err, "lost_transaction") {
			t.Errorf("a step was skipped: %v", err)
		}
		ok(t, b.password(state, adaMail, adaWord))
		if _, err := w.pipe.Authenticate(ctx, w.visit(b), state, tx.Nonce, bobMail, adaWord); !stagedoor.HasCode(err, "lost_transaction") {
			t.Errorf("the page was posted twice: %v", err)
		}
		b.resume(state).got()
		b.resume(state).page(400, lost)
		b.resume("").page(400, lost)
		b.resume("nonsense").page(400, lost)
		b.resume("a\x00").page(400, lost)

		state = b.authorize(request(spa, "prompt", "login")).asks("login")
		w.pass(time.Hour)
		b.resume(state).page(400, lost)
	})
}

func TestWrongPassword(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	state := b.authorize(request(spa)).asks("login")
	for _, c := range []struct{ mail, word, event string }{
		{adaMail, "wrong", "fp"}, {adaMail, "", "fp"}, {"nobody@example.com", adaWord, "fu"}, {"", adaWord, "fu"}, {"a\x00b", adaWord, "fu"}, {"\xff", adaWord, "fu"},
	} {
		err := b.password(state, c.mail, c.word)
		if !stagedoor.HasCode(err, "invalid_grant") || stagedoor.AsError(err).Message != "Wrong email or password." {
			t.Errorf("%q: %v", c.mail, err)
		}
		w.wantLog(c.event)
	}
	ok(t, b.password(state, "  ADA@Example.COM ", adaWord))
	b.resume(state).got()
	same(t, "logins", w.user(ada).LoginsCount, 1)
}

// Sessions that end with the browser have lifetimes of their own.
func TestEphemeralSessions(t *testing.T) {
	w := newWorld(t)
	w.settings(func(s *stagedoor.TenantSettings) {
		s.SessionCookie = &stagedoor.CookieMode{Mode: "non-persistent"}
		s.SessionLifetime, s.IdleSessionLifetime, s.EphemeralSessionLifetime, s.IdleEphemeralLifetime = 1000, 1000, 10, 4
	})
	b := w.browser()
	b.login(request(spa)).got()
	for range 3 {
		w.pass(3 * time.Hour)
		b.authorize(request(spa, "prompt", "none")).got()
	}
	w.pass(time.Hour) // ten hours since it began
	b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	b.login(request(spa)).got()
	w.pass(4 * time.Hour) // idle
	b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	// The tenant makes sessions outlast the browser: those of before end as they would have.
	b.login(request(spa)).got()
	w.settings(func(s *stagedoor.TenantSettings) { s.SessionCookie = nil })
	w.pass(5 * time.Hour)
	b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
}

// A handle that an attacker planted is worth nothing after the login: the session gets another one.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t)
	attacker := w.browser()
	attacker.login(request(spa)).got()
	victim := w.browser()
	planted := *attacker.cookies[sessionCookie]
	victim.cookies[sessionCookie] = &planted
	state := victim.authorize(request(spa, "prompt", "login")).asks("login")
	ok(t, victim.password(state, bobMail, adaWord))
	victim.resume(state).got()
	if victim.cookies[sessionCookie].Value == planted.Value {
		t.Fatal("the planted handle is the victim's session now")
	}
	attacker.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	// The same person again: the handle changes too.
	old := *victim.cookies[sessionCookie]
	state = victim.authorize(request(spa, "prompt", "login")).asks("login")
	ok(t, victim.password(state, bobMail, adaWord))
	victim.resume(state).got()
	stale := w.browser()
	stale.cookies[sessionCookie] = &old
	stale.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
}

// A session that does not belong to the connection or the organization that a request names is not used for it.
func TestPromptCombinations(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.login(request(spa)).got()
	for prompt, page := range map[string]string{
		"login consent": "login", "consent": "consent", "select_account consent": "login", "select_account login": "login",
	} {
		b.authorize(request(spa, "prompt", prompt)).asks(page)
	}
	for _, prompt := range []string{"none login", "none consent", "none select_account"} {
		b.authorize(request(spa, "prompt", prompt)).fails("invalid_request", "prompt=none cannot be combined with other values")
	}
	// With both, each is asked for.
	state := b.authorize(request(spa, "prompt", "login consent")).asks("login")
	ok(t, b.password(state, adaMail, adaWord))
	b.resume(state).asks("consent")
	b.decide(state, true).got()
	// max_age and prompt=login: auth_time is that of the new login.
	w.pass(time.Hour)
	id := w.claims(w.redeem(spa, b.login(request(spa, "prompt", "login", "max_age", "5")).got().Get("code")).good().IDToken)
	same(t, "auth_time", id["auth_time"], w.clock().Unix())
}
