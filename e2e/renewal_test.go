package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestB2_ConsentOnce: permission for the Management API is asked on one page, once; none is asked for Mixtape's own API.
func TestB2_ConsentOnce(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("dee", nil)
	b := newTab(t)
	b.signIn(listener)
	if seen := strings.Join(b.hosted(), " "); strings.Contains(seen, "/u/consent") {
		t.Errorf("signing in showed %q", seen)
	}
	b.click(id("tab-settings"))
	if reason := b.data(id("permission"), "reason"); reason != "consent" {
		t.Errorf("permission is needed for %q", reason)
	}
	b.forget()
	b.click(id("permission-continue"))
	words := b.text("main")
	for _, word := range []string{"Mixtape", listener.Email} {
		if !strings.Contains(words, word) {
			t.Errorf("the consent page does not tell %s:\n%s", word, words)
		}
	}
	var asked url.Values
	for _, r := range b.sent() {
		if u, err := url.Parse(r.url); err == nil && u.Path == "/authorize" {
			asked = u.Query()
		}
	}
	for _, scope := range []string{"openid", "profile", "email", "update:current_user_metadata"} {
		if !slices.Contains(strings.Fields(asked.Get("scope")), scope) {
			t.Errorf("the app did not ask for %s: %s", scope, asked.Get("scope"))
		}
	}
	if asked.Get("audience") != demo.HTTPURL+"/api/v2/" {
		t.Errorf("audience %s", asked.Get("audience"))
	}

	b.click(`button[name="decision"][value="decline"]`)
	b.see(id("tab-settings"))
	if len(grants(op, listener)) != 0 {
		t.Error("declining left a grant")
	}
	b.click(id("tab-settings"))
	b.click(id("permission-continue"))
	b.allow()
	b.await("the record was read", `document.querySelector(`+quote(id("settings-displayname"))+`)?.value === "user"`)
	if b.has(id("permission")) {
		t.Error("permission is still asked for")
	}
	if len(grants(op, listener)) == 0 {
		t.Error("there is no grant")
	}

	b.click(id("sign-out"))
	b.see(id("welcome"))
	again := newTab(t) // another browser: the permission is the listener's, not the browser's
	again.signIn(listener)
	again.click(id("tab-settings"))
	again.await("the record was read", `document.querySelector(`+quote(id("settings-displayname"))+`)?.value === "user"`)
	again.fill(id("settings-displayname"), "Dee")
	again.click(id("settings-save"))
	again.awaitData(id("settings-status"), "kind", "good")
	if seen := strings.Join(again.hosted(), " "); strings.Contains(seen, "consent") {
		t.Errorf("the second time showed %q", seen)
	}
}

func grants(op operator, of user) (list []map[string]any) {
	op.t.Helper()
	op.do("GET", "/grants?user_id="+url.QueryEscape(of.UserID), nil, &list)
	return list
}

// TestB4_SilentRenewal: a hidden frame brings a new token without any page; rules have run again and new metadata is in it.
func TestB4_SilentRenewal(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("eli", map[string]any{"user_metadata": map[string]any{"displayName": "Eli"}})
	b := newTab(t)
	b.signIn(listener)
	b.click(id("tab-hood"))
	b.awaitText(id("hood-id"), `Eli`)
	b.forget()
	renew := func(want string) {
		t.Helper()
		b.click(id("hood-renew"))
		b.await("the renewal is done", `document.querySelector('[data-testid="hood-log"] [data-kind="done"]')`)
		for _, kind := range []string{"ask", "answer"} {
			if !b.has(id("hood-log") + ` [data-kind="` + kind + `"]`) {
				b.fatalf("no line %q in the log", kind)
			}
		}
		b.awaitText(id("hood-id"), want)
	}

	op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{
		"user_metadata": map[string]any{"displayName": "Elisabeth"}, "app_metadata": map[string]any{"plan": "platinum"},
	}, nil)
	renew("Elisabeth")
	b.see(id("hood-diff") + ` [data-claim*="displayName"], ` + id("hood-diff") + ` [data-claim*="user_metadata"]`)
	b.awaitText(id("hood-api"), "platinum")

	// Without a name the rule gives one: it has run.
	op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{"user_metadata": map[string]any{"displayName": nil}}, nil)
	renew(`"user"`)
	if got := op.user(listener.UserID).UserMetadata["displayName"]; got != "user" {
		t.Errorf("displayName %v", got)
	}
	if seen := b.shown(); seen != nil {
		t.Errorf("the tab showed %q", seen)
	}
	framed := 0
	for _, r := range b.sent() {
		if strings.HasPrefix(r.url, demo.HTTPURL+"/authorize?") && strings.Contains(r.url, "prompt=none") && strings.Contains(r.url, "response_mode=web_message") {
			framed++
		}
	}
	if framed != 2 {
		t.Errorf("%d requests with prompt=none and web_message, want 2", framed)
	}

	// A session that has ended says so, and the app asks the listener to step in.
	outside := tabIn(t, b.ctx)
	outside.open(demo.HTTPURL + "/v2/logout")
	b.click(id("hood-renew"))
	b.await("the renewal fails", `document.querySelector('[data-testid="hood-log"] [data-kind="failed"]')?.innerText.includes("login_required")`)
	b.see(id("session-interrupted"))
}

// crossSite is Mixtape on 127.0.0.1 and the server on localhost, over https: to a browser these are two sites.
func crossSite(t *testing.T, op operator) (sample, client) {
	t.Helper()
	place, listen := sampleAddresses("127.0.0.1")
	var spa client
	op.do("POST", "/clients", map[string]any{
		"name": "Mixtape elsewhere", "app_type": "spa", "is_first_party": true, "oidc_conformant": true, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token"}, "callbacks": []string{place.url}, "allowed_logout_urls": []string{place.url},
		"web_origins": []string{place.url}, "allowed_origins": []string{place.url},
		"refresh_token": map[string]any{
			"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0, "token_lifetime": 3600, "idle_token_lifetime": 1800,
		},
	}, &spa)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+spa.ClientID, nil, nil) })
	var connections []struct {
		ID      string
		Clients []string `json:"enabled_clients"`
	}
	op.do("GET", "/connections", nil, &connections)
	op.do("PATCH", "/connections/"+connections[0].ID, map[string]any{"enabled_clients": append(connections[0].Clients, spa.ClientID)}, nil)
	place.run(t, listen, demo.HTTPSURL, map[string]client{"spa": spa, "api": clientNamed(t, "Mixtape API"), "legacy": clientNamed(t, "Mixtape Legacy")},
		"SSL_CERT_FILE="+demo.CAFile, "MANAGEMENT_AUDIENCE="+demo.Management.Audience)
	return place, spa
}

// TestB4_AcrossSites: where the browser sends cookies to a frame of another site, the frame renews; where it refuses, rotating
// refresh tokens do. Nobody tells the app which: it finds out.
func TestB4_AcrossSites(t *testing.T) {
	op := operatorOf(t)
	place, spa := crossSite(t, op)
	for _, one := range []struct {
		name    string
		refuses bool
	}{{"third-party cookies", false}, {"no third-party cookies", true}} {
		t.Run(one.name, func(t *testing.T) {
			listener := op.newListener("fay", map[string]any{"user_metadata": map[string]any{"displayName": "Fay"}})
			profile := t.TempDir()
			controls := map[bool]int{false: 0, true: 1}[one.refuses] // what the settings page of the browser writes
			preferences := map[string]any{"profile": map[string]any{"cookie_controls_mode": controls, "block_third_party_cookies": one.refuses}}
			if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(text(preferences)), 0o600); err != nil {
				t.Fatal(err)
			}
			b := tabIn(t, trusting(t, chromedp.UserDataDir(profile)))
			b.open(place.url)
			b.click(id("sign-in"))
			b.logIn(listener)
			b.awaitText(id("greeting"), "Fay")

			b.forget()
			op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{"user_metadata": map[string]any{"displayName": "Faye"}}, nil)
			b.reload()
			b.awaitText(id("greeting"), "Faye") // after a restart, without a page
			b.click(id("tab-hood"))
			op.do("PATCH", "/users/"+url.PathEscape(listener.UserID), map[string]any{"user_metadata": map[string]any{"displayName": "Fayette"}}, nil)
			b.click(id("hood-renew"))
			b.await("the renewal is done", `document.querySelector('[data-testid="hood-log"] [data-kind="done"]')`)
			b.awaitText(id("hood-id"), "Fayette")
			b.click(id("hood-renew")) // refresh tokens rotate: the second one is another
			b.await("the renewal is done", `document.querySelector('[data-testid="hood-log"] [data-kind="done"]')`)
			for _, shown := range b.shown() {
				if !strings.HasPrefix(shown, place.url) {
					t.Errorf("the listener saw %s", shown)
				}
			}

			var mode string
			b.eval(&mode, `localStorage.getItem("mixtape.renewal") ?? "frame"`)
			var events []struct {
				Type     string
				ClientID string `json:"client_id"`
				UserID   string `json:"user_id"`
			}
			op.do("GET", "/logs?per_page=100", nil, &events)
			refreshed := 0
			for _, e := range events {
				if e.Type == "sertft" && e.ClientID == spa.ClientID && e.UserID == listener.UserID {
					refreshed++
				}
			}
			if one.refuses && (mode != "refused" || refreshed < 2) {
				t.Errorf("renewal is %q with %d refresh tokens used", mode, refreshed)
			}
			if !one.refuses && (mode != "frame" || refreshed > 0) {
				t.Errorf("renewal is %q with %d refresh tokens used, want the frame", mode, refreshed)
			}
			noTokensKept(t, b)
		})
	}
}

// noTokensKept fails if anything that looks like a token or a copy of metadata outlives the page.
func noTokensKept(t *testing.T, b *tab) {
	t.Helper()
	var kept map[string]string
	b.eval(&kept, `(async () => {
		const all = {};
		for (const [name, storage] of [["local", localStorage], ["session", sessionStorage]])
			for (let i = 0; i < storage.length; i++) all[name + " " + storage.key(i)] = storage.getItem(storage.key(i));
		for (const part of document.cookie.split("; ")) if (part) all["cookie " + part.split("=")[0]] = part.split("=")[1];
		for (const db of await indexedDB.databases()) all["indexed " + db.name] = "?";
		for (const name of await caches.keys())
			for (const r of await (await caches.open(name)).keys()) all["cache " + r.url] = "";
		return all;
	})()`)
	for name, value := range kept {
		switch {
		case name == "local mixtape.renewal", strings.HasPrefix(name, "cookie ") && strings.Contains(name, "is.authenticated") && value == "true":
		case strings.HasPrefix(name, "cache ") && !strings.Contains(name, "/songs") && !strings.Contains(name, "/playlists") && !strings.Contains(name, "/api/") && !strings.Contains(name, "code="):
		default:
			t.Errorf("the browser keeps %s: %.80s", name, value)
		}
	}
}

// TestB5_RenewsByItself: a minute before expiry, or earlier in a shorter life, the app renews without being told.
func TestB5_RenewsByItself(t *testing.T) {
	op := operatorOf(t)
	defer shortTokens(op, 6)()
	b := newTab(t)
	b.signIn(op.newListener("gus", nil))
	b.see(id("featured-card")) // what the screen needs has been fetched
	b.click(id("tab-hood"))
	b.see(id("hood-api-countdown"))
	const expiry = `parseInt(document.querySelector('[data-testid="hood-api"] [data-claim="exp"] dd').innerText)`
	// Whatever was under way when the screen opened is over after the first renewal: the next one is watched.
	next := func() (before int) {
		b.eval(&before, expiry)
		b.await("a new token came by itself", fmt.Sprintf("%s > %d", expiry, before))
		return before
	}
	next()
	b.forget()
	before := next()
	var now float64
	b.eval(&now, `Date.now() / 1000`)
	if now > float64(before) {
		t.Errorf("the new token came %.1f s after the old one had expired", now-float64(before))
	}
	if seen := b.shown(); seen != nil {
		t.Errorf("the tab showed %q", seen)
	}
	asked := false
	for _, r := range b.sent() {
		asked = asked || strings.HasPrefix(r.url, demo.HTTPURL+"/authorize?") && strings.Contains(r.url, "prompt=none")
		if strings.HasPrefix(r.url, demo.MixtapeAPIURL) {
			t.Errorf("the app called its API, which may have renewed the token: %s", r.url)
		}
	}
	if !asked {
		t.Error("the app did not ask for the token silently")
	}
}

// shortTokens makes access tokens for Mixtape's API live for so many seconds, until the returned function is called.
func shortTokens(op operator, seconds int) (restore func()) {
	op.t.Helper()
	var apis []struct {
		ID, Identifier string
		Lifetime       int `json:"token_lifetime"`
		Web            int `json:"token_lifetime_for_web"`
	}
	op.do("GET", "/resource-servers", nil, &apis)
	for _, one := range apis {
		if one.Identifier == "https://mixtape.example/api" {
			op.do("PATCH", "/resource-servers/"+one.ID, map[string]int{"token_lifetime": seconds, "token_lifetime_for_web": seconds}, nil)
			return func() {
				op.do("PATCH", "/resource-servers/"+one.ID, map[string]int{"token_lifetime": one.Lifetime, "token_lifetime_for_web": one.Web}, nil)
			}
		}
	}
	op.t.Fatal("the demo has no API of Mixtape's")
	return nil
}

// TestB5_Restart: after the browser was closed and opened again, the app shows the same data without a page, and has copied nothing.
func TestB5_Restart(t *testing.T) {
	op := operatorOf(t)
	listener := op.newListener("hal", map[string]any{"user_metadata": map[string]any{"displayName": "Hal", "theme": "dark"}, "app_metadata": map[string]any{"plan": "gold"}})
	profile, path := t.TempDir(), executable(t)
	session := func(what func(b *tab)) {
		t.Helper()
		ctx, closers, err := launch(path, chromedp.UserDataDir(profile))
		if err != nil {
			t.Fatal(err)
		}
		b := tabIn(t, ctx)
		what(b)
		if err := chromedp.Cancel(ctx); err != nil { // closes as a person would: what is to be kept is written
			t.Error(err)
		}
		for _, c := range slices.Backward(closers) {
			c()
		}
	}
	session(func(b *tab) {
		b.signIn(listener)
		b.awaitText(id("greeting"), "Hal")
		b.click(id("genre-link"))
		b.click(id("genre-option") + `[data-genre="Lo-Fi"]`)
		b.awaitText(id("genre-status"), "Lo-Fi")
		noTokensKept(t, b)
	})
	session(func(b *tab) {
		b.open(demo.MixtapeURL)
		b.awaitText(id("greeting"), "Hal")
		b.awaitText(id("home-genre"), "Lo-Fi")
		b.await("the dark theme", `document.documentElement.dataset.theme === "dark"`)
		if plan := b.data(id("plan"), "plan"); plan != "gold" {
			t.Errorf("plan %q", plan)
		}
		if seen := b.hosted(); seen != nil {
			t.Errorf("the listener saw %q", seen)
		}
		noTokensKept(t, b)
	})
}
