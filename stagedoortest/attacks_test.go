package stagedoortest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// attack is one by its name, and what holds it off: tests, by directory and name, and what is tried here.
type attack struct {
	name  string
	held  []string
	drive func(*testing.T, *house)
}

// attacks are those that an authorization server must withstand (RFC 9700, RFC 6819, the fact sheet). Those on pages of logins, and on who is known, are
// the login room's.
var attacks = []attack{
	{"code injection", []string{"stagedoortest TestCodeAttacks", "internal/oauth TestPKCE", "internal/oauth TestDPoPCodeInjection"}, nil},
	{"code replay", []string{"stagedoortest TestCodeAttacks", "internal/oauth TestCodeReplay", "internal/oauth TestCodeRace"}, nil},
	{"PKCE downgrade", []string{"internal/oauth TestPKCE", "stagedoortest TestCodeAttacks"}, pkceDowngrade},
	{"mix-up", []string{"internal/oauth TestIssuerOfResponses", "stagedoortest TestTenantsAreApart"}, nil},
	{"open redirect", []string{"stagedoortest TestNoOpenRedirect", "internal/oauth TestAllowedURL", "internal/oauth TestAllowedReturn", "internal/oauth FuzzAllowedURL"}, nil},
	{"redirect URI tricks", []string{"internal/oauth TestAuthorizeErrorPages", "internal/oauth TestAttackRedirectRace"}, redirectTricks},
	{"session fixation", []string{"stagedoortest TestNoLoginIsTakenOver"}, sessionFixation},
	{"login CSRF", []string{"stagedoortest TestFormsOfOtherSitesAreRefused", "internal/login TestFormsOfOtherSites"}, nil},
	{"clickjacking", []string{"stagedoortest TestScriptsInEveryField"}, clickjacking},
	{"host header poisoning", []string{"stagedoortest TestHostGames", "stagedoortest TestStrangersAreNoProxy"}, hostPoisoning},
	{"cache poisoning", nil, cachePoisoning},
	{"timing of secrets", []string{"stagedoortest TestNobodyIsEnumerated", "stagedoortest TestSecretsAreComparedInConstantTime"}, nil},
	{"JWT confusion", []string{"stagedoortest TestForgedTokens", "internal/oauth TestAttackJWTConfusion", "internal/oauth TestRequestObjectKeyConfusion", "internal/jose TestParseRefuses"}, nil},
	{"refresh race", []string{"stagedoortest TestRaces", "internal/oauth TestRefreshRace"}, nil},
	{"token substitution", []string{"internal/oauth TestAttackTokenSubstitution", "stagedoortest TestTenantsAreApart"}, nil},
	{"response mode tricks", []string{"internal/oauth TestAttackResponseMode", "stagedoortest TestResponsePages"}, nil},
	{"parameter pollution", []string{"internal/oauth TestAttackParameterPollution", "internal/oauth TestTokenBodies"}, nil},
	{"CRLF injection", []string{"stagedoortest TestResponsePages"}, crlf},
	{"oversize", []string{"stagedoortest TestOversizeAndSlow", "internal/login TestFormsAreBounded", "internal/oauth TestLogIsBounded"}, oversize},
	{"flooding", []string{
		"stagedoortest TestStrangersDoNotFillTheLog", "internal/store TestFailuresInTheLogAreBounded", "internal/oauth TestWhatStrangersBeginIsBounded", "internal/oauth TestLoginsThatBeginAreBounded",
		"internal/login TestWaysToProvidersAreBounded", "internal/saml TestRequestsWithoutEnd", "internal/login TestLooksAtIdentifiersAreBounded", "internal/guard TestOneNetworkOneLimit",
	}, nil},
	{"CORS reflection", []string{"internal/mgmt TestCrossOrigin", "internal/login TestCrossOrigin"}, corsReflection},
}

// TestAttacks tries every attack, and sees that the tests which hold it off are there.
func TestAttacks(t *testing.T) {
	h := newWorld(t, storetest.SQLite).a
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			if len(attack.held) == 0 && attack.drive == nil {
				t.Error("nothing holds it off")
			}
			for _, test := range attack.held {
				directory, name, _ := strings.Cut(test, " ")
				if !testExists(t, directory, name) {
					t.Errorf("there is no %s in %s", name, directory)
				}
			}
			if attack.drive != nil {
				attack.drive(t, h)
			}
		})
	}
}

func pkceDowngrade(t *testing.T, h *house) {
	b, _ := h.session()
	// The challenge is taken away, or made one that an attacker knows the verifier of.
	for _, v := range []url.Values{h.request("code_challenge", ""), h.request("code_challenge_method", ""), h.request("code_challenge_method", "plain")} {
		got := h.w.callback(b.get("/authorize?" + v.Encode()))
		if got.Get("code") == "" {
			continue
		}
		if tokens := h.redeem(got.Get("code")); tokens.Access != "" {
			t.Errorf("%v: the client's verifier was taken", v)
		}
	}
}

// redirectTricks sends hundreds of addresses that look like a registered one; nothing but the page of an error answers.
func redirectTricks(t *testing.T, h *house) {
	tried := 0
	refused := func(to string) {
		t.Helper()
		tried++
		a := h.browser().get("/authorize?" + h.request("redirect_uri", to).Encode())
		if a.StatusCode/100 != 4 || a.Header.Get("Location") != "" {
			t.Errorf("%q: %d %q", to, a.StatusCode, a.Header.Get("Location"))
		}
	}
	const scheme, host, path = "https://", "app.example", "/cb"
	for at := range len(path) { // every character in another spelling
		refused(scheme + host + path[:at] + fmt.Sprintf("%%%02x", path[at]) + path[at+1:])
		refused(scheme + host + path[:at] + fmt.Sprintf("%%25%02x", path[at]) + path[at+1:])
	}
	for at := range len(host) {
		refused(scheme + host[:at] + fmt.Sprintf("%%%02x", host[at]) + host[at+1:] + path)
		refused(scheme + host[:at] + string(rune(host[at])+0xfee0) + host[at+1:] + path) // full width
	}
	for _, between := range []string{"\t", "\n", "\r", "\r\n", " ", "\x00", "\\", "\u00ad", "\u200b", "\u2060", "\ufeff", "\u202e", "%00", "%09", "%0a", "%0d%0a", "%20", "%2e", "%2f", "%5c", ";", "//", "/./", "/../", "/..;/", "/%2e%2e/", "*", "{}", "<>", "'", "`", "|", "^"} {
		refused(between + scheme + host + path)
		refused(scheme + host + path + between)
		refused(scheme + host + between + path)
		refused(scheme + between + host + path)
		refused(scheme + host + "/x" + between + path)
		refused(scheme + host + path + "/" + between + "x")
	}
	for _, before := range []string{"evil.example", "app.example", "user", "user:pw", "", ":", "app.example:443", "evil.example%40", "evil.example#", "evil.example?", "evil.example/", "evil.example\\", "evil.example;", "app.example%00", "[::1]", "127.0.0.1", "evil.example%2f", "evil.example%23", "evil.example%3f"} {
		refused(scheme + before + "@" + host + path)
		if before != "" && before != ":" {
			refused(scheme + before + "." + host + path)
			refused(scheme + host + "." + before + path)
			refused(scheme + host + "@" + before + path)
			refused(scheme + host + "#@" + before + path)
			refused(scheme + host + ":443@" + before + path)
		}
	}
	for _, port := range []string{":", ":0", ":80", ":443", ":0443", ":444", ":65536", ":-1", ":443:443", ":https", ":%34%34%33"} {
		refused(scheme + host + port + path)
	}
	for _, other := range []string{"http", "https:/", "https:///", "https:////", "htt\tps", "//", "\\\\", "/\\", "javascript", "javascript:alert(1)//https", "data:text/html,", "vbscript", "blob:https", "filesystem:https", "view-source:https", "about", "file", "ftp", "ws", "wss", "intent", "myapp", "https+x", "https\u2044", "https%3a"} {
		refused(strings.TrimSuffix(other, ":") + "://" + host + path)
		refused(other + host + path)
	}
	for _, after := range []string{"/", "/.", "/..", "/x", "x", ".", "?", "?x", "?x=1", "?next=https://evil.example", "#", "#x", "#?", "?#", "&x=1", "%3f", "%23", "/cb", ".evil.example", ":80", "?redirect_uri=https://evil.example/", "/../../evil"} {
		refused(scheme + host + path + after)
	}
	for _, to := range []string{
		"https://APP.example/CB", "https://app.example/Cb", "https://xn--pp-hka.example/cb", "https://аpp.example/cb", "https://app.exаmple/cb", "https://app。example/cb", "https://app．example/cb", "https://app｡example/cb", "https://app.example。/cb", "https://ⓐpp.example/cb",
		"https://app.example%E3%80%82evil.example/cb", "https://app-example/cb", "https://appexample/cb", "https://x.app.example/cb", "https://app.example.evil.example/cb", "https://evil.example/https://app.example/cb", "https://evil.example?u=https://app.example/cb", "https://*.example/cb", "https://*/cb", "*", "https://app.example/*", "https://[::ffff:app.example]/cb", "https://app.example\uff0fcb",
		"/cb", "cb", "app.example/cb", "?", "#", "about:blank", "null", "undefined", "urn:ietf:wg:oauth:2.0:oob", "https://localhost:3000/cb", "http://localhost:3000/cb/", "http://localhost:3001/cb", "http://localhost/cb", "http://127.0.0.1:3000/cb", "http://[::1]:3000/cb", "http://localhost.evil.example:3000/cb", "http://localhost:3000@evil.example/cb", strings.Repeat("a", 4000), "https://app.example/" + strings.Repeat("a/", 2000),
	} {
		refused(to)
	}
	// Two of a name, in each order, and one in the query with one in the form.
	for _, query := range []string{"redirect_uri=" + url.QueryEscape(callback) + "&redirect_uri=https://evil.example/", "redirect_uri=https://evil.example/&redirect_uri=" + url.QueryEscape(callback), "redirect_uri=&redirect_uri=https://evil.example/"} {
		v := h.request("redirect_uri", "")
		if a := h.browser().get("/authorize?" + v.Encode() + "&" + query); a.StatusCode/100 != 4 || a.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q", query, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := h.browser().post("/authorize?redirect_uri=https://evil.example/", h.request()); a.StatusCode/100 != 4 || a.Header.Get("Location") != "" {
		t.Errorf("query and form: %d %q", a.StatusCode, a.Header.Get("Location"))
	}
	if tried < 400 {
		t.Errorf("%d addresses were tried", tried)
	}
}

func sessionFixation(t *testing.T, h *house) {
	// Every way to prove oneself gives another handle than the browser came with, also one that a stranger's session had.
	stranger := h.browser()
	stranger.login(h.request())
	for _, planted := range []string{"x", strings.Repeat("a", 43), stranger.cookies["auth0"]} {
		b := h.browser()
		b.cookies["auth0"] = planted
		p := b.begin(h.request("prompt", "login"))
		b.signIn(p)
		if b.cookies["auth0"] == planted {
			t.Errorf("the planted handle %.10q opens the session", planted)
		}
	}
	if got := h.w.callback(stranger.get("/authorize?" + h.request("prompt", "none").Encode())); got.Get("error") != "login_required" && got.Get("code") == "" {
		t.Errorf("%v", got)
	}
}

// clickjacking walks over all pages: none may be framed but the two that answer a client.
func clickjacking(t *testing.T, h *house) {
	b, _ := h.session()
	p := b.begin(h.request("prompt", "login"))
	pages := 0
	for _, route := range h.w.Routes() {
		if route.Method != "GET" || strings.HasPrefix(route.Pattern, "/api/v2/") {
			continue
		}
		for _, query := range []string{"", "?state=" + p.state, "?client_id=nobody", "?ticket=x"} {
			a := b.get(h.path(route.Pattern, "x")+query, "Accept", "text/html")
			if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.StatusCode/100 == 3 {
				continue
			}
			pages++
			csp := a.Header.Get("Content-Security-Policy")
			if frame := a.Header.Get("X-Frame-Options"); frame != "DENY" && frame != "SAMEORIGIN" || !strings.Contains(csp, "frame-ancestors 'none'") && !strings.Contains(csp, "frame-ancestors 'self'") {
				t.Errorf("%s%s can be framed: %q %q", route.Pattern, query, frame, csp)
			}
		}
	}
	if pages < 10 {
		t.Errorf("%d pages were seen", pages)
	}
}

// hostPoisoning: a link in a mail, a redirect and a document name the domain that was asked, and no other one can be asked.
func hostPoisoning(t *testing.T, h *house) {
	for _, headers := range [][]string{
		{"X-Forwarded-Host", "evil.example"},
		{"X-Host", "evil.example"},
		{"Forwarded", "host=evil.example"},
		{"X-Forwarded-Server", "evil.example"},
		{"X-Original-Host", "evil.example"},
		{"X-HTTP-Host-Override", "evil.example"},
		{"X-Original-URL", "/evil"},
		{"X-Rewrite-URL", "/evil"},
		{"X-Forwarded-Prefix", "/evil"},
		{"X-Forwarded-Proto", "https"},
		{"Auth0-Custom-Domain", "evil.example"},
		{"X-Forwarded-Port", "444"},
	} {
		for _, target := range []string{discovery, "/authorize?" + h.request().Encode(), "/u/forgot", "/v2/logout?client_id=" + h.spa} {
			a := h.browser().get(target, headers...)
			if strings.Contains(a.body, "evil") || strings.Contains(a.Header.Get("Location"), "evil") {
				t.Errorf("%v at %.40s: %q %.200s", headers, target, a.Header.Get("Location"), a.body)
			}
		}
		h.browser().post("/u/forgot", url.Values{"email": {h.mail}}, headers...)
		link := ""
		for n := range elements(h.browser().get("/u/inbox").body) {
			if to := attr(n, "href"); link == "" && strings.HasPrefix(to, "/u/inbox/") {
				link = to
			}
		}
		if mail := h.browser().get(link).body; strings.Contains(mail, "evil.example") || !strings.Contains(mail, h.host) {
			t.Errorf("%v: the mail leads elsewhere", headers)
		}
	}
	for _, host := range []string{"evil.example", h.host + ".evil.example", "evil.example:80", "evil.example\\" + h.host, "[evil]"} {
		status, header, body := h.w.raw("GET /u/forgot HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		if status == http.StatusOK || strings.Contains(body, "password") || header.Get("Location") != "" && header.Get("Cache-Control") != "no-store" {
			t.Errorf("Host %q: %d %v", host, status, header)
		}
	}
}

// cacheable are the routes whose answers are everybody's.
var cacheable = []string{"/.well-known/", "/ui/", "/dashboard", "/api/v2/openapi.json", "/docs", "/{$}", "/healthz", "/readyz", "/pem", "/rawpem", "/cer", "/pb7", "/fingerprint", "/samlp/metadata/", "/wsfed/FederationMetadata/"}

// cachePoisoning: nothing that is somebody's may be kept by a cache, and what may be kept does not depend on headers that no cache knows.
func cachePoisoning(t *testing.T, h *house) {
	b, got := h.session()
	for _, route := range h.w.Routes() {
		common := slices.ContainsFunc(cacheable, func(p string) bool { return strings.HasPrefix(route.Pattern, p) })
		target := h.base + h.path(route.Pattern, "x")
		headers := []string{"Cookie", b.cookie(), "Accept", "text/html,application/json"}
		if strings.HasPrefix(route.Pattern, "/api/v2/") {
			if route.Method != "GET" {
				continue
			}
			headers = append(headers, "Authorization", "Bearer "+h.token)
		} else {
			headers = append(headers, "Authorization", "Bearer "+got.Access)
		}
		if route.Method == "OPTIONS" { // which no cache keeps
			continue
		}
		if strings.Contains(route.Pattern, "logout") {
			continue // would end the session that the others need
		}
		a := h.w.send(route.Method, target, "", headers...)
		control := a.Header.Get("Cache-Control")
		if !common && !strings.Contains(control, "no-store") && a.StatusCode/100 != 4 && a.StatusCode/100 != 5 {
			t.Errorf("%s %s: %d may be kept: %q", route.Method, route.Pattern, a.StatusCode, control)
		}
		if common && (len(a.Cookies()) > 0 || strings.Contains(a.body, h.mail)) {
			t.Errorf("%s %s is everybody's and somebody's", route.Method, route.Pattern)
		}
		if origin := a.Header.Get("Access-Control-Allow-Origin"); origin != "" && origin != "*" && !strings.Contains(strings.Join(a.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s %s depends on Origin and does not say so", route.Method, route.Pattern)
		}
	}
	plain := h.browser().get(discovery)
	for _, headers := range [][]string{{"X-Forwarded-Host", "evil.example"}, {"Origin", "https://evil.example"}, {"Accept-Language", "de"}, {"Cookie", "auth0=x"}, {"X-Forwarded-Proto", "https"}} {
		if a := h.browser().get(discovery, headers...); a.body != plain.body || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%v changes what is kept", headers)
		}
	}
	for _, path := range []string{discovery + "/x.css", discovery + ";.js", "/userinfo/x.css", "/userinfo%2fx.css", "/userinfo;x.css", "/authorize/x.css", "/u/login/x.css"} { // cache deception
		if a := b.get(path, "Authorization", "Bearer "+got.Access); a.StatusCode == 200 {
			t.Errorf("%s: 200 %.100s", path, a.body)
		}
	}
}

// crlf puts line breaks into everything that may end in a header.
func crlf(t *testing.T, h *house) {
	b, got := h.session()
	names := []string{
		"client_id", "response_type", "response_mode", "redirect_uri", "scope", "audience", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "connection", "organization", "invitation", "login_hint", "id_token_hint", "ui_locales",
		"acr_values", "screen_hint", "returnTo", "post_logout_redirect_uri", "logout_hint", "federated", "ticket", "grant_type", "code", "refresh_token", "token", "client_secret", "username", "password", "realm", "email", "user_code", "device_code", "request", "request_uri", "ext-x",
	}
	evils := []string{"a\r\nSet-Cookie: evil=1", "a\nSet-Cookie: evil=1", "a\rSet-Cookie: evil=1", "a\u560d\u560aSet-Cookie: evil=1", "a\r\n\r\n<script>evil()</script>"}
	if testing.Short() {
		evils = evils[:1]
	}
	for _, evil := range evils {
		for _, name := range names {
			v := h.request("prompt", "none")
			v.Set(name, evil)
			form := v.Encode()
			for target, a := range map[string]*answer{
				"/authorize": b.get("/authorize?" + form), "/authorize by POST": b.post("/authorize", v), "/oauth/token": b.post("/oauth/token", v), "/oauth/revoke": b.post("/oauth/revoke", v), "/oauth/device/code": b.post("/oauth/device/code", v), "/oauth/par": b.post("/oauth/par", v),
				"/v2/logout": h.browser().get("/v2/logout?" + form), "/oidc/logout": h.browser().get("/oidc/logout?" + form + "&id_token_hint=" + got.ID), "/u/login": h.browser().get("/u/login?" + form), "/continue": h.browser().get("/continue?" + form), "/activate": h.browser().get("/activate?" + form),
				"Basic": h.w.send("POST", h.base+"/oauth/token", "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded", "Authorization", "Basic "+url.QueryEscape(evil)),
			} {
				for header, values := range a.Header {
					for _, value := range values {
						if strings.ContainsAny(value, "\r\n") || header == "Set-Cookie" && strings.HasPrefix(value, "evil") {
							t.Errorf("%s, %s: %s: %q", target, name, header, value)
						}
					}
				}
				if a.StatusCode >= 500 && a.StatusCode != http.StatusNotImplemented {
					t.Errorf("%s, %s: %d", target, name, a.StatusCode)
				}
			}
		}
	}
}

// oversize makes everything too long, one after the other.
func oversize(t *testing.T, h *house) {
	b, got := h.session()
	for _, size := range []int{5000, 20000, 60000} {
		long := strings.Repeat("a", size)
		for name := range h.request("nonce", "", "login_hint", "", "ui_locales", "", "connection", "", "organization", "", "acr_values", "", "id_token_hint", "", "max_age", "", "prompt", "", "ext-x", "") {
			a := b.get("/authorize?" + h.request(name, long, "prompt", "none").Encode())
			wellFormed(t, fmt.Sprintf("%s of %d", name, size), a)
			if to := a.Header.Get("Location"); len(to) > 100<<10 {
				t.Errorf("%s: an address of %d bytes", name, len(to))
			}
		}
		for _, name := range []string{"client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "audience", "grant_type", "username", "mfa_token"} {
			v := url.Values{"grant_type": {"refresh_token"}, "client_id": {h.spa}, "refresh_token": {got.Refresh}, name: {long}}
			if a := b.post("/oauth/token", v); a.StatusCode/100 != 4 && !slices.Contains([]string{"code", "redirect_uri", "code_verifier", "username", "mfa_token", "audience", "scope"}, name) || a.StatusCode >= 500 {
				t.Errorf("%s of %d: %d %.200s", name, size, a.StatusCode, a.body)
			}
		}
		for _, cookie := range []string{"auth0=" + long, "did=" + long, "auth0-mf=" + long, strings.Repeat("x=y; ", size/5)} {
			a := h.w.send("GET", h.base+"/authorize?"+h.request().Encode(), "", "Cookie", cookie)
			wellFormed(t, "a cookie", a)
		}
		for _, header := range []string{"Authorization", "User-Agent", "Accept-Language", "Origin", "Auth0-Client", "Auth0-Forwarded-For", "DPoP", "X-Request-Id", "Referer"} {
			a := h.w.send("POST", h.base+"/oauth/token", "grant_type=x&client_id="+h.spa, header, long, "Content-Type", "application/x-www-form-urlencoded")
			wellFormed(t, header, a)
			if strings.Contains(strings.Join(a.Header.Values("X-Request-Id"), ""), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") {
				t.Errorf("%s is echoed", header)
			}
		}
	}
}

// corsReflection: no origin that nobody registered is lent anything, on any route.
func corsReflection(t *testing.T, h *house) {
	b, _ := h.session()
	origins := []string{"https://evil.example", "null", "https://app.example.evil.example", "https://evilapp.example", "http://app.example", "https://app.example:444", "https://APP.example.", "file://", "chrome-extension://x", h.base + ".evil.example", "https://app.example\r\nX: y", "*", "https://app.example, https://evil.example", ""}
	for _, route := range h.w.routes() {
		for _, origin := range origins {
			if strings.ContainsAny(origin, "\r\n") || strings.Contains(route.Pattern, "logout") {
				continue
			}
			for _, method := range []string{"OPTIONS", route.Method} {
				if method != "OPTIONS" && (method != "GET" || strings.HasPrefix(route.Pattern, "/api/v2/")) {
					continue
				}
				a := h.w.send(method, h.base+h.path(route.Pattern, "x"), "", "Origin", origin, "Access-Control-Request-Method", route.Method, "Access-Control-Request-Headers", "authorization", "Cookie", b.cookie())
				allowed, lends := a.Header.Get("Access-Control-Allow-Origin"), a.Header.Get("Access-Control-Allow-Credentials")
				if lends != "" || allowed != "" && allowed != "*" {
					t.Errorf("%s %s with %q: allowed %q, credentials %q", method, route.Pattern, origin, allowed, lends)
				}
			}
		}
	}
}
