package stagedoortest_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// trap is an item of the checklist of traps (Authentication API fact sheet 12).
type trap struct {
	name  string
	held  []string // tests of other rooms that hold it, "room TestName": they run there; here it is seen to that they are there
	drive func(*testing.T, *house)
}

// TestTraps holds every item of the checklist: each is tried on a real server, or held by tests of other rooms that are named.
func TestTraps(t *testing.T) {
	if len(traps) != 18 {
		t.Fatalf("%d traps", len(traps))
	}
	h := newWorld(t, storetest.SQLite).a
	for _, trap := range traps {
		t.Run(trap.name, func(t *testing.T) {
			if len(trap.held) == 0 && trap.drive == nil {
				t.Error("nothing holds this item")
			}
			for _, test := range trap.held {
				room, name, _ := strings.Cut(test, " ")
				if !testExists(t, "internal/"+room, name) {
					t.Errorf("there is no %s in internal/%s", name, room)
				}
			}
			if trap.drive != nil {
				trap.drive(t, h)
			}
		})
	}
}

// testExists looks for a test in the sources of a directory.
func testExists(t *testing.T, directory, name string) bool {
	t.Helper()
	files, err := filepath.Glob("../" + directory + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^func ` + name + `\([tf] \*testing\.[TF]\) \{`)
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && declared.Match(text) {
			return true
		}
	}
	return false
}

var modes = []string{"query", "fragment", "form_post", "web_message"}

var traps = []trap{
	{"01 the issuer ends with a slash, everywhere", []string{"oauth TestDiscovery"}, func(t *testing.T, h *house) {
		var doc struct{ Issuer string }
		if err := json.Unmarshal([]byte(h.browser().get(discovery).body), &doc); err != nil || doc.Issuer != h.base+"/" {
			t.Errorf("issuer %q at %s", doc.Issuer, h.base)
		}
		_, got := h.session()
		for _, raw := range []string{got.ID, got.Access} {
			if iss := claimsOf(t, raw)["iss"]; iss != doc.Issuer {
				t.Errorf("iss %v", iss)
			}
		}
	}},
	{"02 silent errors come in the mode that was asked for; web messages are 200 and may be framed", []string{"oauth TestResponseModes"}, func(t *testing.T, h *house) {
		for _, mode := range modes {
			a := h.browser().get("/authorize?" + h.request("prompt", "none", "response_mode", mode, "state", "a+b/c=").Encode())
			switch mode {
			case "query", "fragment":
				if got := h.w.callback(a); got.Get("error") != "login_required" || got.Get("state") != "a+b/c=" {
					t.Errorf("%s: %v", mode, got)
				}
			default:
				state := `"state":"a+b/c="`
				if mode == "form_post" {
					state = `name="state" value="a&#43;b/c="`
				}
				if a.StatusCode != 200 || !strings.Contains(a.body, "login_required") || !strings.Contains(a.body, state) || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
					t.Errorf("%s: %d %s", mode, a.StatusCode, a.body)
				}
				if csp := a.Header.Get("Content-Security-Policy"); a.Header.Get("X-Frame-Options") != "" || strings.Contains(csp, "frame-ancestors") || a.Header.Get("Cross-Origin-Opener-Policy") != "" {
					t.Errorf("%s: %v", mode, a.Header)
				}
			}
		}
	}},
	{"03 the message goes to the origin of the callback, to the opener before the parent", []string{"oauth TestResponseModes"}, func(t *testing.T, h *house) {
		a := h.browser().get("/authorize?" + h.request("prompt", "none", "response_mode", "web_message").Encode())
		for _, part := range []string{`{type: "authorization_response", response: {`, "window.opener || window.parent", "postMessage(message, "} {
			if !strings.Contains(a.body, part) {
				t.Errorf("the page has no %s: %s", part, a.body)
			}
		}
		if strings.Contains(a.body, `"*"`) || !strings.Contains(strings.ReplaceAll(a.body, `\/`, "/"), `"https://app.example")`) {
			t.Errorf("the message goes elsewhere: %s", a.body)
		}
	}},
	{"04 a second factor is login_required with the text that SDKs know", []string{"login TestStepUp", "login TestConformance11RememberedBrowser"}, nil},
	{"05 an invalid client or callback ends on a page", []string{"oauth TestAuthorizeErrorPages"}, func(t *testing.T, h *house) {
		for _, v := range []url.Values{h.request("client_id", "nobody"), h.request("redirect_uri", "https://evil.example/"), h.request("redirect_uri", "https://evil.example/", "prompt", "none", "response_mode", "web_message")} {
			if a := h.browser().get("/authorize?" + v.Encode()); a.StatusCode/100 != 4 || a.Header.Get("Location") != "" || strings.Contains(a.body, "postMessage") {
				t.Errorf("%v: %d %q", v, a.StatusCode, a.Header.Get("Location"))
			}
		}
	}},
	{"06 403 invalid_grant, 401 access_denied", []string{"oauth TestCodeRefused", "oauth TestClientCredentialsRefused"}, func(t *testing.T, h *house) {
		if got := h.redeem("nobody"); got.status != 403 || got.Error != "invalid_grant" || got.Description != "Invalid authorization code" {
			t.Errorf("%+v", got)
		}
		if got := h.tokenCall("grant_type", "client_credentials", "client_id", h.site, "client_secret", "wrong", "audience", audience); got.status != 401 || got.Error != "access_denied" || got.Description != "Unauthorized" {
			t.Errorf("%+v", got)
		}
	}},
	{"07 unknown refresh tokens, new ones, an ID token without nonce with each", []string{"oauth TestRefresh", "oauth TestRefreshRotation"}, func(t *testing.T, h *house) {
		if got := h.refresh("nobody"); got.status != 403 || got.Error != "invalid_grant" || got.Description != "Unknown or invalid refresh token." {
			t.Errorf("%+v", got)
		}
		b := h.browser()
		first := h.redeem(b.login(h.request("nonce", "n1")).Get("code"))
		next := h.refresh(first.Refresh)
		if next.status != 200 || next.Refresh == "" || next.Refresh == first.Refresh || claimsOf(t, next.ID)["nonce"] != nil || claimsOf(t, first.ID)["nonce"] != "n1" {
			t.Errorf("%+v", next)
		}
	}},
	{"08 aud of access tokens is a list with openid, of ID tokens a text", []string{"oauth TestCodeFlow", "oauth TestCodeWithoutOpenID"}, func(t *testing.T, h *house) {
		_, got := h.session()
		if aud, is := claimsOf(t, got.Access)["aud"].([]any); !is || len(aud) != 2 || aud[0] != audience || aud[1] != h.base+"/userinfo" {
			t.Errorf("aud %v", aud)
		}
		if aud := claimsOf(t, got.ID)["aud"]; aud != h.spa {
			t.Errorf("aud %v", aud)
		}
	}},
	{"09 updated_at is a text, permissions ignore the scope asked for, RBAC comes after rules", []string{"oauth TestProfileScopes", "oauth TestPermissionsDecideScopes", "oauth TestConformance08Scope"}, func(t *testing.T, h *house) {
		_, got := h.session()
		at, _ := claimsOf(t, got.ID)["updated_at"].(string)
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", at); err != nil {
			t.Error(err)
		}
	}},
	{"10 restricted claims are dropped for conformant clients; old ones get what the scope names", []string{"oauth TestConformance07Claims", "oauth TestLegacyScopes", "oauth TestConformance06Legacy"}, nil},
	{"11 change_password answers text, signup an _id, errors have the other shape", []string{"login TestChangePassword", "login TestSignupByClient", "login TestSignupByClientRefused"}, func(t *testing.T, h *house) {
		call := func(path, more string) *answer {
			return h.w.send("POST", h.base+path, `{"client_id":"`+h.spa+`","connection":"`+connection+`"`+more+`}`, "Content-Type", "application/json")
		}
		a := call("/dbconnections/change_password", `,"email":"nobody@alpha.example"`)
		if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.body != "We've just sent you an email to reset your password." {
			t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
		}
		var made, refused map[string]any
		a = call("/dbconnections/signup", `,"email":"Trap@Alpha.example","password":"Trapped-11-once"`)
		if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.StatusCode != 200 || !regexp.MustCompile(`^[0-9a-f]{24}$`).MatchString(made["_id"].(string)) || made["email"] != "trap@alpha.example" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		a = call("/dbconnections/signup", `,"email":"trap@alpha.example","password":"Trapped-11-once"`)
		if err := json.Unmarshal([]byte(a.body), &refused); err != nil || a.StatusCode != 400 || refused["name"] == nil || refused["code"] != "invalid_signup" || refused["statusCode"] != 400.0 || refused["error"] != nil {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}},
	{"12 forms and JSON, unknown parameters, errors in JSON", []string{"oauth TestTokenBodies"}, func(t *testing.T, h *house) {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {h.site}, "client_secret": {h.secret}, "audience": {audience}, "nobody": {"knows"}}
		object := map[string]any{"nobody": map[string]any{"knows": 1}}
		for name := range form {
			if name != "nobody" {
				object[name] = form.Get(name)
			}
		}
		body, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		for kind, body := range map[string]string{"application/x-www-form-urlencoded": form.Encode(), "application/json": string(body)} {
			if a := h.w.send("POST", h.base+"/oauth/token", body, "Content-Type", kind); a.StatusCode != 200 {
				t.Errorf("%s: %d %s", kind, a.StatusCode, a.body)
			}
			for _, wrong := range []string{"", "{", "%zz", body + "x=%", strings.Repeat("a", 70000)} {
				a := h.w.send("POST", h.base+"/oauth/token", wrong, "Content-Type", kind)
				var problem struct{ Error string }
				if a.StatusCode/100 != 4 || json.Unmarshal([]byte(a.body), &problem) != nil || problem.Error == "" {
					t.Errorf("%s: %.30q: %d %s", kind, wrong, a.StatusCode, a.body)
				}
			}
		}
	}},
	{"13 a callback on localhost asks for consent", []string{"oauth TestConsentIsAsked"}, func(t *testing.T, h *house) {
		b, _ := h.session()
		a := b.get("/authorize?" + h.request("redirect_uri", "http://localhost:3000/cb", "prompt", "none").Encode())
		if to := a.Header.Get("Location"); !strings.HasPrefix(to, "http://localhost:3000/cb?") || queryParam(t, to, "error") != "consent_required" {
			t.Errorf("%d %q", a.StatusCode, to)
		}
	}},
	{"14 the session is there before rules, which run on silent requests and refreshes, not on exchanges", []string{"oauth TestRulesDoNotRunAtExchange", "oauth TestRuleRefuses", "oauth TestRefreshRefusedByRule"}, func(t *testing.T, h *house) {
		path := "/rules/" + h.made["rules"]
		refuse := func(on bool) {
			script := "function (user, context, callback) { callback(null, user, context); }"
			if on {
				script = "function (user, context, callback) { callback(new UnauthorizedError('closed')); }"
			}
			h.want(200, h.api("PATCH", path, map[string]any{"script": script}, nil))
		}
		other, tokens := h.session()
		code := h.w.callback(other.get("/authorize?" + h.request().Encode())).Get("code")
		refuse(true)
		defer refuse(false)
		if got := h.redeem(code); got.status != 200 {
			t.Errorf("the exchange of a code: %+v", got)
		}
		if got := h.w.callback(other.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("error") != "unauthorized" || got.Get("error_description") != "closed" {
			t.Errorf("a silent request: %v", got)
		}
		if got := h.refresh(tokens.Refresh); got.Error != "unauthorized" {
			t.Errorf("a refresh: %+v", got)
		}
		b := h.browser()
		if got := b.login(h.request()); got.Get("error") != "unauthorized" {
			t.Errorf("a login: %v", got)
		}
		refuse(false)
		if got := h.w.callback(b.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("code") == "" {
			t.Errorf("the session of a login that a rule refused: %v", got)
		}
	}},
	{"15 refresh tokens outlive a logout, unknown ones are revoked", []string{"oauth TestRevoke"}, func(t *testing.T, h *house) {
		b, got := h.session()
		b.get("/v2/logout?client_id=" + h.spa)
		if again := h.refresh(got.Refresh); again.status != 200 {
			t.Errorf("%+v", again)
		}
		if status := h.w.JSON(t, "POST", h.base+"/oauth/revoke", "", map[string]string{"client_id": h.spa, "token": "nobody"}, nil); status != 200 {
			t.Errorf("%d", status)
		}
	}},
	{"16 a preflight permits auth0-client", []string{"oauth TestPreflight", "login TestCrossOrigin"}, func(t *testing.T, h *house) {
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/userinfo", "/.well-known/jwks.json", "/dbconnections/signup", "/mfa/challenge"} {
			a := h.w.send("OPTIONS", h.base+path, "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "auth0-client,content-type")
			if a.StatusCode/100 != 2 || !strings.Contains(strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), "auth0-client") || a.Header.Get("Access-Control-Allow-Origin") == "" {
				t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
			}
		}
	}},
	{"17 addresses in any case; nobody learns which of the two was wrong", []string{"oauth TestWrongPassword", "login TestLogin"}, func(t *testing.T, h *house) {
		b := h.browser()
		p := b.begin(h.request())
		bodies := map[string]bool{}
		for _, mail := range []string{h.mail, "bob" + h.mail[3:]} {
			a := b.post(p.action, p.fill("username", mail, "password", "Wrong-Pass-99"))
			bodies[strings.ReplaceAll(a.body, mail, "MAIL")] = true
		}
		if len(bodies) != 1 {
			t.Error("the page tells a wrong password from an unknown address")
		}
		if a := b.post(p.action, p.fill("username", " "+strings.ToUpper(h.mail), "password", h.pwd)); a.StatusCode != 303 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}},
	{"18 returnTo does not mind a query, post_logout_redirect_uri does", []string{"oauth TestAllowedReturn", "oauth TestOIDCLogout"}, func(t *testing.T, h *house) {
		a := h.browser().get("/v2/logout?client_id=" + h.spa + "&returnTo=" + url.QueryEscape("https://app.example/out?x=1"))
		if a.StatusCode != 302 || a.Header.Get("Location") != "https://app.example/out?x=1" {
			t.Errorf("%d %q", a.StatusCode, a.Header.Get("Location"))
		}
		for to, status := range map[string]int{"https://app.example/out": 302, "https://app.example/out?x=1": 400} {
			if a := h.browser().get("/oidc/logout?client_id=" + h.spa + "&post_logout_redirect_uri=" + url.QueryEscape(to)); a.StatusCode != status {
				t.Errorf("%s: %d", to, a.StatusCode)
			}
		}
	}},
}
