package stagedoortest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestNoLoginIsTakenOver: a login that one person began or finished never ends in tokens for another browser or person.
func TestNoLoginIsTakenOver(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	bob := h.create("users", map[string]any{"connection": connection, "email": "bob@alpha.example", "password": "Engine-No.2 of bob"})["user_id"].(string)
	signInAs := func(b *browser, p *page, mail, pwd string) *answer {
		t.Helper()
		a := b.post(p.action, p.fill("username", mail, "password", pwd))
		if a.StatusCode != 303 {
			t.Fatalf("login: %d %s", a.StatusCode, a.body)
		}
		return a
	}

	t.Run("who logs out in the middle", func(t *testing.T) {
		b := h.browser()
		p := b.begin(h.request("prompt", "consent"))
		consent := b.show(b.signIn(p).Header.Get("Location")) // ada has proved herself and agrees; the login is not over yet
		if a := b.post(consent.action, consent.fill("decision", "accept")); a.StatusCode != 303 {
			t.Fatalf("consent: %d", a.StatusCode)
		}
		b.get("/v2/logout")
		if a := b.get("/authorize/resume?state=" + p.state); !strings.HasPrefix(a.Header.Get("Location"), "/u/login") {
			t.Fatalf("a login whose session ended: %d %q", a.StatusCode, a.Header.Get("Location"))
		}
		other := b.begin(h.request("state", "bob"))
		b.get(signInAs(b, other, "bob@alpha.example", "Engine-No.2 of bob").Header.Get("Location"))
		a := b.get("/authorize/resume?state=" + p.state)
		if strings.HasPrefix(a.Header.Get("Location"), callback) {
			got := h.redeem(w.callback(a).Get("code"))
			if sub := claimsOf(t, got.ID)["sub"]; sub != bob {
				t.Errorf("bob's browser got tokens of %v", sub)
			}
		}
	})

	t.Run("consent of somebody else", func(t *testing.T) {
		b := h.browser()
		v := h.request("prompt", "consent")
		p := b.begin(v)
		a := b.signIn(p) // asks ada for her consent
		if !strings.HasPrefix(a.Header.Get("Location"), "/u/consent") {
			t.Fatalf("no consent: %q", a.Header.Get("Location"))
		}
		consent := b.show(a.Header.Get("Location"))
		delete(b.cookies, "auth0") // ada closed her browser: her session lives on at the server
		other := b.begin(h.request("state", "bob"))
		b.get(signInAs(b, other, "bob@alpha.example", "Engine-No.2 of bob").Header.Get("Location"))
		if again := b.get(a.Header.Get("Location")); strings.Contains(again.body, h.mail) {
			t.Error("bob is shown ada's consent page")
		}
		if a := b.post(consent.action, consent.fill("decision", "accept")); a.StatusCode == 303 {
			a = b.get(a.Header.Get("Location"))
			if strings.HasPrefix(a.Header.Get("Location"), callback) {
				got := h.redeem(w.callback(a).Get("code"))
				t.Errorf("bob gave ada's consent and got tokens of %v", claimsOf(t, got.ID)["sub"])
			}
		}
	})

	t.Run("a planted browser cookie", func(t *testing.T) {
		attacker, victim := h.browser(), h.browser()
		p := attacker.begin(h.request())
		victim.cookies["did"] = attacker.cookies["did"] // planted from a sibling domain
		signInAs(victim, victim.show("/u/login?state="+p.state), h.mail, h.pwd)
		a := attacker.get("/authorize/resume?state=" + p.state)
		if strings.HasPrefix(a.Header.Get("Location"), callback) {
			t.Errorf("the attacker ends the victim's login: %s", a.Header.Get("Location"))
		}
	})

	t.Run("a planted session", func(t *testing.T) {
		attacker := h.browser()
		attacker.login(h.request())
		victim := h.browser()
		victim.cookies["auth0"] = attacker.cookies["auth0"]
		p := victim.begin(h.request("prompt", "login"))
		signInAs(victim, p, "bob@alpha.example", "Engine-No.2 of bob")
		if victim.cookies["auth0"] == attacker.cookies["auth0"] {
			t.Error("the session keeps its cookie when another person signs in")
		}
		for _, planted := range []string{"planted", ""} {
			fresh := h.browser()
			fresh.cookies["auth0"] = planted
			fresh.login(h.request())
			if fresh.cookies["auth0"] == planted {
				t.Error("the cookie given before the login is the session's")
			}
		}
	})

	t.Run("another proof renews the cookie", func(t *testing.T) {
		b := h.browser()
		b.login(h.request())
		before := b.cookies["auth0"]
		b.signIn(b.begin(h.request("prompt", "login")))
		if b.cookies["auth0"] == before {
			t.Error("the session keeps its cookie when its person proves themselves again")
		}
		thief := h.browser()
		thief.cookies["auth0"] = before
		if got := w.callback(thief.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("error") != "login_required" {
			t.Errorf("the old cookie still works: %v", got)
		}
	})

	t.Run("another browser", func(t *testing.T) {
		b, other := h.browser(), h.browser()
		p := b.begin(h.request())
		other.get("/authorize?" + h.request().Encode()) // has a browser cookie of its own
		for _, target := range []string{"/u/login", "/u/signup", "/u/consent", "/authorize/resume"} {
			if a := other.get(target + "?state=" + p.state); a.StatusCode != 400 {
				t.Errorf("%s in another browser: %d %q", target, a.StatusCode, a.Header.Get("Location"))
			}
		}
		if a := other.post(p.action, p.fill("username", h.mail, "password", h.pwd)); a.StatusCode != 400 || other.cookies["auth0"] != "" {
			t.Errorf("login in another browser: %d", a.StatusCode)
		}
	})

	t.Run("nonces", func(t *testing.T) {
		b := h.browser()
		p := b.begin(h.request())
		for _, nonce := range []string{"", "x", p.state} {
			f := p.fill("username", h.mail, "password", h.pwd)
			f.Set("nonce", nonce)
			if a := b.post(p.action, f); a.StatusCode != 400 || b.cookies["auth0"] != "" {
				t.Errorf("login with nonce %q: %d", nonce, a.StatusCode)
			}
		}
		if a := b.get("/authorize/resume?state=" + p.state); !strings.HasPrefix(a.Header.Get("Location"), "/u/login") {
			t.Errorf("resume without a login: %d %q", a.StatusCode, a.Header.Get("Location"))
		}
		form := p.fill("username", h.mail, "password", h.pwd)
		if a := b.signIn(p); a.StatusCode != 302 {
			t.Fatal(a.StatusCode)
		}
		if a := b.post(p.action, form); a.StatusCode != 400 {
			t.Errorf("a replayed form: %d", a.StatusCode)
		}
		if a := b.get("/authorize/resume?state=" + p.state); a.StatusCode != 400 {
			t.Errorf("a replayed resume: %d", a.StatusCode)
		}
	})

	t.Run("consent is not skipped", func(t *testing.T) {
		b := h.browser()
		a := b.signIn(b.begin(h.request("prompt", "consent")))
		p := b.show(a.Header.Get("Location"))
		for _, f := range []url.Values{p.fill(), p.fill("decision", "maybe"), {"decision": {"accept"}}, {"decision": {"accept"}, "nonce": {p.state}}} {
			if a := b.post(p.action, f); a.StatusCode != 400 {
				t.Errorf("consent %v: %d", f, a.StatusCode)
			}
		}
		if a := b.get("/authorize/resume?state=" + p.state); !strings.HasPrefix(a.Header.Get("Location"), "/u/consent") {
			t.Errorf("resume without consent: %d %q", a.StatusCode, a.Header.Get("Location"))
		}
	})
}

// TestFormsOfOtherSitesAreRefused: what another site posts changes nothing.
func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	b := h.browser()
	p := b.begin(h.request())
	good := p.fill("username", h.mail, "password", h.pwd, "email", "eve@alpha.example", "decision", "accept")
	signedIn, _ := h.session()
	logout := signedIn.show("/oidc/logout?client_id=" + h.spa)
	if logout.form.Get("confirm") == "" {
		t.Fatalf("nobody is asked whether to log out: %s", logout.body)
	}
	for _, foreign := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "http://" + w.b.host},
		{"Origin", "http://localhost:1"},
	} {
		for _, target := range []string{"/u/login", "/u/signup", "/u/consent", "/u/forgot", "/u/reset-password"} {
			h.unchanged(target, func() {
				if a := b.post(target+"?state="+p.state, good, foreign...); a.StatusCode != 403 {
					t.Errorf("%s with %v: %d", target, foreign, a.StatusCode)
				}
			})
		}
		h.unchanged("logout", func() {
			for _, form := range []url.Values{{"confirm": {"yes"}}, logout.fill()} { // also by who has read the page
				a := signedIn.post("/oidc/logout", form, foreign...)
				if a.StatusCode != 200 || len(a.Cookies()) != 0 {
					t.Errorf("logout with %v: %d", foreign, a.StatusCode)
				}
			}
		})
	}
	if a := b.post(p.action, p.fill("username", h.mail, "password", h.pwd), "Origin", h.base, "Sec-Fetch-Site", "same-origin"); a.StatusCode != 303 {
		t.Errorf("our own form: %d %s", a.StatusCode, a.body)
	}
	if a := signedIn.post("/oidc/logout", logout.fill(), "Origin", h.base, "Sec-Fetch-Site", "same-origin"); signedIn.cookies["auth0"] != "" {
		t.Errorf("our own form does not log out: %d %s", a.StatusCode, a.body)
	}
	for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", "application/json", ""} {
		if a := b.do("POST", p.action, good.Encode(), "Content-Type", kind); a.StatusCode != 415 {
			t.Errorf("a form as %q: %d", kind, a.StatusCode)
		}
	}
}

// TestNoOpenRedirect: the browser is sent nowhere that nobody registered.
func TestNoOpenRedirect(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	h := w.a
	evil := []string{
		"https://evil.example/cb", "//evil.example", "/\\evil.example", "https:evil.example", "https://app.example.evil.example/cb", "https://app.example@evil.example/cb",
		"https://evil.example#@app.example/cb", "https://evil.example?https://app.example/cb", "https://app.example/cb/../evil", "https://app.example/cb%2f..", "https://app.example/cb#x",
		"https://app.example:444/cb", "http://app.example/cb", "https://app.example\\@evil.example/cb", "javascript:alert(1)", "JaVaScRiPt:alert(1)//https://app.example/cb",
		"data:text/html,x", "https://app.example/cb\r\nX-Injected: 1", "https://app.example/cb\t", " https://app.example/cb", "https://app。example/cb", "https://app.example/cb?next=//evil", "https://user:pw@app.example/cb",
		"https://app.example./cb", "https://app.example/CB", "blob:https://app.example/cb", "https://%61pp.example/cb", "https://app.example/out/..//evil.example",
	}
	session, got := h.session()
	for _, to := range evil {
		for _, mode := range []string{"query", "fragment", "form_post", "web_message"} {
			a := h.browser().get("/authorize?" + h.request("redirect_uri", to, "response_mode", mode).Encode())
			if a.StatusCode/100 != 4 || a.Header.Get("Location") != "" {
				t.Errorf("redirect_uri %q (%s): %d %q", to, mode, a.StatusCode, a.Header.Get("Location"))
			}
		}
		for _, target := range []string{
			"/v2/logout?client_id=" + h.spa + "&returnTo=" + url.QueryEscape(to), "/v2/logout?returnTo=" + url.QueryEscape(to),
			"/oidc/logout?client_id=" + h.spa + "&post_logout_redirect_uri=" + url.QueryEscape(to),
			"/oidc/logout?id_token_hint=" + got.ID + "&post_logout_redirect_uri=" + url.QueryEscape(to),
		} {
			if a := h.browser().get(target); a.StatusCode/100 != 4 || a.Header.Get("Location") != "" {
				t.Errorf("%.40s to %q: %d %q", target, to, a.StatusCode, a.Header.Get("Location"))
			}
		}
		for _, state := range []string{to} {
			if a := session.get("/authorize/resume?state=" + url.QueryEscape(state)); a.Header.Get("Location") != "" {
				t.Errorf("resume to %q", a.Header.Get("Location"))
			}
		}
	}
	for _, path := range []string{"//evil.example/u/login", "/\\evil.example", "/%2f%2fevil.example", "//evil.example/..", "/u//evil.example/../..//evil.example/"} {
		a := h.browser().get(h.base + path)
		if to := a.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") || strings.HasPrefix(to, `/\`) {
			t.Errorf("%s leads to %q", path, to)
		}
	}
	// What comes along in the query and the fragment of a good address cannot add headers.
	a := h.browser().get("/v2/logout?client_id=" + h.spa + "&returnTo=" + url.QueryEscape("https://app.example/out?x=1\r\nSet-Cookie: a=b"))
	if a.Header.Get("Location") != "" || len(a.Cookies()) > 1 {
		t.Errorf("header injection: %v", a.Header)
	}
	state := "a\r\nSet-Cookie: evil=1\r\n\r\n<script>"
	a = h.browser().get("/authorize?" + h.request("prompt", "none", "state", state).Encode())
	if got := w.callback(a); got.Get("state") != state || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("state: %v", a.Header)
	}
}
