package e2e

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// elsewhere starts a browser that keeps cookies of frames of other sites, or refuses them, as its settings page lets people choose.
func elsewhere(t *testing.T, refuses bool) context.Context {
	t.Helper()
	profile := t.TempDir()
	preferences := map[string]any{"profile": map[string]any{"cookie_controls_mode": map[bool]int{false: 0, true: 1}[refuses], "block_third_party_cookies": refuses}}
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(text(preferences)), 0o600); err != nil {
		t.Fatal(err)
	}
	return trusting(t, chromedp.UserDataDir(profile))
}

// TestLibrariesAcrossSites: an app of another site than the server's, to a browser, with the client libraries for browsers. Where cookies of frames are kept, frames
// renew and a page of the app's own can ask for the password; where they are refused, libraries are told so in the words that they know, refresh tokens renew, and
// the hosted page asks for the password.
func TestLibrariesAcrossSites(t *testing.T) {
	modules := filepath.Join("..", "compat", "clients", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		missing(t, "the packages of compat/clients")
	}
	op := operatorOf(t)
	op.do("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"embedded_login": true}}, nil)
	t.Cleanup(func() {
		op.do("PATCH", "/tenants/settings", map[string]any{"stagedoor": map[string]any{"embedded_login": false}}, nil)
	})
	var connections []struct{ ID string }
	op.do("GET", "/connections?name=Username-Password-Authentication", nil, &connections)
	mux := http.NewServeMux()
	for name, file := range map[string]string{
		"spa": "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js", "v9": "auth0-js-v9/dist/auth0.min.js", "v10": "auth0-js-v10/dist/auth0.min.js",
	} {
		mux.HandleFunc("/"+name+".js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(modules, file)) })
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte(`<!DOCTYPE html><title>A page</title><script src="/` + name + `.js"></script><p id="ready">ready</p>`))
		})
	}
	op.withMailedCodes()
	server := httptest.NewTLSServer(mux) // on 127.0.0.1: not the site of the server, which is localhost
	t.Cleanup(server.Close)
	var spa client
	op.do("POST", "/clients", map[string]any{
		"name": "App of another site", "app_type": "spa", "oidc_conformant": true, "jwt_configuration": map[string]any{"alg": "RS256"}, "token_endpoint_auth_method": "none",
		"callbacks": []string{server.URL + "/spa", server.URL + "/v9", server.URL + "/v10"}, "allowed_logout_urls": []string{server.URL + "/spa"}, "web_origins": []string{server.URL},
		"grant_types": []string{"authorization_code", "implicit", "refresh_token", "http://auth0.com/oauth/grant-type/passwordless/otp"}, "cross_origin_authentication": true,
		"refresh_token": map[string]any{"rotation_type": "rotating", "expiration_type": "expiring", "token_lifetime": 3600, "idle_token_lifetime": 1800},
	}, &spa)
	t.Cleanup(func() { op.do("DELETE", "/clients/"+spa.ClientID, nil, nil) })
	op.do("PATCH", "/connections/"+connections[0].ID+"/clients", []map[string]any{{"client_id": spa.ClientID, "status": true}}, nil)
	op.enable("email", spa.ClientID)
	const audience = "https://far.example/songs"
	var api struct{ ID string }
	op.do("POST", "/resource-servers", map[string]any{
		"identifier": audience, "name": "Songs", "skip_consent_for_verifiable_first_party_clients": false, "scopes": []map[string]string{{"value": "read:songs", "description": "Hear your songs"}},
	}, &api)
	t.Cleanup(func() { op.do("DELETE", "/resource-servers/"+api.ID, nil, nil) })
	for _, refuses := range []bool{false, true} {
		t.Run(map[bool]string{false: "third-party cookies", true: "no third-party cookies"}[refuses], func(t *testing.T) {
			browser := elsewhere(t, refuses)
			for _, library := range []string{"spa", "v9", "v10"} {
				t.Run(library, func(t *testing.T) {
					l := &libraryPage{url: server.URL + "/" + library, client: spa, audience: audience, who: op.newListener("far", nil)}
					l.tab = tabIn(t, browser)
					l.open(demo.HTTPSURL + "/v2/logout")
					if library == "spa" {
						l.silentlySPA(refuses)
					} else {
						l.silentlyAuth0JS(refuses)
					}
				})
			}
		})
	}
}

func (l *libraryPage) silentlySPA(refuses bool) {
	begin := func(refresh bool) {
		l.t.Helper()
		l.back()
		l.eval(nil, `(async () => {
			window.client = new auth0.Auth0Client({domain: `+quote(demo.Domain)+`, clientId: `+quote(l.client.ClientID)+`, useRefreshTokens: `+text(refresh)+`, useRefreshTokensFallback: true,
				cacheLocation: "localstorage", authorizationParams: {redirect_uri: location.origin + location.pathname}});
			if (new URLSearchParams(location.search).has("code")) {
				await client.handleRedirectCallback();
				history.replaceState(null, "", location.pathname);
			}
		})()`)
	}
	silently := `client.getTokenSilently({cacheMode: "off", detailedResponse: true}).then(r => typeof r.id_token, e => e.error)`
	framed := map[bool]string{false: "string", true: "login_required"}[refuses]
	l.open(l.url)
	begin(false)
	l.same("nobody is signed in", silently, "login_required")
	l.leave(`void client.loginWithRedirect()`)
	l.logIn(l.who)
	begin(false)
	l.same("in a frame", silently, framed)
	begin(true) // no refresh token yet: the library falls back to the frame
	l.same("fallen back to the frame", silently, framed)
	l.leave(`void client.loginWithRedirect()`) // single sign-on: in the foreground the cookie is there
	begin(true)
	l.same("by a refresh token", silently, "string")
	l.same("and by the next one", silently, "string")
	l.popups(begin, refuses)
}

// popups: windows of their own keep their cookies also where frames have none. One asks for consent, which may be denied, and one for the password.
func (l *libraryPage) popups(begin func(bool), refuses bool) {
	l.t.Helper()
	begin(false)
	asked := `{authorizationParams: {audience: ` + quote(l.audience) + `, scope: "openid read:songs"}, cacheMode: "off"}`
	l.same("consent in a frame", `client.getTokenSilently(`+asked+`).then(() => "token", e => e.error)`, map[bool]string{false: "consent_required", true: "login_required"}[refuses])
	window := l.popup(`client.getTokenWithPopup(` + asked + `)`)
	window.click(`button[name="decision"][value="decline"]`)
	l.outcome("denied", "access_denied")
	window = l.popup(`client.getTokenWithPopup(` + asked + `)`)
	window.awaitText("main", "Songs")
	window.allow()
	l.outcome("agreed", "read:songs")
	l.opens(`client.getTokenWithPopup(` + asked + `)`) // nothing is left to ask: the window closes itself
	l.outcome("agreed before", "read:songs")
	l.open(demo.HTTPSURL + "/v2/logout")
	l.open(l.url)
	begin(false)
	window = l.popup(`client.loginWithPopup().then(() => client.getUser()).then(u => u.email)`)
	window.logIn(l.who)
	l.outcome("signed in", l.who.Email)
}

// popup does something which opens a window, and returns the window.
func (l *libraryPage) popup(does string) *tab {
	l.t.Helper()
	select {
	case id := <-l.opens(does):
		return tabIn(l.t, l.ctx, chromedp.WithTargetID(id))
	case <-time.After(patience):
		l.fatalf("no window opened")
	}
	return nil
}

// opens clicks a button of the page that does something which opens a window.
func (l *libraryPage) opens(does string) <-chan target.ID {
	l.t.Helper()
	l.eval(nil, `(() => {
		window.outcome = "";
		document.querySelector("#opens")?.remove();
		const button = Object.assign(document.createElement("button"), {id: "opens", textContent: "Open"});
		button.onclick = () => `+does+`.then(r => { window.outcome = r.includes(".") && !r.includes("@") ? JSON.parse(atob(r.split(".")[1])).scope : r; }, e => { window.outcome = e.error ?? String(e); });
		document.body.append(button);
	})()`)
	before := map[target.ID]bool{} // a window that is closing still tells of itself
	there, err := chromedp.Targets(l.ctx)
	if err != nil {
		l.fatalf("the windows before: %v", err)
	}
	for _, window := range there {
		before[window.TargetID] = true
	}
	opened := chromedp.WaitNewTarget(l.ctx, func(i *target.Info) bool { return i.Type == "page" && !before[i.TargetID] }) // frames of other sites are targets, too
	l.click("#opens")
	return opened
}

// outcome waits for what came of a window.
func (l *libraryPage) outcome(what, want string) {
	l.t.Helper()
	l.await(what, `window.outcome`)
	l.eval(nil, `outcome.includes(`+quote(want)+`) || Promise.reject(outcome)`)
}

func (l *libraryPage) silentlyAuth0JS(refuses bool) {
	begin := func() {
		l.t.Helper()
		l.back()
		l.eval(nil, `(() => {
			window.client = new auth0.WebAuth({domain: `+quote(demo.Domain)+`, clientID: `+quote(l.client.ClientID)+`, redirectUri: location.origin + location.pathname, responseType: "token id_token", scope: "openid email"});
			window.call = work => new Promise(done => work((error, result) => done(error ? {error: error.error || error.code || error} : result)));
		})()`)
	}
	who := `(async () => { const r = await call(back => client.parseHash(back)); return r?.idTokenPayload?.email ?? r?.error; })()`
	silently := `call(back => client.checkSession({}, back)).then(r => r.error ?? r.idTokenPayload.email)`
	l.open(l.url)
	begin()
	l.same("nobody is signed in", silently, "login_required")
	// A page of the app's own asks for the password.
	l.same("a wrong password", `call(back => client.login({realm: "Username-Password-Authentication", username: `+quote(l.who.Email)+`, password: "wrong"}, back)).then(r => r.error)`, "access_denied")
	l.eval(nil, `void client.login({realm: "Username-Password-Authentication", username: `+quote(l.who.Email)+`, password: `+quote(l.who.Password)+`}, () => {})`)
	if refuses {
		l.await("the hosted page", `location.pathname === "/u/login"`)
		l.logIn(l.who)
	}
	l.await("the answer", `location.href.startsWith(`+quote(l.url)+`) && location.hash.includes("access_token")`)
	begin()
	l.same("signed in", who, l.who.Email)
	want := l.who.Email
	if refuses {
		want = "login_required"
	}
	l.same("in a frame", silently, want)
	if !refuses {
		l.mailedCodes(begin, who)
	}
	if strings.Contains(text(l.shown()), l.who.Password) {
		l.fatalf("the password is in an address: %v", l.shown())
	}
}

// mailedCodes signs in with a code by the page's own form, by a redirect, and with a link.
func (l *libraryPage) mailedCodes(begin func(), who string) {
	l.t.Helper()
	someone := newAddress("mailed")
	start := func(send string) string {
		l.t.Helper()
		l.same("sent", `call(back => client.passwordlessStart({connection: "email", send: `+quote(send)+`, email: `+quote(someone)+`, authParams: {redirect_uri: location.origin + location.pathname, response_type: "token id_token", scope: "openid email", nonce: "n", state: "s"}}, back)).then(r => r.error ?? r.Id ?? r._id ?? r.email).then(Boolean)`, true)
		return mailTo(l.t, someone)
	}
	code := func() string { return mailedCode.FindString(start("code")) }
	afresh := func() {
		l.t.Helper()
		l.open(demo.HTTPSURL + "/v2/logout")
		l.open(l.url)
		begin()
	}
	back := func(what string) {
		l.t.Helper()
		l.await(what, `location.href.startsWith(`+quote(l.url)+`) && location.hash.includes("access_token")`)
		begin()
	}
	afresh()
	right := code()
	given := func(code string) string {
		return `{connection: "email", email: ` + quote(someone) + `, verificationCode: ` + quote(code) + `}`
	}
	l.same("a wrong code", `call(back => client.passwordlessVerify(`+given("000000x")+`, back)).then(r => Boolean(r.error))`, true)
	l.eval(nil, `void client.passwordlessVerify(`+given(right)+`, () => {})`)
	back("the redirect")
	l.same("by a redirect", who, someone)
	afresh() // the answer to the page's own form is good for a browser that keeps its cookie
	l.eval(nil, `void client.passwordlessLogin(`+given(code())+`, () => {})`)
	back("the own form")
	l.same("by the page's own form", who, someone)
	afresh()
	link := mailedLink.FindString(html.UnescapeString(start("link")))
	l.open(link)
	l.click(`button[type="submit"].primary`)
	back("the link")
	l.same("by a link", `new URLSearchParams(location.hash.slice(1)).get("token_type")`, "Bearer")
}

var (
	mailedCode = regexp.MustCompile(`\b[0-9]{6}\b`)
	mailedLink = regexp.MustCompile(`https://[^\s"<]+/passwordless/verify_redirect\?[^\s"<]+`)
	mailHref   = regexp.MustCompile(`(?s)<a href="(/u/inbox/[^"]+)">(.*?)</a>`)
	mailText   = regexp.MustCompile(`(?s)<pre class="text"[^>]*>(.*?)</pre>`)
)

// mailTo returns the text of the newest mail to an address, as HTML.
func mailTo(t *testing.T, to string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, m := range mailHref.FindAllStringSubmatch(want(t, 200, "GET", demo.HTTPURL+"/u/inbox", "", nil).body, -1) {
			if strings.Contains(m[2], to) {
				return mailText.FindString(want(t, 200, "GET", demo.HTTPURL+html.UnescapeString(m[1]), "", nil).body)
			}
		}
	}
	t.Fatalf("no mail to %s", to)
	return ""
}

// withMailedCodes makes a connection that mails codes.
func (o operator) withMailedCodes() {
	o.t.Helper()
	var made struct{ ID string }
	o.do("POST", "/connections", map[string]any{"name": "email", "strategy": "email"}, &made)
	o.t.Cleanup(func() { o.do("DELETE", "/connections/"+made.ID, nil, nil) })
}

// enable lets people sign in to a client through a connection.
func (o operator) enable(connection, clientID string) {
	o.t.Helper()
	var all []struct{ ID string }
	o.do("GET", "/connections?name="+connection, nil, &all)
	o.do("PATCH", "/connections/"+all[0].ID+"/clients", []map[string]any{{"client_id": clientID, "status": true}}, nil)
}
