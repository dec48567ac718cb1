package stagedoortest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/geoip/geoiptest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

const berlin, newYork = "203.0.113.9", "2001:db8:1::5"

// eachRiskyWorld is eachWorld for servers that know places, and tenants that have a factor on.
func eachRiskyWorld(t *testing.T, fn func(*testing.T, *world)) {
	files := []string{geoiptest.Cities(t)}
	eachWorldWith(t, func(o *stagedoortest.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Configure = func(c *config.Config) { c.GeoIP = files }
	}, func(t *testing.T, w *world) {
		for _, h := range []*house{w.a, w.b} {
			h.want(200, h.api("PUT", "/guardian/factors/otp", map[string]any{"enabled": true}, nil))
			h.script(`const r = context.riskAssessment, a = r && r.assessments;
				context.idToken['https://x.example/said'] = r ? [r.confidence, r.version, a.UntrustedIP.code, a.NewDevice.code, a.ImpossibleTravel.code].join(' ') : 'nothing';
				callback(null, user, context);`)
		}
		fn(t, w)
	})
}

// script makes the house's one rule run body.
func (h *house) script(body string) {
	h.w.Helper()
	h.want(200, h.api("PATCH", "/rules/"+h.made["rules"], map[string]any{"script": "function (user, context, callback) {\n" + body + "\n}"}, nil))
}

func (h *house) adaptive() {
	h.w.Helper()
	h.want(200, h.api("PUT", "/guardian/policies", []string{"confidence-score"}, nil))
}

// from is a browser of its own somewhere.
func (h *house) from(ip, agent string) *browser {
	b := h.browser()
	b.from, b.agent = ip, agent
	return b
}

// risk signs in by password and returns what a rule sees of the risk; "asked" where the login waits for something.
func (b *browser) risk() string {
	b.h.w.Helper()
	return b.outcome(b.signIn(b.begin(b.h.request("prompt", "login"))))
}

func (b *browser) outcome(a *answer) string {
	b.h.w.Helper()
	if strings.HasPrefix(a.Header.Get("Location"), "/u/") {
		return "asked"
	}
	v := b.h.w.callback(a)
	if v.Get("code") == "" {
		return v.Get("error") + ": " + v.Get("error_description")
	}
	return fmt.Sprint(claimsOf(b.h.w, b.h.redeem(v.Get("code")).ID)["https://x.example/said"])
}

// silent asks for a login that may show nothing.
func (b *browser) silent() string {
	b.h.w.Helper()
	return b.outcome(b.get("/authorize?" + b.h.request("prompt", "none").Encode()))
}

// mailed is the code in the newest mail.
func (h *house) mailed() string {
	b := h.browser()
	mail := regexp.MustCompile(`/u/inbox/[A-Za-z0-9_]+`).FindString(b.get("/u/inbox").body)
	return regexp.MustCompile(`\b\d{6}\b`).FindString(b.get(mail).body)
}

func (h *house) forgets() {
	h.w.Helper()
	h.want(204, h.api("POST", "/users/"+url.PathEscape(h.user)+"/risk-assessments/clear", map[string]any{"connection": connection, "assessors": []string{"new-device"}}, nil))
}

// TestRisk: what a login's risk is, for rules and for the policy that asks where it is high.
func TestRisk(t *testing.T) {
	eachRiskyWorld(t, func(t *testing.T, w *world) {
		h := w.a
		expect := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		laptop, thief := h.from(berlin, "Firefox"), h.from(newYork, "Chrome")
		expect("without the policy", laptop.risk(), "nothing")
		h.forgets()
		if rows := w.rows("SELECT browser FROM known_browsers"); len(rows) > 0 {
			t.Errorf("without the policy %v is remembered", rows)
		}
		h.adaptive()
		expect("a session of which nothing is known", laptop.silent(), "login_required: Multifactor authentication required")
		h.want(200, h.api("PUT", "/guardian/policies", []string{}, nil))
		h.want(200, h.api("PATCH", "/risk-assessments/settings", map[string]any{"enabled": true}, nil))
		expect("a trained browser, at first", laptop.risk(), "low 1 not_found_on_deny_list no_device_history minimal_travel_from_last_login")
		h.adaptive()
		expect("what was let in before", laptop.silent(), "login_required: Multifactor authentication required")
		const known = "high 1 not_found_on_deny_list match minimal_travel_from_last_login"
		expect("a known browser", laptop.risk(), known)
		expect("its session", laptop.silent(), known)
		laptop.agent = "Firefox 2"
		expect("a newer browser", laptop.risk(), "medium 1 not_found_on_deny_list partial_match minimal_travel_from_last_login")

		h.want(200, h.api("PATCH", "/users/"+url.PathEscape(h.user), map[string]any{"email_verified": false}, nil))
		p := thief.show(thief.signIn(thief.begin(h.request())).Header.Get("Location"))
		if to := p.Header.Get("Location"); !strings.HasPrefix(to, "/u/mfa-email-challenge") {
			t.Fatalf("a stranger is sent to %q", to)
		}
		p = thief.show(p.Header.Get("Location"))
		expect("another request of the stranger's", thief.outcome(thief.get("/authorize?"+h.request().Encode())), "asked")
		expect("a silent one", thief.silent(), "login_required: Multifactor authentication required")
		if a := thief.post(p.action, p.fill("code", "000000")); a.StatusCode == http.StatusSeeOther {
			t.Error("a wrong code is taken")
		}
		expect("the stranger's second try", thief.risk(), "asked")
		p = thief.show(thief.show(thief.get("/authorize?" + h.request().Encode()).Header.Get("Location")).Header.Get("Location"))
		a := thief.post(p.action, p.fill("code", h.mailed()))
		if a.StatusCode != http.StatusSeeOther {
			t.Fatalf("the right code: %d %s", a.StatusCode, a.body)
		}
		const stranger = "low 1 not_found_on_deny_list no_match impossible_travel_from_last_login" // no login from there has come to its end
		expect("with the code", thief.outcome(thief.get(a.Header.Get("Location"))), stranger)
		expect("after it", thief.silent(), known)
		var methods []map[string]any
		h.want(200, h.api("GET", "/users/"+url.PathEscape(h.user)+"/authentication-methods", nil, &methods))
		if len(methods) > 1 { // the password
			t.Errorf("a code enrols %v", methods)
		}
		expect("the owner meanwhile", laptop.silent(), "low 1 not_found_on_deny_list match impossible_travel_from_last_login")
		expect("the owner, at once in Berlin", laptop.risk(), "asked")

		var logs []struct {
			Type    string
			Details struct {
				RiskAssessment struct{ Confidence string } `json:"riskAssessment"`
			}
		}
		h.want(200, h.api("GET", "/logs?per_page=50", nil, &logs))
		told := map[string]int{}
		for _, e := range logs {
			told[e.Type+" "+e.Details.RiskAssessment.Confidence]++
		}
		if told["s "] != 1 || told["s low"] != 2 || told["s high"] != 1 || told["s medium"] != 1 {
			t.Errorf("logs tell %v", told)
		}
		h.forgets()
		phone := h.from(berlin, "Firefox 2")
		expect("after all was forgotten", phone.risk(), "asked")
	})
}

// TestRiskOfAnotherPerson: the cookie of a browser makes nobody known but whom it was known for.
func TestRiskOfAnotherPerson(t *testing.T) {
	eachRiskyWorld(t, func(t *testing.T, w *world) {
		for _, h := range []*house{w.a, w.b} {
			h.adaptive()
		}
		ada := w.a.from(berlin, "Firefox")
		ada.risk() // the first login of hers
		if got := ada.risk(); !strings.Contains(got, " match ") {
			t.Fatalf("ada's browser: %s", got)
		}
		w.a.create("users", map[string]any{"connection": connection, "email": "eve@alpha.example", "password": w.a.pwd, "email_verified": true})
		ada.h.mail = "eve@alpha.example"
		eve := w.a.from(berlin, "Chrome")
		eve.risk()
		eve.cookies = map[string]string{"did": ada.cookies["did"]}
		eve.agent = "Firefox"
		if got := eve.risk(); got != "asked" {
			t.Errorf("eve in ada's browser: %s", got)
		}
		beta := w.b.from(berlin, "Chrome")
		beta.risk()
		beta.cookies, beta.agent = map[string]string{"did": ada.cookies["did"]}, "Firefox"
		if got := beta.risk(); got != "asked" {
			t.Errorf("the other tenant's ada in that browser: %s", got)
		}
	})
}

// TestRiskOfSecondTry: whoever gives a login up that looked like a journey has not arrived. They tell the browser's name, which is no secret.
func TestRiskOfSecondTry(t *testing.T) {
	eachRiskyWorld(t, func(t *testing.T, w *world) {
		h := w.a
		h.adaptive()
		laptop := h.from(berlin, "Firefox")
		laptop.risk() // the first login
		const known = "high 1 not_found_on_deny_list match minimal_travel_from_last_login"
		if got := laptop.risk(); got != known {
			t.Fatalf("a known browser: %s", got)
		}
		for i := range 3 {
			if got := h.from(newYork, "Firefox").risk(); got != "asked" {
				t.Errorf("try %d from far away: %s", i, got)
			}
		}
		if got := laptop.risk(); got != known {
			t.Errorf("the owner meanwhile: %s", got)
		}
		if got := h.from(newYork, "Firefox").risk(); got != "asked" {
			t.Errorf("from far away after the owner: %s", got)
		}
	})
}

// TestRiskAfterTokenExchange: a program that exchanges a token for somebody says nothing of where they are.
func TestRiskAfterTokenExchange(t *testing.T) {
	eachRiskyWorld(t, func(t *testing.T, w *world) {
		h := w.a
		h.adaptive()
		laptop := h.from(berlin, "Firefox")
		laptop.risk() // the first login
		action := h.create("actions/actions", map[string]any{
			"name": "Exchange", "supported_triggers": []map[string]any{{"id": "custom-token-exchange", "version": "v1"}},
			"code": `exports.onExecuteCustomTokenExchange = async (event, api) => { api.authentication.setUserById('` + h.user + `'); };`,
		})
		h.want(200, h.api("POST", "/actions/actions/"+action["id"].(string)+"/deploy", nil, nil))
		h.create("token-exchange-profiles", map[string]any{"name": "Legacy", "subject_token_type": "urn:acme:legacy", "action_id": action["id"], "type": "custom_authentication"})
		h.want(200, h.api("PATCH", "/clients/"+h.site, map[string]any{"token_exchange": map[string]any{"allow_any_profile_of_type": []string{"custom_authentication"}}}, nil))
		program := h.from(newYork, "App")
		for range 2 {
			a := program.post("/oauth/token", url.Values{
				"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "client_id": {h.site}, "client_secret": {h.secret}, "subject_token": {"x"}, "subject_token_type": {"urn:acme:legacy"},
			})
			if a.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
		}
		if got := laptop.risk(); got != "high 1 not_found_on_deny_list match minimal_travel_from_last_login" {
			t.Errorf("at home: %s", got)
		}
		if got := h.from(newYork, "Firefox").risk(); got != "asked" {
			t.Errorf("where the program is: %s", got)
		}
	})
}

// TestRiskOfAddress: an address from which many failed is not trusted, and what actions say goes before the policy.
func TestRiskOfAddress(t *testing.T) {
	eachRiskyWorld(t, func(t *testing.T, w *world) {
		h := w.a
		h.adaptive()
		b := h.from(berlin, "Firefox")
		b.risk()
		h.want(200, h.api("PATCH", "/attack-protection/suspicious-ip-throttling", map[string]any{"stage": map[string]any{"pre-login": map[string]any{"max_attempts": 6, "rate": 864000}}}, nil))
		for i := range 3 {
			p := b.begin(h.request("prompt", "login"))
			b.post(p.action, p.fill("username", fmt.Sprintf("u%d@alpha.example", i), "password", "Wrong-Pass-1"))
		}
		if got := b.risk(); got != "asked" {
			t.Errorf("an address that guesses: %s", got)
		}
		action := h.create("actions/actions", map[string]any{
			"name": "Risk", "supported_triggers": []map[string]any{{"id": "post-login", "version": "v3"}},
			"code": `exports.onExecutePostLogin = async (event, api) => {
				const r = event.authentication.riskAssessment;
				if (r && r.assessments.UntrustedIP.code === 'found_on_deny_list') api.access.deny('not from ' + r.assessments.UntrustedIP.details.ip + ': ' + r.confidence);
			};`,
		})
		h.want(200, h.api("POST", "/actions/actions/"+action["id"].(string)+"/deploy", nil, nil))
		bind := func(bindings ...map[string]any) {
			t.Helper()
			h.want(200, h.api("PATCH", "/actions/triggers/post-login/bindings", map[string]any{"bindings": append([]map[string]any{}, bindings...)}, nil))
		}
		bind(map[string]any{"ref": map[string]any{"type": "action_id", "value": action["id"]}, "display_name": "Risk"})
		if got := b.risk(); got != "access_denied: not from "+berlin+": low" {
			t.Errorf("an action that denies: %s", got)
		}
		bind()
		h.script(`context.multifactor = {provider: 'none'}; context.idToken['https://x.example/said'] = context.riskAssessment.confidence; callback(null, user, context);`)
		if got := b.risk(); got != "low" {
			t.Errorf("a rule that asks for nothing: %s", got)
		}
	})
}

// TestRiskAtTokenEndpoint: where no browser can be shown a page, who has no second factor is refused, and who has one is asked.
func TestRiskAtTokenEndpoint(t *testing.T) {
	eachRiskyWorld(t, func(t *testing.T, w *world) {
		h := w.a
		h.adaptive()
		h.want(200, h.api("PATCH", "/clients/"+h.site, map[string]any{"grant_types": []string{"http://auth0.com/oauth/grant-type/password-realm", "password"}}, nil))
		h.settings(map[string]any{"default_directory": connection})
		sign := func(ip string) tokens {
			t.Helper()
			form := url.Values{"grant_type": {"password"}, "client_id": {h.site}, "client_secret": {h.secret}, "username": {h.mail}, "password": {h.pwd}, "scope": {"openid"}}
			a := h.from(ip, "App").post("/oauth/token", form)
			var out tokens
			if err := json.Unmarshal([]byte(a.body), &out); err != nil {
				t.Fatal(err)
			}
			out.status = a.StatusCode
			return out
		}
		said := func(got tokens) string {
			if got.status != http.StatusOK {
				return got.Error
			}
			return fmt.Sprint(claimsOf(t, got.ID)["https://x.example/said"])
		}
		if got := said(sign(berlin)); got != "high 1 not_found_on_deny_list assessment_not_available initial_login" {
			t.Errorf("the first: %s", got)
		}
		if got := said(sign(newYork)); got != "access_denied" {
			t.Errorf("from far away: %s", got)
		}
		if got := said(sign(newYork)); got != "access_denied" {
			t.Errorf("from there once more: %s", got)
		}
		for _, asks := range []string{`context.multifactor = {provider: 'any'};`, `context.multifactor = {provider: 'google-authenticator'};`} {
			h.script(asks + ` callback(null, user, context);`)
			if got := sign(newYork); got.Error != "access_denied" {
				t.Errorf("from there, where a rule asks everybody: %s", got.Error)
			}
			if got := sign(berlin); got.Error != "mfa_required" {
				t.Errorf("where the person is, who may set one up: %s", got.Error)
			}
		}
		h.script(`const r = context.riskAssessment, a = r.assessments;
			context.idToken['https://x.example/said'] = [r.confidence, r.version, a.UntrustedIP.code, a.NewDevice.code, a.ImpossibleTravel.code].join(' '); callback(null, user, context);`)
		h.want(200, h.api("PUT", "/guardian/factors/email", map[string]any{"enabled": true}, nil))
		if got := said(sign(newYork)); got != "mfa_required" {
			t.Errorf("from far away, with a factor: %s", got)
		}
		if got := said(sign(berlin)); got != "high 1 not_found_on_deny_list assessment_not_available minimal_travel_from_last_login" {
			t.Errorf("where the person still is: %s", got)
		}
	})
}
