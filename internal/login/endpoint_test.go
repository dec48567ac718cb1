package login_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const (
	signupPath = "/dbconnections/signup"
	changePath = "/dbconnections/change_password"
)

// json posts a body the way SDKs do.
func (b *browser) json(path, body string, headers ...string) *reply {
	b.Helper()
	return b.do(http.MethodPost, path, body, append([]string{"Content-Type", "application/json", "Sec-Fetch-Site", "", "Origin", ""}, headers...)...)
}

// is fails the test unless the answer is the text, byte for byte.
func (r *reply) is(want string) *reply {
	r.Helper()
	if r.body != want {
		r.Errorf("got  %s\nwant %s", r.body, want)
	}
	return r
}

func badRequest(code, description string) string {
	b, _ := json.Marshal(description)
	return fmt.Sprintf(`{"name":"BadRequestError","code":%q,"description":%s,"statusCode":400}`, code, b)
}

func TestSignupByClient(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		r := b.json(signupPath, `{"client_id":"app","connection":"Users","email":"New@Example.com","password":"`+good+`"}`).want(http.StatusOK)
		u := w.found("new@example.com")
		if u == nil {
			w.Fatal("nobody signed up")
		}
		r.is(`{"_id":"` + strings.TrimPrefix(u.ID, "auth0|") + `","email_verified":false,"email":"new@example.com"}`)
		if r.header.Get("Content-Type") != "application/json; charset=utf-8" || r.header.Get("Set-Cookie") != "" || len(u.ID) != len("auth0|")+24 {
			w.Errorf("id %s, headers %v", u.ID, r.header)
		}
		if mails := w.mails(); len(mails) != 1 || mails[0].To != "new@example.com" {
			w.Errorf("mails %+v", mails)
		}
		w.browser().get(w.link()).want(http.StatusOK)
		full := `{"client_id":"app","connection":"Users","email":"full@example.com","password":"` + good + `","given_name":"Full","family_name":"Name",
			"name":"Full <b>Name</b>","nickname":"full","picture":"https://app.example/p.png","user_metadata":{"color":"red","empty":""},
			"app_metadata":{"roles":["admin"]},"email_verified":true,"blocked":false,"user_id":"chosen","identities":[],"unknown":{"a":[1]},"username":null}`
		r = b.json(signupPath, full).want(http.StatusOK)
		u = w.found("full@example.com")
		r.is(`{"_id":"` + strings.TrimPrefix(u.ID, "auth0|") + `","email_verified":false,"email":"full@example.com","given_name":"Full","family_name":"Name",` +
			`"name":"Full <b>Name</b>","nickname":"full","picture":"https://app.example/p.png","user_metadata":{"color":"red","empty":""}}`)
		if u.AppMetadata != nil || u.EmailVerified || u.Blocked != nil || u.ID == "auth0|chosen" || string(u.UserMetadata["color"]) != `"red"` || u.Name != "Full <b>Name</b>" {
			w.Errorf("signed up as %+v", u)
		}
		form := url.Values{"connection": {"Users"}, "email": {"form@example.com"}, "password": {good}, "user_metadata[color]": {"blue"}, "app_metadata[plan]": {"gold"}}
		b.post(signupPath, form).want(http.StatusOK)
		if u = w.found("form@example.com"); string(u.UserMetadata["color"]) != `"blue"` || u.AppMetadata != nil {
			w.Errorf("signed up as %+v", u)
		}
		if got := w.events(); got != "ss sv ss ss" {
			w.Errorf("events %s", got)
		}
	})
}

func TestSignupByClientRefused(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.ok(w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "Social", Strategy: "google-oauth2", EnabledClients: []string{"app"}}))
	b := w.browser()
	body := func(members string) string {
		return `{"client_id":"app","connection":"Users","email":"new@example.com","password":"` + good + `",` + members + `}`
	}
	many := make([]string, 11)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"known address", `{"client_id":"app","connection":"Users","email":"ADA@example.com","password":"` + good + `"}`, badRequest("invalid_signup", "Invalid sign up")},
		{"no connection", `{"client_id":"app","email":"new@example.com","password":"` + good + `"}`, badRequest("bad_request", "connection parameter is mandatory")},
		{"unknown connection", `{"client_id":"app","connection":"Nobody"}`, badRequest("invalid_connection", "the connection was not found")},
		{"unknown connection of the tenant", `{"connection":"Nobody"}`, badRequest("invalid_connection", "the connection was not found")},
		{"connection of another kind", `{"client_id":"app","connection":"Social"}`, badRequest("invalid_connection", "the connection is not enabled")},
		{"connection of another kind of the tenant", `{"connection":"Social"}`, badRequest("invalid_connection", "the connection was not found")},
		{"connection of other clients", `{"client_id":"other","connection":"Users"}`, badRequest("invalid_connection", "the connection is not enabled")},
		{"unknown client", `{"client_id":"nobody","connection":"Users"}`, badRequest("invalid_client", "Unknown client: nobody")},
		{"no address", `{"client_id":"app","connection":"Users","password":"` + good + `"}`, badRequest("invalid_signup", "The e-mail address is missing.")},
		{"bad address", `{"client_id":"app","connection":"Users","email":"new","password":"` + good + `"}`, badRequest("invalid_signup", "The e-mail address is not valid.")},
		{"username that nobody wants", body(`"username":"new"`), badRequest("invalid_signup", "This connection has no usernames.")},
		{"wrong type", body(`"name":5`), badRequest("bad_request", "name must be a string")},
		{"wrong type of the client", `{"client_id":["app"]}`, badRequest("bad_request", "client_id must be a string")},
		{"long name", body(`"name":"` + strings.Repeat("ä", 151) + `"`), badRequest("bad_request", "name is longer than 150 characters")},
		{"picture that runs", body(`"picture":"javascript:alert(1)"`), badRequest("bad_request", "picture must be an http or https address")},
		{"metadata list", body(`"user_metadata":[]`), badRequest("bad_request", "user_metadata should be an object")},
		{"metadata text", body(`"user_metadata":"x"`), badRequest("bad_request", "user_metadata should be an object")},
		{"metadata number", body(`"user_metadata":{"a":5}`), badRequest("bad_request", "user_metadata.a should be a string")},
		{"metadata null", body(`"user_metadata":{"a":null}`), badRequest("bad_request", "user_metadata.a should be a string")},
		{"metadata object", body(`"user_metadata":{"a":{}}`), badRequest("bad_request", "user_metadata.a should be a string")},
		{"metadata of eleven", body(`"user_metadata":{` + strings.Join(many, ",") + `}`), badRequest("bad_request", "user_metadata has more than 10 properties")},
		{"metadata with a long name", body(`"user_metadata":{"` + strings.Repeat("ä", 101) + `":"v"}`), badRequest("bad_request", "user_metadata has a property whose name is longer than 100 characters")},
		{"metadata with a long value", body(`"user_metadata":{"a":"` + strings.Repeat("ä", 501) + `"}`), badRequest("bad_request", "user_metadata.a is longer than 500 characters")},
		{"metadata twice", body(`"user_metadata":{"a":"1","a":"2"}`), badRequest("bad_request", "Payload validation error: 'Duplicate property: a' on property user_metadata.")},
		{"NUL", body(`"name":"a\u0000"`), badRequest("bad_request", "Payload validation error: 'Texts must not contain a NUL character' on property name.")},
		{"half a document", `{"client_id":"app"`, badRequest("bad_request", "Invalid request payload JSON format")},
		{"nothing", ``, badRequest("bad_request", "Invalid request payload JSON format")},
		{"a list", `[]`, badRequest("bad_request", "The request body must be a JSON object.")},
		{"null", `null`, badRequest("bad_request", "The request body must be a JSON object.")},
		{"broken text", "{\"email\":\"\xff\"}", badRequest("bad_request", "Invalid request payload JSON format")},
	} {
		t.Log(tt.name)
		b.json(signupPath, tt.body).want(http.StatusBadRequest).is(tt.want)
	}
	b.json(signupPath, body(`"user_metadata":{"`+strings.Repeat("ä", 100)+`":"`+strings.Repeat("ä", 500)+`"}`)).want(http.StatusOK)
	b.json(signupPath, body(`"x":"`+strings.Repeat("x", 70<<10)+`"`)).want(http.StatusRequestEntityTooLarge)
	b.post(signupPath, url.Values{"x": {strings.Repeat("x", 70<<10)}}).want(http.StatusRequestEntityTooLarge)
	b.json(signupPath, `{}`, "Content-Type", "text/plain").want(http.StatusUnsupportedMediaType)
	b.post(signupPath, url.Values{"email": {"a@example.com", "b@example.com"}}).want(http.StatusBadRequest).is(badRequest("bad_request", "Duplicate parameter: email"))
	b.post(signupPath, url.Values{"email": {"\xff"}}).want(http.StatusBadRequest).is(badRequest("bad_request", "The form must be UTF-8."))
	b.do(http.MethodGet, signupPath, "").want(http.StatusMethodNotAllowed)

	w.configure(func(s *stagedoor.TenantSettings) { s.Flags[stagedoor.FlagSignupUserExists] = true })
	b.json(signupPath, body(`"given_name":"x"`)).want(http.StatusBadRequest).is(badRequest("user_exists", "The user already exists."))
	w.options(func(o *stagedoor.ConnectionOptions) { o.DisableSignup = true })
	b.json(signupPath, strings.Replace(body(`"x":1`), "new@", "newer@", 1)).want(http.StatusBadRequest).is(badRequest("signup_disabled", "Public signup is disabled"))
	if _, total, _ := w.st.Users(t.Context(), users); total != 2 || len(w.mails()) != 1 {
		t.Errorf("%d users, %d mails", total, len(w.mails()))
	}
}

func TestSignupByClientWithWeakPassword(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	for _, member := range []string{`,"password":"abc"`, `,"password":""`, ``} {
		r := b.json(signupPath, `{"client_id":"app","connection":"Users","email":"new@example.com"`+member+`}`).want(http.StatusBadRequest)
		var got struct {
			Name, Code, Message, Policy string
			Description                 struct {
				Rules []struct {
					Message, Code string
					Format        []any
					Verified      bool
					Items         []struct {
						Message, Code string
						Verified      bool
					}
				}
				Verified *bool
			}
			StatusCode int
		}
		if err := json.Unmarshal([]byte(r.body), &got); err != nil {
			t.Fatal(err)
		}
		rules := got.Description.Rules
		if got.Name != "PasswordStrengthError" || got.Code != "invalid_password" || got.Message != "Password is too weak" || got.StatusCode != 400 ||
			!strings.HasPrefix(got.Policy, "* At least 8 characters in length\n") || got.Description.Verified == nil || *got.Description.Verified ||
			len(rules) != 2 || rules[0].Code != "lengthAtLeast" || rules[1].Code != "containsAtLeast" || len(rules[1].Items) != 4 {
			t.Errorf("%s", r.body)
		}
	}
	b.json(signupPath, `{"client_id":"app","connection":"Users","email":"new@example.com","password":"`+strings.Repeat("Aa1", 400)+`"}`).
		want(http.StatusBadRequest).hides("Aa1Aa1")
	if w.found("new@example.com") != nil {
		t.Error("signed up all the same")
	}
	logs, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 50, Ascending: true})
	w.ok(err)
	if len(logs) != 4 || logs[0].Type != "fs" || logs[0].Description != "Password is too weak" || logs[0].ClientID != "app" {
		t.Errorf("events %+v", logs)
	}
}

func TestSignupByClientWithUsername(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true })
	b := w.browser()
	body := `{"client_id":"app","connection":"Users","email":"%s@example.com","username":"%s","password":"` + good + `"}`
	b.json(signupPath, fmt.Sprintf(body, "new", "")).want(http.StatusBadRequest).is(badRequest("invalid_signup", "The username is missing."))
	r := b.json(signupPath, fmt.Sprintf(body, "new", "Newbie")).want(http.StatusOK)
	if !strings.HasSuffix(r.body, `"email_verified":false,"email":"new@example.com","username":"newbie"}`) {
		t.Errorf("%s", r.body)
	}
	b.json(signupPath, fmt.Sprintf(body, "newer", "newbie")).want(http.StatusBadRequest).is(badRequest("username_exists", "The username provided is in use already."))
}

func TestChangePassword(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		for _, body := range []string{
			`{"client_id":"app","connection":"Users","email":"ada@example.com"}`,
			`{"client_id":"app","connection":"Users","email":"bob@example.com"}`,
			`{"client_id":"app","connection":"Users","username":"ada@example.com","password":"Ignored-Horse-9"}`,
			`{"connection":"Users","email":"ADA@example.com","organization":"org_x"}`,
		} {
			r := b.json(changePath, body).want(http.StatusOK).is("We've just sent you an email to reset your password.")
			if r.header.Get("Content-Type") != "text/html; charset=utf-8" {
				w.Errorf("headers %v", r.header)
			}
		}
		b.post(changePath, url.Values{"client_id": {"app"}, "connection": {"Users"}, "email": {"ada@example.com"}}).want(http.StatusOK)
		if got := len(w.mails()); got != 4 {
			w.Errorf("%d mails", got)
		}
		if got := w.events(); got != "scpr fcpr scpr scpr scpr" {
			w.Errorf("events %s", got)
		}
		if !w.signsIn(good) {
			w.Error("the password changed without the mail")
		}
		b.submit(b.get(w.link()), "password", "Another-Horse-2").want(http.StatusOK)
		if !w.signsIn("Another-Horse-2") {
			w.Error("the new password does not work")
		}
	})
}

func TestChangePasswordRefused(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	for _, tt := range []struct{ body, want string }{
		{`{"client_id":"app","email":"ada@example.com"}`, badRequest("bad_request", "connection parameter is mandatory")},
		{`{"client_id":"app","connection":"Users"}`, badRequest("bad_request", "email or username parameter is mandatory")},
		{`{"client_id":"app","connection":"Users","email":{}}`, badRequest("bad_request", "email must be a string")},
		{`{"client_id":"app","connection":"Nobody","email":"ada@example.com"}`, badRequest("invalid_connection", "the connection was not found")},
		{`{"client_id":"nobody","connection":"Users","email":"ada@example.com"}`, badRequest("invalid_client", "Unknown client: nobody")},
		{`{`, badRequest("bad_request", "Invalid request payload JSON format")},
	} {
		b.json(changePath, tt.body).want(http.StatusBadRequest).is(tt.want)
	}
	if len(w.mails()) != 0 {
		t.Error("a mail was sent all the same")
	}
}

func TestCrossOrigin(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	app := `{"client_id":"app","connection":"Users","email":"ada@example.com"}`
	foreign := `{"client_id":"foreign","connection":"Users","email":"ada@example.com"}`
	for _, tt := range []struct {
		origin, body string
		want         bool
	}{
		{"https://app.example", app, true},
		{"https://app.example", foreign, true}, // its callback is there too
		{"https://one.foreign.example", foreign, true},
		{"https://one.foreign.example", app, false},
		{"https://one.two.foreign.example", foreign, false},
		{"https://foreign.example", foreign, false},
		{"http://app.example", app, false},
		{"https://app.example:8443", app, false},
		{"https://app.example.evil.test", app, false},
		{"https://evil.test", app, false},
		{"null", app, false},
		{"https://one.foreign.example", `{"client_id":"nobody"}`, true}, // the developer must read why
		{"https://one.foreign.example", `{`, true},
		{"https://one.foreign.example", `{"connection":"Users","email":"ada@example.com"}`, true}, // the tenant's own client has no origins
		{"https://evil.test", `{"connection":"Users","email":"ada@example.com"}`, false},
	} {
		h := b.json(changePath, tt.body, "Origin", tt.origin, "Sec-Fetch-Site", "cross-site").header
		if got := h.Get("Access-Control-Allow-Origin"); (got == tt.origin) != tt.want || got != "" && !tt.want {
			t.Errorf("%s with %s: allowed %q", tt.origin, tt.body, got)
		}
		if h.Get("Vary") != "Origin" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("headers %v", h)
		}
	}
	for origin, want := range map[string]bool{"https://app.example": true, "https://one.foreign.example": true, "https://evil.test": false} {
		for _, path := range []string{signupPath, changePath} {
			h := b.do(http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", "POST").want(http.StatusNoContent).header
			if (h.Get("Access-Control-Allow-Origin") == origin) != want || strings.Contains(h.Get("Access-Control-Allow-Headers"), "Auth0-Client") != want {
				t.Errorf("preflight of %s: %v", origin, h)
			}
		}
	}
}
