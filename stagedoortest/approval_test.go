package stagedoortest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

var approveLink = regexp.MustCompile(`/u/approve\?ticket=([A-Za-z0-9_-]+)`)

// approver is a tenant with a client that asks for approvals, and a clock.
type approver struct {
	*house
	mu   sync.Mutex
	late time.Duration
}

func (p *approver) pass(d time.Duration) { p.mu.Lock(); defer p.mu.Unlock(); p.late += d }

func (p *approver) reset() { p.mu.Lock(); defer p.mu.Unlock(); p.late = 0 }

func newApprover(t *testing.T, kind func(*testing.T, func(*stagedoortest.Options), func(*testing.T, *world)), fn func(*testing.T, *approver)) {
	p := &approver{}
	kind(t, func(o *stagedoortest.Options) {
		o.Clock = func() time.Time { p.mu.Lock(); defer p.mu.Unlock(); return time.Now().Add(p.late) }
	}, func(t *testing.T, w *world) {
		p.house = w.a
		p.reset()
		p.want(200, p.api("PATCH", "/clients/"+p.site, map[string]any{"grant_types": []string{"authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba"}}, nil))
		fn(t, p)
	})
}

type cibaAnswer struct {
	ID       string `json:"auth_req_id"`
	Expires  int    `json:"expires_in"`
	Interval int    `json:"interval"`
	Error    string `json:"error"`
	Text     string `json:"error_description"`
	status   int
}

// ask asks for the user's approval; a pair with an empty value takes a parameter out.
func (p *approver) ask(more ...string) (out cibaAnswer) {
	p.w.Helper()
	hint, _ := json.Marshal(map[string]string{"format": "iss_sub", "iss": p.base + "/", "sub": p.user})
	v := url.Values{"client_id": {p.site}, "client_secret": {p.secret}, "scope": {"openid email offline_access read:songs"}, "audience": {audience}, "binding_message": {"Order 4711: 120.00 EUR"}, "login_hint": {string(hint)}}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "" {
			v.Del(more[i])
		} else {
			v.Set(more[i], more[i+1])
		}
	}
	a := p.w.send("POST", p.base+"/bc-authorize", v.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		p.w.Fatalf("%d %s", a.StatusCode, a.body)
	}
	out.status = a.StatusCode
	return out
}

func (p *approver) poll(id string) tokens {
	p.w.Helper()
	p.pass(6 * time.Second)
	return p.pollNow(id)
}

func (p *approver) pollNow(id string) tokens {
	p.w.Helper()
	return p.tokenCall("grant_type", "urn:openid:params:grant-type:ciba", "client_id", p.site, "client_secret", p.secret, "auth_req_id", id)
}

func (p *approver) refused(got tokens, status int, code, text string) {
	p.w.Helper()
	if got.status != status || got.Error != code || got.Description != text {
		p.w.Errorf("got %d %s %q, want %d %s %q", got.status, got.Error, got.Description, status, code, text)
	}
}

// link is that of the newest mail.
func (p *approver) link(b *browser) string {
	p.w.Helper()
	list := b.get("/u/inbox")
	m := regexp.MustCompile(`/u/inbox/[A-Za-z0-9_]+`).FindString(list.body)
	got := approveLink.FindString(b.get(m).body)
	if got == "" {
		p.w.Fatalf("no link in %s of %.3000s", m, list.body)
	}
	return got
}

func TestApproval(t *testing.T) {
	newApprover(t, eachWorldWith, func(t *testing.T, p *approver) {
		p.create("rules", map[string]any{"name": "Protocol", "script": "function (user, context, callback) { context.idToken['https://app.test/protocol'] = context.protocol; callback(null, user, context); }"})
		asked := p.ask()
		if asked.status != 200 || len(asked.ID) < 43 || asked.Expires != 300 || asked.Interval != 5 {
			t.Fatalf("%+v", asked)
		}
		p.refused(p.poll(asked.ID), 400, "authorization_pending", "The end-user authorization is pending")
		p.refused(p.pollNow(asked.ID), 400, "slow_down", "You are polling faster than allowed. Try again in 10 seconds.")

		b := p.browser()
		link := p.link(b)
		shown := b.show(link)
		if !strings.Contains(shown.body, "Order 4711: 120.00 EUR") || !strings.Contains(shown.body, "Site") {
			t.Errorf("the page says %s", shown.body)
		}
		yes := b.post(shown.action, shown.fill("decision", "accept"))
		to := b.get(yes.Header.Get("Location")) // the link alone approves nothing: who follows it has to sign in
		p.refused(p.poll(asked.ID), 400, "authorization_pending", "The end-user authorization is pending")
		done := b.signIn(b.show(to.Header.Get("Location")))
		if done.StatusCode != 303 || done.Header.Get("Location") != "/u/approve/done" || b.get("/u/approve/done").StatusCode != 200 {
			t.Fatalf("%d %s %s", done.StatusCode, done.Header.Get("Location"), done.body)
		}
		got := p.poll(asked.ID)
		if got.status != 200 || got.Refresh == "" || got.ID == "" || got.Access == "" {
			t.Fatalf("%+v", got)
		}
		claims := claimsOf(t, got.ID)
		if claims["sub"] != p.user || claims["https://app.test/protocol"] != "oidc-ciba" || claims["sid"] != nil {
			t.Errorf("%v", claims)
		}
		p.refused(p.poll(asked.ID), 400, "invalid_grant", "Unknown or invalid auth_req_id.") // once
		if a := b.get(link); a.StatusCode != 400 {
			t.Errorf("the link works on: %d", a.StatusCode)
		}

		// No.
		asked = p.ask("requested_expiry", "600")
		if asked.Expires != 600 {
			t.Errorf("%+v", asked)
		}
		shown = b.show(p.link(b))
		if a := b.post(shown.action, shown.fill("decision", "decline")); a.StatusCode != 200 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		p.refused(p.poll(asked.ID), 400, "access_denied", "The end-user denied the authorization request or it has been expired")
		// No answer.
		asked = p.ask("request_expiry", "60")
		link = p.link(b)
		p.pass(time.Minute)
		if a := b.get(link); a.StatusCode != 400 {
			t.Errorf("the link outlives the request: %d", a.StatusCode)
		}
		p.refused(p.poll(asked.ID), 400, "access_denied", "The end-user denied the authorization request or it has been expired")
	})
}

// What is to be approved beyond scopes stands on the page that asks for consent, and in the token; who declines it there has declined.
func TestApprovalOfDetails(t *testing.T) {
	newApprover(t, eachWorldWith, func(t *testing.T, p *approver) {
		p.create("resource-servers", map[string]any{"identifier": "https://bank.example/", "authorization_details": []map[string]string{{"type": "payment"}}})
		for _, decision := range []string{"accept", "decline"} {
			p.reset()
			asked := p.ask("audience", "https://bank.example/", "authorization_details", `[{"type":"payment","cents":9007199254740993,"to":"Songs Ltd"}]`)
			if asked.status != 200 {
				t.Fatalf("%+v", asked)
			}
			b := p.browser()
			shown := b.show(p.link(b))
			to := b.get(b.post(shown.action, shown.fill("decision", "accept")).Header.Get("Location"))
			consent := b.show(b.signIn(b.show(to.Header.Get("Location"))).Header.Get("Location"))
			if !strings.Contains(consent.body, "Payment") || !strings.Contains(consent.body, "cents: 9007199254740993") || !strings.Contains(consent.body, "to: Songs Ltd") {
				t.Fatalf("the page says %s", consent.body)
			}
			p.refused(p.poll(asked.ID), 400, "authorization_pending", "The end-user authorization is pending")
			b.get(b.post(consent.action, consent.fill("decision", decision)).Header.Get("Location"))
			got := p.poll(asked.ID)
			if decision == "decline" {
				p.refused(got, 400, "access_denied", "The end-user denied the authorization request or it has been expired")
				continue
			}
			details, _ := json.Marshal(claimsOf(t, got.Access)["authorization_details"])
			if !strings.Contains(string(details), `"to":"Songs Ltd"`) || !strings.Contains(string(details), `"type":"payment"`) {
				t.Errorf("%+v %s", got, details)
			}
		}
	})
}

// An approval may be for an organization: its members alone are asked, and the tokens are for it.
func TestApprovalForAnOrganization(t *testing.T) {
	newApprover(t, eachWorldWith, func(t *testing.T, p *approver) {
		var users []struct{ ID string }
		p.want(200, p.api("GET", "/connections?name="+connection, nil, &users))
		made := func(name string) string {
			return p.create("organizations", map[string]any{"name": name, "enabled_connections": []map[string]any{{"connection_id": users[0].ID}}})["id"].(string)
		}
		north, south := made("north"), made("south")
		p.want(204, p.api("POST", "/organizations/"+north+"/members", map[string]any{"members": []string{p.user}}, nil))
		p.want(200, p.api("PATCH", "/clients/"+p.site, map[string]any{"organization_usage": "require", "organization_require_behavior": "no_prompt"}, nil))

		asked := p.ask("organization", north)
		if asked.status != 200 {
			t.Fatalf("%+v", asked)
		}
		b := p.browser()
		shown := b.show(p.link(b))
		to := b.get(b.post(shown.action, shown.fill("decision", "accept")).Header.Get("Location"))
		if done := b.signIn(b.show(to.Header.Get("Location"))); done.Header.Get("Location") != "/u/approve/done" {
			t.Fatalf("%d %s %s", done.StatusCode, done.Header.Get("Location"), done.body)
		}
		got := p.poll(asked.ID)
		if got.status != 200 || claimsOf(t, got.Access)["org_id"] != north || claimsOf(t, got.ID)["org_id"] != north {
			t.Fatalf("%+v", got)
		}

		for organization, want := range map[string]cibaAnswer{
			"":                     {Error: "invalid_request", Text: "parameter organization is required for this client"},
			"org_0000000000000000": {Error: "invalid_request", Text: "parameter organization is invalid: org_0000000000000000"},
			south:                  {Error: "unknown_user_id", Text: "User ID is malformed or unknown"},
		} {
			if got := p.ask("organization", organization); got.status != 400 || got.Error != want.Error || got.Text != want.Text {
				t.Errorf("%q: %+v", organization, got)
			}
		}
		// Who leaves it before the answer is fetched gets no token of it.
		asked = p.ask("organization", north)
		shown = b.show(p.link(b))
		if done := b.get(b.post(shown.action, shown.fill("decision", "accept")).Header.Get("Location")); done.Header.Get("Location") != "/u/approve/done" {
			t.Fatalf("%d %s", done.StatusCode, done.Header.Get("Location"))
		}
		p.want(204, p.api("DELETE", "/organizations/"+north+"/members", map[string]any{"members": []string{p.user}}, nil))
		p.refused(p.poll(asked.ID), 403, "access_denied", "user "+p.user+" is not part of the "+north+" organization")
	})
}

// Attack: somebody else, who has the link and an account of their own, approves.
func TestApprovalBySomebodyElse(t *testing.T) {
	newApprover(t, eachWorldWith, func(t *testing.T, p *approver) {
		p.create("users", map[string]any{"connection": connection, "email": "eve@alpha.example", "password": "Engine-No.1 of Eve"})
		asked := p.ask()
		b := p.browser()
		shown := b.show(p.link(b))
		to := b.get(b.post(shown.action, shown.fill("decision", "accept")).Header.Get("Location"))
		page := b.show(to.Header.Get("Location"))
		a := b.post(page.action, page.fill("username", "eve@alpha.example", "password", "Engine-No.1 of Eve"))
		again := b.get(a.Header.Get("Location"))
		if !strings.HasPrefix(again.Header.Get("Location"), "/u/login") {
			t.Errorf("%d %s %s", again.StatusCode, again.Header.Get("Location"), again.body)
		}
		p.refused(p.poll(asked.ID), 400, "authorization_pending", "The end-user authorization is pending") // and the request waits on
		// Signed in as Eve already: the same.
		shown = b.show(p.link(b))
		to = b.get(b.post(shown.action, shown.fill("decision", "accept")).Header.Get("Location"))
		if !strings.HasPrefix(to.Header.Get("Location"), "/u/login") {
			t.Errorf("%d %s", to.StatusCode, to.Header.Get("Location"))
		}
		// A foreign page posts the form.
		if a := b.post(shown.action, shown.fill("decision", "accept"), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); a.StatusCode != 403 {
			t.Errorf("a foreign page: %d", a.StatusCode)
		}
		p.refused(p.poll(asked.ID), 400, "authorization_pending", "The end-user authorization is pending")
	})
}

func TestApprovalRefused(t *testing.T) {
	newApprover(t, func(t *testing.T, change func(*stagedoortest.Options), fn func(*testing.T, *world)) {
		fn(t, newWorld(t, "sqlite", change))
	}, func(t *testing.T, p *approver) {
		hint := func(format, iss, sub string) string {
			return fmt.Sprintf(`{"format":%q,"iss":%q,"sub":%q}`, format, iss, sub)
		}
		const unknown = "User ID is malformed or unknown"
		for _, c := range []struct {
			name, value string
			status      int
			code, text  string
		}{
			{"scope", "email", 400, "invalid_request", "openid scope must be requested"},
			{"binding_message", "", 400, "invalid_request", "Missing required parameter: binding_message"},
			{"binding_message", "Pay <b>now</b>", 400, "invalid_binding_message", "binding_message must be up to 64 letters, digits, spaces and + - _ . , : #"},
			{"binding_message", strings.Repeat("a", 65), 400, "invalid_binding_message", "binding_message must be up to 64 letters, digits, spaces and + - _ . , : #"},
			{"login_hint", "", 400, "invalid_request", "Missing required parameter: login_hint"},
			{"login_hint", p.mail, 400, "unknown_user_id", unknown},
			{"login_hint", hint("iss_sub", p.base+"/", "auth0|nobody"), 400, "unknown_user_id", unknown},
			{"login_hint", hint("iss_sub", "https://evil.example/", p.user), 400, "unknown_user_id", unknown},
			{"login_hint", hint("email", p.base+"/", p.user), 400, "unknown_user_id", unknown},
			{"requested_expiry", "0", 400, "invalid_request", "requested_expiry must be a number of seconds from 1 to 259200"},
			{"requested_expiry", "259201", 400, "invalid_request", "requested_expiry must be a number of seconds from 1 to 259200"},
			{"authorization_details", "[]", 400, "invalid_authorization_details", "Invalid authorization_details: there must be 1 to 10"},
			{"authorization_details", `[{"type":"payment"}]`, 400, "invalid_authorization_details", "Invalid authorization_details: the API does not know the type payment"},
			{"id_token_hint", "x", 400, "invalid_request", "login_hint is the only hint that is supported"},
			{"client_secret", "wrong", 401, "access_denied", "Unauthorized"},
			{"audience", "https://nowhere.example/", 403, "access_denied", "Service not found: https://nowhere.example/"},
		} {
			if got := p.ask(c.name, c.value); got.status != c.status || got.Error != c.code || got.Text != c.text {
				t.Errorf("%s=%s: %+v", c.name, c.value, got)
			}
		}
		if got := p.ask("client_id", p.spa, "client_secret", ""); got.status != 403 || got.Error != "unauthorized_client" {
			t.Errorf("a public client: %+v", got)
		}
		for _, path := range []string{"/u/approve", "/u/approve?ticket=", "/u/approve?ticket=nonsense", "/u/approve?ticket=a%00b"} {
			if a := p.browser().get(path); a.StatusCode != 400 {
				t.Errorf("%s: %d", path, a.StatusCode)
			}
		}
		asked := p.ask()
		p.refused(p.tokenCall("grant_type", "urn:openid:params:grant-type:ciba", "client_id", p.site, "client_secret", p.secret), 400, "invalid_request", "Missing required parameter: auth_req_id")
		// Another client's request is nothing to a client, and is not spoiled by it.
		other := p.create("clients", map[string]any{"name": "Other", "app_type": "regular_web", "grant_types": []string{"urn:openid:params:grant-type:ciba"}})
		p.refused(p.tokenCall("grant_type", "urn:openid:params:grant-type:ciba", "client_id", fmt.Sprint(other["client_id"]), "client_secret", fmt.Sprint(other["client_secret"]), "auth_req_id", asked.ID), 400, "invalid_grant", "Unknown or invalid auth_req_id.")
		p.refused(p.poll(asked.ID), 400, "authorization_pending", "The end-user authorization is pending")
		// Neither kind of request passes for the other one.
		p.want(200, p.api("PATCH", "/clients/"+p.site, map[string]any{"grant_types": []string{"urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"}}, nil))
		p.refused(p.tokenCall("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", p.site, "client_secret", p.secret, "device_code", asked.ID), 403, "invalid_grant", "Invalid or expired device code.")
		var device map[string]any
		p.w.JSON(t, "POST", p.base+"/oauth/device/code", "", map[string]string{"client_id": p.site, "client_secret": p.secret, "scope": "openid"}, &device)
		p.refused(p.pollNow(fmt.Sprint(device["device_code"])), 400, "invalid_grant", "Unknown or invalid auth_req_id.")
		// A client whose tokens are bound to a key proves that it has the key where it gets them (RFC 9449 section 5).
		p.want(200, p.api("PATCH", "/clients/"+p.site, map[string]any{"require_proof_of_possession": true}, nil))
		bound := p.ask()
		p.refused(p.poll(bound.ID), 400, "invalid_dpop_proof", "The client must prove the possession of a key, by DPoP or by its certificate.")
		if p.want(200, p.api("PATCH", "/clients/"+p.site, map[string]any{"require_proof_of_possession": false}, nil)); bound.status != 200 {
			t.Errorf("a client that binds its tokens: %+v", bound)
		}
		for range 20 {
			if got := p.ask(); got.status == 429 && got.Error == "too_many_requests" {
				return
			}
		}
		t.Error("one person can be asked without an end")
	})
}
