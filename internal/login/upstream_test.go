package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// social adds a connection to a provider of its own.
func (w *world) social(name string, options map[string]any) *stagedoor.Connection {
	w.Helper()
	c := &stagedoor.Connection{Name: name, DisplayName: "The " + name, Strategy: "oauth2", EnabledClients: []string{"app"}, Options: stagedoor.ConnectionOptions{Stored: map[string]json.RawMessage{}}}
	for key, value := range options {
		c.Options.Stored[key], _ = json.Marshal(value)
	}
	w.ok(w.st.CreateConnection(w.Context(), c))
	return c
}

// set changes an option of a social connection.
func (w *world) set(c *stagedoor.Connection, name string, value any) {
	w.Helper()
	_, err := w.st.UpdateConnection(w.Context(), c.ID, func(c *stagedoor.Connection) error {
		c.Options.Stored[name], _ = json.Marshal(value)
		return nil
	})
	w.ok(err)
}

// abroad follows a redirect to a provider and returns where it sends the browser back to.
func (b *browser) abroad(r *reply) string {
	b.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, r.to(), nil)
	b.ok(err)
	resp, err := client.Do(req)
	b.ok(err)
	defer resp.Body.Close()
	back, ours := strings.CutPrefix(resp.Header.Get("Location"), b.origin)
	if !ours {
		b.Fatalf("the provider answers %s %s", resp.Status, resp.Header.Get("Location"))
	}
	return back
}

// by signs in by the button of a connection.
func (b *browser) by(name string) url.Values {
	b.Helper()
	page := b.begin().want(http.StatusOK)
	return b.finish(b.get(b.abroad(b.get(page.button(name)))))
}

// button returns where the button of a provider leads.
func (r *reply) button(name string) string {
	r.Helper()
	for _, part := range strings.Split(r.body, `class="provider" href="`)[1:] {
		address, rest, _ := strings.Cut(part, `"`)
		if text, _, _ := strings.Cut(rest, "</a>"); strings.Contains(words(`<a `+text), "Continue with "+name) {
			return strings.ReplaceAll(address, "&amp;", "&")
		}
	}
	r.Fatalf("there is no button of %s: %s", name, words(r.body))
	return ""
}

func TestCustomSocial(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		options := provider.Custom()
		options["authParams"] = map[string]string{"prompt": "consent"}
		options["upstream_params"] = map[string]any{"screen": map[string]string{"alias": "login_hint"}, "fixed": map[string]string{"value": "yes"}}
		options["customHeaders"] = map[string]string{"X-Api": "1"}
		conn := w.social("radio", options)
		provider.Choose(stagedoortest.Profile(map[string]any{
			"user_id": 42, "email": "Kim@Radio.example", "email_verified": true, "name": "Kim", "station": "jazz", "blocked": true,
			"app_metadata": map[string]any{"roles": []string{"admin"}}, "user_metadata": map[string]any{"color": "red"}, "roles": []string{"admin"}, "access_token": "forged",
		}))
		b := w.browser()
		page := b.begin("login_hint", "kim@radio.example").want(http.StatusOK).says("Continue with The radio", "Log in")
		q := b.finish(b.get(b.abroad(b.get(page.button("The radio")))))
		if q.Get("code") == "" || q.Get("state") != "s t" {
			w.Fatalf("%v", q)
		}
		asked := provider.Asked()
		for name, want := range map[string]string{
			"scope": "profile email", "prompt": "consent", "screen": "kim@radio.example", "fixed": "yes", "code_challenge_method": "S256",
			"redirect_uri": origin + "/login/callback", "client_id": "stagedoor", "response_type": "code",
		} {
			if asked.Get(name) != want {
				w.Errorf("%s is %q, want %q", name, asked.Get(name), want)
			}
		}
		if strings.Contains(page.body, asked.Get("state")) || provider.ExchangedHeader("X-Api") != "1" {
			w.Error("the state is that of the page, or the header did not come")
		}
		u := w.found("kim@radio.example")
		if u == nil || u.ID != "oauth2|radio|42" || !u.EmailVerified || u.Name != "Kim" || string(u.Attributes["station"]) != `"jazz"` || u.IsBlocked() || u.LoginsCount != 1 {
			w.Fatalf("%+v", u)
		}
		if i := u.Identities[0]; !i.IsSocial || i.Provider != "oauth2" || i.UserID != "radio|42" || i.Connection != "radio" {
			w.Errorf("%+v", i)
		}
		// A provider says who somebody is, never what they may do here.
		if len(u.AppMetadata) != 0 || len(u.UserMetadata) != 0 {
			w.Errorf("the provider wrote metadata: %v %v", u.AppMetadata, u.UserMetadata)
		}
		tokens, err := w.st.IdentityTokens(w.Context(), u.ID)
		if err != nil || len(tokens) != 1 || len(tokens[0].Tokens["access_token"].(string)) < 20 || tokens[0].Tokens["refresh_token"] == nil {
			w.Errorf("%v %v", tokens, err)
		}
		// Rules see the tokens; what clients get does not hold them.
		rule := &stagedoor.Rule{Name: "Tokens", Enabled: true, Script: `function (user, context, callback) {
			context.idToken['https://acme.test/had'] = user.identities[0].access_token.slice(0, 6);
			user.copied = user.identities[0].isSocial;
			callback(null, user, context); }`}
		w.ok(w.st.CreateRule(w.Context(), rule))
		if q := w.browser().by("The radio"); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
		w.ok(w.st.DeleteRule(w.Context(), rule.ID))
		u = w.found("kim@radio.example")
		w.logs(`"type":"s"`, `"strategy":"oauth2"`, `"connection":"radio"`)
		// The session serves the next login, and each login by the provider refreshes the profile.
		if q := b.finish(b.begin()); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
		_, err = w.st.UpdateUser(w.Context(), u.ID, func(u *stagedoor.User) error {
			u.AppMetadata = stagedoor.Metadata{"plan": json.RawMessage(`"gold"`)}
			return nil
		})
		w.ok(err)
		provider.Choose(stagedoortest.Profile(map[string]any{"id": "42", "email": "kim@radio.example", "name": "Kim K.", "app_metadata": map[string]any{"plan": "free"}}))
		w.browser().by("The radio")
		if u = w.found("kim@radio.example"); u.Name != "Kim K." || u.Attributes != nil || u.LoginsCount != 3 || u.EmailVerified || string(u.AppMetadata["plan"]) != `"gold"` {
			w.Errorf("%+v", u)
		}
		w.set(conn, "set_user_root_attributes", "on_first_login")
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "42", "name": "Somebody"}))
		w.browser().by("The radio")
		if u = w.found("kim@radio.example"); u.Name != "Kim K." {
			w.Errorf("%+v", u)
		}
		// A connection that is named is gone to at once.
		c := w.browser()
		if r := c.begin("connection", "radio"); !strings.HasPrefix(r.to(), provider.URL) {
			w.Errorf("%s", r.to())
		}
		// A client with no database sees buttons alone.
		_, err = w.st.UpdateConnection(w.Context(), w.conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil })
		w.ok(err)
		only := w.browser()
		page = only.begin().want(http.StatusOK).says("Continue with The radio")
		page.hides(`type="password"`, "/u/signup", "/u/forgot")
		only.post("/u/login?"+strings.SplitN(page.button("The radio"), "?", 2)[1], url.Values{"username": {"kim@radio.example"}, "password": {good}}).want(http.StatusBadRequest)
	})
}

// TestOptionsOfCustomSocial: what a custom social connection asks for, and what becomes of the profile that its script fetches.
func TestOptionsOfCustomSocial(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		conn := w.social("radio", provider.Custom())
		w.set(conn, "freeform_scopes", []string{"listen", "profile"})
		w.set(conn, "fieldsMap", map[string]string{"email": "mail", "nickname": "handle", "name": "missing"})
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "7", "mail": "kim@radio.example", "handle": "kimmy", "name": "Kim"}))
		come := func(scope string, more ...string) {
			w.Helper()
			b := w.browser()
			if q := b.finish(b.get(b.abroad(b.get(b.begin(more...).button("The radio"))))); q.Get("code") == "" || provider.Asked().Get("scope") != scope {
				w.Errorf("%q: %v", provider.Asked().Get("scope"), q)
			}
		}
		come("profile email listen")
		if u := w.found("kim@radio.example"); u == nil || u.Nickname != "kimmy" || u.Name != "Kim" {
			w.Errorf("%+v", u)
		}
		come("profile,email,listen,record", "connection_scope", "record,listen")
		w.set(conn, "useOauthSpecScope", true)
		come("profile email listen record", "connection_scope", "record,listen")
		// What is ours stays ours, whatever the connection says.
		w.set(conn, "upstream_params", map[string]any{
			"state": map[string]string{"value": "x"}, "client_id": map[string]string{"alias": "login_hint"}, "redirect_uri": map[string]string{"value": "https://evil.example/"},
			"response_type": map[string]string{"value": "token"}, "code_challenge": map[string]string{"value": "x"}, "scope": map[string]string{"value": "all"},
		})
		come("profile email listen", "login_hint", "kim@radio.example")
	})
}

// TestProvidersRefuse: what goes wrong at a provider ends the login with an error for the client, and is in the log.
func TestProvidersRefuse(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		conn := w.social("radio", provider.Custom())
		fails := func(code, description, log string) {
			w.Helper()
			q := w.browser().by("The radio")
			if q.Get("error") != code || !strings.Contains(q.Get("error_description"), description) {
				w.Errorf("%v, want %s %s", q, code, description)
			}
			if e := w.last(); e.Type != "f" || !strings.Contains(e.Description, log) || e.Connection != "radio" {
				w.Errorf("%+v, want %s", e, log)
			}
		}
		provider.Refuse("access_denied", "The person\nsaid no")
		fails("access_denied", "The person said no", "The person said no")
		provider.Choose(stagedoortest.Profile(map[string]any{"name": "nobody"}))
		fails("access_denied", "user_id is mandatory", "user_id is mandatory")
		script := func(source string) { w.set(conn, "scripts", map[string]string{"fetchUserProfile": source}) }
		script(`(token, context, callback) => callback(new UnauthorizedError('Listeners only.'))`)
		fails("unauthorized", "Listeners only.", "Listeners only.")
		script(`(token, context, callback) => { throw new TypeError('broken'); }`)
		fails("access_denied", "broken", "broken")
		script(`(token, context, callback) => callback(null)`)
		fails("access_denied", "there is none", "there is none")
		script(`(token, context, callback) => callback(null, {user_id: [token.length > 20, context.access_token === token, context.options.client_id, context.token_type, typeof context.options.scripts].join()})`)
		if q := w.browser().by("The radio"); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
		if _, err := w.st.User(w.Context(), "oauth2|radio|true,true,stagedoor,Bearer,undefined"); err != nil {
			w.Error(err)
		}
		w.set(conn, "disable_signup", true)
		script(`(token, context, callback) => callback(null, {user_id: 'new'})`)
		fails("access_denied", "Public signup is disabled", "Public signup is disabled")
		w.set(conn, "client_secret", "wrong")
		fails("access_denied", "The identity provider gave no token", "400 Bad Request invalid_grant The code is not good.")
		script("")
		w.set(conn, "client_secret", provider.ClientSecret)
		fails("access_denied", "Please implement the fetchUserProfile script", "fetchUserProfile")
	})
}

// TestStatesOfProviders: the way back works once, in the browser that left, and for the connection that it was for.
func TestStatesOfProviders(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		w.social("radio", provider.Custom())
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "1"}))
		b := w.browser()
		page := b.begin()
		back := b.abroad(b.get(page.button("The radio")))
		w.browser().get(back).want(http.StatusBadRequest).says("pressed the back button") // another browser
		b.get("/authorize/resume?" + strings.SplitN(back, "?", 2)[1]).want(http.StatusBadRequest)
		b.do(http.MethodHead, back, "").want(http.StatusOK)
		if q := b.finish(b.get(back)); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
		b.get(back).want(http.StatusBadRequest)
		for _, path := range []string{"/login/callback", "/login/callback?state=x&code=y", "/u/login/with?state=x&connection=radio"} {
			b.get(path).want(http.StatusBadRequest)
		}
		// A person who comes back from the provider's page to ours can still type a password.
		c := w.browser()
		page = c.begin()
		c.abroad(c.get(page.button("The radio")))
		if q := c.finish(c.submit(page, "username", "ada@example.com", "password", good)); q.Get("code") == "" {
			w.Errorf("%v", q)
		}
		d := w.browser()
		page = d.begin()
		d.get(strings.ReplaceAll(page.button("The radio"), "connection=radio", "connection=Users")).want(http.StatusBadRequest)
		// Two first logins of one person at once make one user.
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "2", "email": "two@radio.example"}))
		var done sync.WaitGroup
		for range 3 {
			e := w.browser()
			back := e.abroad(e.get(e.begin().button("The radio")))
			done.Go(func() {
				if r := e.get(back); r.status != http.StatusSeeOther {
					w.Errorf("%d %s", r.status, words(r.body))
				}
			})
		}
		done.Wait()
		if u := w.found("two@radio.example"); u == nil || u.LoginsCount != 3 {
			w.Errorf("%+v", u)
		}
	})
}

// TestLinkedSocial: somebody whose social identity is linked to another user becomes that user.
func TestLinkedSocial(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	w := newWorld(t, storetest.SQLite)
	w.social("radio", provider.Custom())
	provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "1", "name": "Kim"}))
	w.browser().by("The radio")
	ada := w.found("ada@example.com")
	_, err := w.st.LinkIdentity(w.Context(), ada.ID, stagedoor.Identity{Connection: "radio", Provider: "oauth2", UserID: "radio|1"}, true)
	w.ok(err)
	if tokens, err := w.st.IdentityTokens(w.Context(), ada.ID); err != nil || len(tokens) != 1 {
		t.Errorf("the tokens did not come along: %v %v", tokens, err)
	}
	provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "1", "name": "Kim K.", "email": "kim@radio.example"}))
	w.browser().by("The radio")
	ada = w.found("ada@example.com")
	if ada.LoginsCount != 1 || ada.Name == "Kim K." || len(ada.Identities) != 2 || ada.Identities[1].Text("name") != "Kim K." || !ada.Identities[1].IsSocial {
		t.Errorf("%+v", ada)
	}
	if _, err := w.st.User(w.Context(), "oauth2|radio|1"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Error(err)
	}
}
