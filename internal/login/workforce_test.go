package login_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestWorkforce: Okta, Entra ID and Google Workspace are OpenID Connect with less to say.
func TestWorkforce(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Choose(&kim)
	w.upstream("okta", "okta", map[string]any{
		"domain": "okta.example", "issuer": w.at, "authorization_endpoint": w.at + "/authorize", "token_endpoint": w.at + "/token", "jwks_uri": w.at + "/jwks", "userinfo_endpoint": w.at + "/userinfo",
		"attribute_map": map[string]any{"mapping_mode": "basic_profile"}, "stagedoor": nil,
	})
	w.in("okta")
	if u, err := w.st.User(t.Context(), "okta|okta|k1"); err != nil || u.Identities[0].IsSocial || u.Attributes != nil || u.Name != "Kim Corp" {
		t.Errorf("%+v %v", u, err)
	}
	// nOAuth: an address of Entra ID is what its directory's owner wrote into it, and not verified unless the connection trusts it.
	entra := w.upstream("entra", "waad", map[string]any{"tenant_domain": "contoso.example"})
	w.in("entra")
	u, err := w.st.User(t.Context(), "waad|oid-k1")
	if err != nil || !strings.EqualFold(u.Email, kim.Email) || u.EmailVerified || u.Identities[0].IsSocial || u.Identities[0].UserID != "oid-k1" {
		t.Errorf("%+v %v", u, err)
	}
	w.set(entra, "should_trust_email_verified_connection", "always_set_emails_as_verified")
	w.in("entra")
	if u, err = w.st.User(t.Context(), "waad|oid-k1"); err != nil || !u.EmailVerified {
		t.Errorf("%+v %v", u, err)
	}
	// Google Workspace lets in the people of its domains alone.
	w.upstream("workspace", "google-apps", map[string]any{"tenant_domain": "corp.example", "domain_aliases": []string{"corp.example", "Second.example"}})
	w.out("workspace", "not one of this organization", "its domain is")
	if got := w.standin.Asked().Get("hd"); got != "corp.example" {
		t.Errorf("hd is %q", got)
	}
	member := kim
	member.More = map[string]any{"hd": "second.example"}
	w.standin.Choose(&member)
	w.in("workspace")
	if u, err := w.st.User(t.Context(), "google-apps|kim@corp.example"); err != nil || u.Identities[0].IsSocial {
		t.Errorf("%+v %v", u, err)
	}
	// Rules see the domains of a company's connection, and none of another.
	w.rule(`function (user, context, callback) { callback(new Error(JSON.stringify(context.connectionOptions))); }`)
	for name, options := range map[string]string{
		"workspace": `{"domain_aliases":["corp.example","Second.example"],"tenant_domain":"corp.example"}`, "entra": `{"domain_aliases":[],"tenant_domain":"contoso.example"}`, "okta": `{}`,
	} {
		w.out(name, options, options)
	}
	member.More = map[string]any{"hd": "contoso.example"}
	w.standin.Choose(&member)
	w.out("workspace", "not one of this organization", "contoso.example")
}

// TestAttackIDOfAnotherDirectory: ids of Entra ID and of Workspace do not say by which connection somebody came, and two directories may know two people by one. Who comes
// second is nobody, and not the first.
func TestAttackIDOfAnotherDirectory(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.standin.Choose(&kim)
			w.upstream("entra", "waad", map[string]any{"tenant_domain": "contoso.example"})
			w.in("entra")
			w.upstream("same", "waad", map[string]any{"tenant_domain": "contoso.example"})
			w.upstream("chosen", "waad", map[string]any{"tenant_domain": "contoso.example", "userid_attribute": "sub"})
			twin := kim
			twin.Subject, twin.Name = "oid-k1", "Somebody else"
			w.out("same", "", "a user of another connection has its user_id")
			w.standin.Choose(&twin)
			w.out("chosen", "", "a user of another connection has its user_id")
			if u, err := w.st.User(t.Context(), "waad|oid-k1"); err != nil || u.Connection != "entra" || u.Name != "Kim Corp" || u.LoginsCount != 1 {
				t.Errorf("%+v %v", u, err)
			}
		})
	}
}

// TestProvisionedBeforeLogin: whom a provisioner made is the one who comes later, and does not come when it blocks them.
func TestProvisionedBeforeLogin(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Choose(&kim)
	c := w.upstream("okta", "okta", map[string]any{
		"domain": "okta.example", "issuer": w.at, "authorization_endpoint": w.at + "/authorize", "token_endpoint": w.at + "/token", "jwks_uri": w.at + "/jwks", "userinfo_endpoint": w.at + "/userinfo",
		"attribute_map": map[string]any{"mapping_mode": "basic_profile"}, "stagedoor": nil, "disable_signup": true,
	})
	const id = "okta|okta|k1"
	_, err := w.st.ProvisionUser(t.Context(), &stagedoor.ProvisionedUser{ConnectionID: c.ID, UserName: "kim", ExternalID: "k1", Doc: json.RawMessage("{}")}, &stagedoor.User{
		ID: id, Connection: "okta", Identities: []stagedoor.Identity{{Connection: "okta", Provider: "okta", UserID: "okta|k1"}}, AppMetadata: stagedoor.Metadata{"department": json.RawMessage(`"sound"`)},
	}, nil)
	w.ok(err)
	w.in("okta")
	if u, err := w.st.User(t.Context(), id); err != nil || u.LoginsCount != 1 || u.Name != "Kim Corp" || string(u.AppMetadata["department"]) != `"sound"` {
		t.Errorf("%+v %v", u, err)
	}
	_, _, err = w.st.UpdateProvisionedUser(t.Context(), c.ID, id, func(_ *stagedoor.ProvisionedUser, u *stagedoor.User) error { u.Blocked = new(true); return nil })
	w.ok(err)
	if q := w.sign("okta"); q.Get("error") != "unauthorized" || q.Get("error_description") != "user is blocked" {
		t.Errorf("who is blocked: %v", q)
	}
}

// TestProviderWithoutAnAddress: what a provider calls an address and is none keeps nobody out, and is nobody's address.
func TestProviderWithoutAnAddress(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.oidc("corp", nil)
	for i, odd := range []string{"kim", "n/a", "Kim <kim@corp.example>", "k\u0130m@corp.example", "kim@corp.example"} {
		who := kim
		who.Email = odd
		w.standin.Choose(&who)
		w.in("corp")
		want := ""
		if odd == strings.ToLower(kim.Email) {
			want = odd
		}
		if u, err := w.st.User(t.Context(), "oidc|corp|"+kim.Subject); err != nil || u.Email != want || u.LoginsCount != i+1 || want == "" && u.EmailVerified {
			t.Errorf("%s: %+v %v", odd, u, err)
		}
	}
}

// TestMembershipThroughProvider: who comes through an organization's connection becomes a member where it says so.
func TestMembershipThroughProvider(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	conn := w.oidc("corp", nil)
	w.standin.Choose(&kim)
	org := w.organized("allow", "no_prompt", func(oc *stagedoor.OrganizationConnection) { oc.ConnectionID = conn.ID })
	enable := func(assign bool) {
		_, err := w.st.UpdateOrganizationConnection(t.Context(), org.ID, conn.ID, func(oc *stagedoor.OrganizationConnection) error { oc.AssignMembershipOnLogin = assign; return nil })
		w.ok(err)
	}
	if q := w.sign("corp", "organization", org.ID); q.Get("error") != "access_denied" {
		t.Errorf("%v", q)
	}
	enable(true)
	w.in("corp", "organization", org.ID)
}

// TestSessionIsOfTheLastConnection: somebody with linked identities who comes by another one than before is in the session of that one: by it an organization
// lets them in, and scripts learn of it.
func TestSessionIsOfTheLastConnection(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	conn := w.oidc("corp", nil)
	w.standin.Choose(&standin.Person{Subject: "a1", Email: "ada@example.com", Name: "Ada by Corp"})
	_, err := w.st.LinkIdentity(t.Context(), w.found("ada@example.com").ID, stagedoor.Identity{Connection: "corp", Provider: "oidc", UserID: "corp|a1"}, true)
	w.ok(err)
	org := w.organized("allow", "no_prompt", func(oc *stagedoor.OrganizationConnection) { oc.ConnectionID = conn.ID }, "ada@example.com")
	b := w.browser()
	if q := b.finish(b.submit(b.begin("connection", "Users"), "username", "ada@example.com", "password", good)); q.Get("code") == "" {
		t.Fatalf("%v", q)
	}
	if q := b.finish(b.through(b.begin("connection", "corp", "organization", org.ID))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	if e := w.last(); e.Connection != "corp" || e.Strategy != "oidc" {
		t.Errorf("%+v", e)
	}
	if q := b.finish(b.begin("organization", org.ID, "prompt", "none")); q.Get("code") == "" {
		t.Errorf("the session does not serve the organization: %v", q)
	}
}

// TestHomeRealmDiscovery: whoever belongs to a company by the domain of their address is sent there, and asked for no password here.
func TestHomeRealmDiscovery(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	conn := w.oidc("corp", map[string]any{"domain_aliases": []string{"Corp.example"}})
	_, err := w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.ShowAsButton = new(false); return nil })
	w.ok(err)
	w.standin.Choose(&kim)
	w.user("ada@corp.example") // has a password here, but does not need it
	b := w.browser()
	page := b.begin().want(http.StatusOK).hides("connection=corp")
	r := b.submit(page, "username", "ADA@corp.EXAMPLE", "password", good).want(http.StatusSeeOther)
	if q := b.finish(b.through(b.get(r.to()))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	c := w.browser()
	if q := c.finish(c.submit(c.begin(), "username", "ada@example.com", "password", good)); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	for _, other := range []string{"kim@corp.example.evil.example", "kim@evil-corp.example", "corp.example", "kim@"} {
		d := w.browser()
		d.submit(d.begin(), "username", other, "password", "x").want(http.StatusBadRequest)
	}
	// A request that names the database stays there.
	e := w.browser()
	e.submit(e.begin("connection", "Users"), "username", "ada@corp.example", "password", "x").want(http.StatusBadRequest)
	// A client whose people all come from one company is not asked anything; with two, for the address.
	_, err = w.st.UpdateConnection(t.Context(), w.conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = nil; return nil })
	w.ok(err)
	if to := w.browser().begin().to(); !strings.HasPrefix(to, w.at) {
		t.Errorf("%s", to)
	}
	second := w.oidc("second", map[string]any{"domain_aliases": []string{"second.example"}})
	_, err = w.st.UpdateConnection(t.Context(), second.ID, func(c *stagedoor.Connection) error { c.ShowAsButton = new(false); return nil })
	w.ok(err)
	f := w.browser()
	page = f.begin().want(http.StatusOK).hides(`type="password"`)
	f.submit(page, "username", "kim@nowhere.example").want(http.StatusBadRequest).says("We know nobody with this address")
	f.submit(page, "username", "").want(http.StatusBadRequest)
	r = f.submit(page, "username", "kim@second.example").want(http.StatusSeeOther)
	if !strings.Contains(r.to(), "connection=second") {
		t.Errorf("%s", r.to())
	}
	if q := f.finish(f.through(f.get(r.to()))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}

// In a login for an organization it is the organization that says which companies' connections have a button; one without is for those whose address
// leads there, or whose request names it.
func TestButtonsOfOrganizations(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Choose(&kim)
	corp := w.oidc("corp", map[string]any{"domain_aliases": []string{"corp.example"}})
	_, err := w.st.UpdateConnection(t.Context(), corp.ID, func(c *stagedoor.Connection) error { c.ShowAsButton = new(false); return nil })
	w.ok(err)
	second := w.oidc("second", nil) // has a button where there is no organization
	w.upstream("github", "github", nil)
	github, err := w.st.ConnectionByName(t.Context(), "github")
	w.ok(err)
	org := w.organized("allow", "no_prompt", nil)
	for _, oc := range []stagedoor.OrganizationConnection{{ConnectionID: corp.ID, ShowAsButton: true}, {ConnectionID: second.ID}, {ConnectionID: github.ID}} {
		oc.IsEnabled, oc.AssignMembershipOnLogin = true, true
		w.ok(w.st.AddOrganizationConnection(t.Context(), org.ID, &oc))
	}
	set := func(id string, shown, enabled bool) {
		_, err := w.st.UpdateOrganizationConnection(t.Context(), org.ID, id, func(oc *stagedoor.OrganizationConnection) error {
			oc.ShowAsButton, oc.IsEnabled = shown, enabled
			return nil
		})
		w.ok(err)
	}
	w.browser().begin("organization", org.ID).want(http.StatusOK).says("Continue with corp", "Continue with GitHub").hides("connection=second")
	w.browser().begin().want(http.StatusOK).says("Continue with second", "Continue with GitHub").hides("connection=corp")
	b := w.browser()
	if q := b.finish(b.through(b.begin("organization", org.ID, "connection", "second"))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	// Without a button, the address leads there.
	set(corp.ID, false, true)
	c := w.browser()
	page := c.begin("organization", org.ID).want(http.StatusOK).hides("connection=corp")
	r := c.submit(page, "username", "kim@corp.example", "password", "x").want(http.StatusSeeOther)
	if q := c.finish(c.through(c.get(r.to()))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	// A company's connection alone is gone to at once; where nobody is shown a way, it takes the address or the name.
	set(w.conn.ID, false, false)
	set(github.ID, false, false)
	if q := w.browser().finish(w.browser().begin("organization", org.ID)); q.Get("error_description") != "no connections enabled for the organization are visible" {
		t.Errorf("%v", q)
	}
	d := w.browser()
	page = d.begin("organization", org.ID, "login_hint", "kim@corp.example").want(http.StatusOK)
	r = d.submit(page, "username", "kim@corp.example").want(http.StatusSeeOther)
	if q := d.finish(d.through(d.get(r.to()))); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	set(second.ID, true, true)
	set(corp.ID, false, false)
	if to := w.browser().begin("organization", org.ID).to(); !strings.HasPrefix(to, w.at) {
		t.Errorf("%s", to)
	}
}

// TestFederatedLogout: whoever wants it signs out at their provider too, and comes back to where the client may send them.
func TestFederatedLogout(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error { c.AllowedLogoutURLs = []string{"https://app.example/bye"}; return nil })
	w.ok(err)
	w.oidc("corp", nil)
	w.saml("saml", nil)
	w.upstream("google-oauth2", "google-oauth2", nil)
	w.upstream("github", "github", nil)
	person := social
	w.standin.Choose(&person)
	signed := func(name string) *browser {
		b := w.browser()
		b.finish(b.through(b.begin("connection", name)))
		return b
	}
	const back = "/v2/logout?client_id=app&returnTo=https%3A%2F%2Fapp.example%2Fbye%3Fx%3D1"
	b := signed("corp")
	if to := b.get(back).to(); to != "https://app.example/bye?x=1" {
		t.Errorf("%s", to)
	}
	b = signed("corp")
	to, _ := url.Parse(b.get(back + "&federated").to())
	if q := to.Query(); !strings.HasPrefix(to.String(), w.at+"/logout?") || q.Get("client_id") != "stagedoor" || q.Get("post_logout_redirect_uri") != origin+"/logout" || q.Get("state") == "" || strings.Contains(to.String(), "bye") {
		t.Errorf("%s", to)
	}
	if r := b.begin("prompt", "none"); !strings.Contains(r.to(), "login_required") {
		t.Errorf("the session lives: %s", r.to())
	}
	stranger := w.browser()
	stranger.get("/logout?state=" + to.Query().Get("state")).want(http.StatusOK) // another browser learns nothing
	if again := b.get("/logout?state=" + to.Query().Get("state")).to(); again != "https://app.example/bye?x=1" {
		t.Errorf("%s", again)
	}
	b.get("/logout?state=" + to.Query().Get("state")).want(http.StatusOK) // once
	b.get("/logout").want(http.StatusOK)
	b = signed("saml")
	to, _ = url.Parse(b.get(back + "&federated").to())
	if q := to.Query(); !strings.HasPrefix(to.String(), w.at+"/saml/sign-out?") || q.Get("SAMLRequest") == "" || q.Get("Signature") == "" {
		t.Errorf("%s", to)
	}
	if again := b.get("/logout?SAMLResponse=x&RelayState=" + to.Query().Get("RelayState")).to(); again != "https://app.example/bye?x=1" {
		t.Errorf("%s", again)
	}
	b = signed("google-oauth2")
	if to := b.get(back + "&federated").to(); !strings.Contains(to, "/accounts.google.com/Logout?continue=https%3A%2F%2Fappengine.google.com") {
		t.Errorf("%s", to)
	}
	b = signed("github") // has no such place
	if to := b.get(back + "&federated").to(); to != "https://app.example/bye?x=1" {
		t.Errorf("%s", to)
	}
	b = signed("corp") // an address that is not allowed is refused, whatever else is asked
	b.get("/v2/logout?client_id=app&federated&returnTo=https%3A%2F%2Fevil.example%2F").want(http.StatusBadRequest)
}

// A custom social connection without logoutUrl has a script that says where people sign out. One that fails keeps nobody signed in here.
func TestScriptedFederatedLogout(t *testing.T) {
	provider := stagedoortest.NewStandIn(t)
	each(t, func(w *world) {
		_, err := w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error { c.AllowedLogoutURLs = []string{"https://app.example/bye"}; return nil })
		w.ok(err)
		conn := w.social("radio", provider.Custom())
		provider.Choose(stagedoortest.Profile(map[string]any{"user_id": "1"}))
		scripts := maps.Clone(provider.Custom()["scripts"].(map[string]any))
		out := func(source string) string {
			scripts["getLogoutUrl"] = source
			w.set(conn, "scripts", scripts)
			b := w.browser()
			b.finish(b.get(b.abroad(b.get(b.begin().button("The radio")))))
			to := b.get("/v2/logout?client_id=app&federated&id_token_hint=of-theirs&returnTo=https%3A%2F%2Fapp.example%2Fbye").to()
			if r := b.begin("prompt", "none"); strings.Contains(r.header.Get("Location"), "code=") {
				w.Errorf("the session lives: %s", r.to())
			}
			return to
		}
		const bye = "https://app.example/bye"
		if to := out(`function getLogoutUrl(query, callback) { callback(null, 'https://radio.example/out?to=' + encodeURIComponent(query.returnTo) + '&who=' + query.client_id); }`); to != "https://radio.example/out?to="+url.QueryEscape(bye)+"&who=app" {
			w.Errorf("%s", to)
		}
		for source, why := range map[string]string{
			`(query, callback) => callback(new Error('no way'))`:            "no way",
			`(query, callback) => callback(null, 'javascript:alert(1)')`:    "called back with no http or https address",
			`(query, callback) => callback(null)`:                           "called back with no http or https address",
			`(query, callback) => callback(null, {url: 'https://x.test/'})`: "called back with no http or https address",
		} {
			if to := out(source); to != bye {
				w.Errorf("%s: %s", source, to)
			}
			w.logs(`"type":"federated_logout_failed"`, why)
		}
		const hint = `(query, callback) => callback(null, 'https://radio.example/out?' + [query.id_token_hint, query.returnTo, 'federated' in query].join())`
		if to := out(hint); to != "https://radio.example/out?,"+bye+",true" {
			w.Errorf("%s", to)
		}
		_, err = w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
			c.Stored = map[string]json.RawMessage{"redirection_policy": json.RawMessage(`"open_redirect_protection"`)}
			return nil
		})
		w.ok(err)
		if to := out(hint); to != "https://radio.example/out?,,true" { // a client that may lead nobody away
			w.Errorf("%s", to)
		}
		_, err = w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error { c.Stored = nil; return nil })
		w.ok(err)
		if to := out(""); to != bye {
			w.Errorf("%s", to)
		}
		w.set(conn, "logoutUrl", "https://radio.example/fixed")
		if to := out(`(query, callback) => callback(null, 'https://radio.example/script')`); !strings.HasPrefix(to, "https://radio.example/fixed?") {
			w.Errorf("%s", to)
		}
	})
}

// TestNativeSocial: an app signs people in by what it got from the provider itself.
func TestNativeSocial(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.ok(w.pipe.Minter.Keys.Ensure(t.Context(), w.st))
	w.upstream("google-oauth2", "google-oauth2", map[string]any{"allowed_audiences": []string{"other-app"}})
	w.upstream("apple", "apple", map[string]any{"team_id": "T", "kid": "K", "app_secret": appleKey(t), "client_id": "the web's client"})
	w.upstream("facebook", "facebook", nil)
	person := social
	exchange := func(kind, token string, more ...string) (int, map[string]any) {
		t.Helper()
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "client_id": {"app"}, "subject_token": {token}, "subject_token_type": {"http://auth0.com/oauth/token-type/" + kind}, "scope": {"openid email"}}
		for i := 0; i+1 < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		r := w.browser().post("/oauth/token", form)
		var m map[string]any
		w.ok(json.Unmarshal([]byte(r.body), &m))
		return r.status, m
	}
	const google, apple, facebook = "google-id-token", "apple-authz-code", "facebook-info-session-access-token"
	if status, m := exchange(google, w.standin.GoogleToken(person, "")); status != 403 || m["error"] != "unauthorized_client" {
		t.Errorf("%d %v", status, m)
	}
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{
			"native_social_login": json.RawMessage(`{"google":{"enabled":true},"apple":{"enabled":true},"facebook":{"enabled":true}}`), "mobile": json.RawMessage(`{"ios":{"app_bundle_identifier":"stagedoor"}}`),
		}
		return nil
	})
	w.ok(err)
	good := func(status int, m map[string]any, id string, verified bool) {
		t.Helper()
		u, err := w.st.User(t.Context(), id)
		if status != 200 || m["access_token"] == nil || m["id_token"] == nil || m["issued_token_type"] == nil || err != nil || u.EmailVerified != verified || u.LoginsCount != 1 {
			t.Errorf("%d %v %+v %v", status, m, u, err)
		}
		if e := w.last(); e.Type != "sens" || e.UserID != id {
			t.Errorf("%+v", e)
		}
	}
	status, m := exchange(google, w.standin.GoogleToken(person, ""))
	good(status, m, "google-oauth2|1234", true)
	for _, mode := range []string{"wrong_audience", "wrong_issuer", "expired", "alg_none", "other_key"} {
		if status, m := exchange(google, w.standin.GoogleToken(person, mode)); status != 403 || m["error"] != "invalid_grant" {
			t.Errorf("%s: %d %v", mode, status, m)
		}
	}
	if e := w.last(); e.Type != "fens" {
		t.Errorf("%+v", e)
	}
	// Apple's code is redeemed as the app, whose name the connection's key signs for.
	status, m = exchange(apple, w.standin.AppleCode(person), "user_profile", `{"name":{"firstName":"Kim","lastName":"Corp"}}`)
	good(status, m, "apple|1234", true)
	if q := w.standin.Exchanged(); q.Get("client_id") != "stagedoor" || q.Has("redirect_uri") {
		t.Errorf("%v", q)
	}
	if u, _ := w.st.User(t.Context(), "apple|1234"); u.Name != "Kim Corp" {
		t.Errorf("%+v", u)
	}
	if status, m := exchange(apple, "used"); status != 403 || m["error"] != "invalid_grant" {
		t.Errorf("%d %v", status, m)
	}
	// Of Facebook's person the app tells more than the id: no other id, and no address that would count as verified.
	status, m = exchange(facebook, "stagedoor:77", "user_profile", `{"id":"1","user_id":"1","email":"victim@example.com","email_verified":true,"name":"Kim"}`)
	good(status, m, "facebook|77", false)
	for _, token := range []string{"another-app:77", "stagedoor:", "x"} {
		if status, m := exchange(facebook, token); status != 403 || m["error"] != "invalid_grant" {
			t.Errorf("%d %v", status, m)
		}
	}
	if status, m := exchange("windows-token", "x"); status != 403 || m["error"] != "unauthorized_client" {
		t.Errorf("%d %v", status, m)
	}
}
