package oauth

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// embedded lets a client ask for passwords in its own pages.
func (w *world) embedded(client string) {
	w.Helper()
	w.settings(func(s *stagedoor.TenantSettings) { s.Local.EmbeddedLogin = true })
	w.client(client, func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"cross_origin_authentication": json.RawMessage("true")}
	})
}

// xhr is a request of a page.
func (b *browser) xhr(path, origin string, body map[string]string) *answer {
	text, err := json.Marshal(body)
	ok(b, err)
	r := httptest.NewRequest("POST", path, strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return b.do(r)
}

const appOrigin = "https://app.test"

func ownForm(client string, more ...string) map[string]string {
	out := map[string]string{
		"client_id": client, "credential_type": "http://auth0.com/oauth/grant-type/password-realm", "username": adaMail, "password": adaWord, "realm": "Users",
	}
	for i := 0; i+1 < len(more); i += 2 {
		if out[more[i]] = more[i+1]; more[i+1] == "-" {
			delete(out, more[i])
		}
	}
	return out
}

func (a *answer) ticket() string {
	a.t.Helper()
	var got struct {
		Ticket string `json:"login_ticket"`
		ID     string `json:"co_id"`
		Proof  string `json:"co_verifier"`
	}
	ok(a.t, json.Unmarshal(a.Body.Bytes(), &got))
	if a.Code != 200 || got.Ticket == "" || got.ID == "" || got.Proof == "" {
		a.t.Fatalf("%d %s", a.Code, a.Body)
	}
	return got.Ticket
}

// A page of the client's asks for the password, and the login goes on with the ticket that it gets: once, for this client, in this browser.
func TestCrossOriginLogin(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.embedded(spa)
		b := w.browser()
		a := b.xhr("/co/authenticate", appOrigin, ownForm(spa))
		for name, want := range map[string]string{"Access-Control-Allow-Origin": appOrigin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Cache-Control": "no-store"} {
			same(t, name, a.Header().Get(name), want)
		}
		ticket := a.ticket()
		w.wantLog("scoa")
		same(t, "logins", w.user(ada).LoginsCount, 1)
		got := b.authorize(request(spa, "login_ticket", ticket, "realm", "Users")).got()
		same(t, "who", w.claims(w.redeem(spa, got.Get("code")).good().IDToken)["sub"], ada)
		same(t, "logins, counted once", w.user(ada).LoginsCount, 1)
		b.authorize(request(spa, "prompt", "none")).got() // there is a session
		other := w.browser()
		other.authorize(request(spa, "login_ticket", ticket)).asks("login") // used
		w.logged()

		other.authorize(request(spa, "login_ticket", b.xhr("/co/authenticate", appOrigin, ownForm(spa)).ticket())).asks("login") // attack: a ticket of another browser
		b = w.browser()
		b.authorize(request(site, "login_ticket", b.xhr("/co/authenticate", appOrigin, ownForm(spa)).ticket())).asks("login") // another client's
		b = w.browser()
		ticket = b.xhr("/co/authenticate", appOrigin, ownForm(spa)).ticket()
		w.pass(5 * time.Minute)
		b.authorize(request(spa, "login_ticket", ticket)).asks("login") // too late
		b.authorize(request(spa, "login_ticket", "nonsense", "prompt", "none")).fails("login_required", "Login required")
		// Somebody else was signed in: their session ends.
		b = w.browser()
		state := b.authorize(request(spa)).asks("login")
		ok(t, b.password(state, bobMail, adaWord))
		b.resume(state).got()
		got = b.authorize(request(spa, "login_ticket", b.xhr("/co/authenticate", appOrigin, ownForm(spa)).ticket())).got()
		same(t, "who", w.claims(w.redeem(spa, got.Get("code")).good().IDToken)["sub"], ada)
		// Rules run, and the ticket is not for them to see.
		w.rule(`function (user, context, callback) { callback(new UnauthorizedError(String(context.request.query.login_ticket))); }`)
		b.authorize(request(spa, "login_ticket", b.xhr("/co/authenticate", appOrigin, ownForm(spa)).ticket())).fails("unauthorized", "undefined")
	})
}

func TestCrossOriginRefused(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	refuse := func(name, origin string, body map[string]string, status int, code, text string, events ...string) {
		t.Helper()
		a := b.xhr("/co/authenticate", origin, body)
		var got struct {
			Error string `json:"error"`
			Text  string `json:"error_description"`
		}
		if err := json.Unmarshal(a.Body.Bytes(), &got); err != nil {
			got.Text = a.Body.String()
		}
		if a.Code != status || got.Error != code || got.Text != text {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
		w.wantLog(events...)
	}
	refuse("switched off", appOrigin, ownForm(spa), 401, "unauthorized_client", "Cross origin login not allowed.", "fcoa")
	w.embedded(spa)
	refuse("another client", appOrigin, ownForm(site), 401, "unauthorized_client", "Cross origin login not allowed.", "fcoa")
	refuse("a foreign page", "https://evil.test", ownForm(spa), 403, "", "Origin https://evil.test is not allowed.", "fco")
	refuse("no page", "", ownForm(spa), 403, "", "Origin  is not allowed.", "fco")
	refuse("a page of nowhere", "null", ownForm(spa), 403, "", "Origin null is not allowed.", "fco")
	refuse("nobody", appOrigin, ownForm("nobody"), 400, "invalid_request", "Unknown client: nobody", "fcoa")
	refuse("wrong password", appOrigin, ownForm(spa, "password", "x"), 403, "access_denied", "Wrong email or password.", "fp", "fcoa")
	refuse("type", appOrigin, ownForm(spa, "credential_type", "x"), 400, "unsupported_credential_type", "Unknown credential type parameter.", "fcoa")
	refuse("realm", appOrigin, ownForm(spa, "realm", "Nowhere"), 400, "invalid_request", "Unknown realm Nowhere.", "fcoa")
	refuse("no realm", appOrigin, ownForm(spa, "realm", "-"), 400, "invalid_request", "Invalid request body. All and only of client_id, credential_type, username, password, realm are required.", "fcoa")
	yes := true
	_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = &yes; return nil })
	ok(t, err)
	refuse("blocked", appOrigin, ownForm(spa), 403, "blocked_user", "Blocked user", "fcoa")
	ok(t, w.st.ChangeSetting(t.Context(), stagedoor.SettingBotDetection, func(m map[string]any) error { m["challenge_password_policy"] = "always"; return nil }))
	refuse("a form without proof that it is somebody's", appOrigin, ownForm(spa), 401, "requires_verification", "Suspicious request requires verification", "fcoa")

	preflight := func(origin string, allowed bool) {
		r := httptest.NewRequest("OPTIONS", "/co/authenticate", nil)
		r.Header.Set("Origin", origin)
		if got := b.do(r).Header().Get("Access-Control-Allow-Credentials"); (got == "true") != allowed {
			t.Errorf("preflight of %s: %q", origin, got)
		}
	}
	preflight(appOrigin, true)
	preflight("https://evil.test", false)
	w.settings(func(s *stagedoor.TenantSettings) { s.Local.EmbeddedLogin = false })
	preflight(appOrigin, false)
}

// A page of the client's posts the password and gets a form, which brings the browser into the login.
func TestUsernamePasswordLogin(t *testing.T) {
	w := newWorld(t)
	body := func(more ...string) map[string]string {
		out := map[string]string{"connection": "Users", "username": adaMail, "password": adaWord, "tenant": "acme", "sso": "true"}
		for name, values := range request(spa, more...) {
			out[name] = values[0]
		}
		return out
	}
	b := w.browser()
	if a := b.xhr("/usernamepassword/login", appOrigin, body()); a.Code != 401 || !strings.Contains(a.Body.String(), "Cross origin login not allowed.") {
		t.Fatalf("switched off: %d %s", a.Code, a.Body)
	}
	w.embedded(spa)
	a := b.xhr("/usernamepassword/login", appOrigin, body("password", "x"))
	if a.Code != 401 || a.Body.String() != `{"code":"invalid_user_password","description":"Wrong email or password.","name":"ValidationError","statusCode":401}` {
		t.Errorf("%d %q", a.Code, a.Body)
	}
	a = b.xhr("/usernamepassword/login", appOrigin, body())
	if a.Code != 200 || !strings.HasPrefix(a.Body.String(), "<form") || strings.Contains(a.Body.String(), adaWord) {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	form := values()
	for _, m := range hiddenField.FindAllStringSubmatch(a.Body.String(), -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	send := func(b *browser, origin string) *answer {
		r := newRequest("POST", "/login/callback", form.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		return b.do(r)
	}
	send(w.browser(), "https://evil.test").page(403, "Cross origin login not allowed.") // attack: a foreign page signs its visitor in as somebody else
	victim := w.browser()
	to := send(victim, appOrigin)
	if to.Code != http.StatusSeeOther || !strings.HasPrefix(to.Header().Get("Location"), "/authorize?") {
		t.Fatalf("%d %s", to.Code, to.Header().Get("Location"))
	}
	w.browser().get(to.Header().Get("Location")).asks("login") // the address alone is worth nothing elsewhere …
	send(victim, appOrigin).page(400, "pressed the back button")
	a = b.xhr("/usernamepassword/login", appOrigin, body())
	for _, m := range hiddenField.FindAllStringSubmatch(a.Body.String(), -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	got := victim.get(send(victim, appOrigin).Header().Get("Location")).got()
	same(t, "who", w.claims(w.redeem(spa, got.Get("code")).good().IDToken)["sub"], ada)
	same(t, "state", got.Get("state"), "st+a/te=")
}

func TestSSOData(t *testing.T) {
	w := newWorld(t)
	w.client(legacy, func(c *stagedoor.Client) { c.Callbacks = append(c.Callbacks, "https://old.test/cb") })
	b := w.browser()
	b.login(request(spa)).got()
	ask := func(origin string) string {
		r := httptest.NewRequest("GET", "/user/ssodata", nil)
		r.Header.Set("Origin", origin)
		a := b.do(r)
		if a.Code != 200 {
			t.Fatalf("%d %s", a.Code, a.Body)
		}
		return strings.TrimSpace(a.Body.String())
	}
	same(t, "switched off", ask("https://old.test"), `{"sso":false}`)
	w.embedded(legacy)
	same(t, "of a foreign page", ask("https://evil.test"), `{"sso":false}`)
	same(t, "signed in", ask("https://old.test"), `{"lastUsedClientID":"spa","lastUsedConnection":{"name":"Users","strategy":"auth0"},"lastUsedUserID":"auth0|ada","lastUsedUsername":"ada@example.com","sessionClients":["spa"],"sso":true}`)
	b.get("/v2/logout")
	same(t, "signed out", ask("https://old.test"), `{"sso":false}`)
}
