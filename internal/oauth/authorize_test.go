package oauth

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

func newRequest(method, target, body string) *http.Request {
	return httptest.NewRequest(method, target, strings.NewReader(body))
}

// Until client and callback are certain, nothing leads away from the error page.
func TestAuthorizeErrorPages(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const mismatch = "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs."
		for name, c := range map[string]struct {
			v      url.Values
			status int
			text   string
		}{
			"no client":          {request(spa, "client_id", "-"), 400, "Missing required parameter: client_id"},
			"empty client":       {request(spa, "client_id", ""), 400, "Missing required parameter: client_id"},
			"unknown client":     {request(spa, "client_id", "nobody"), 400, "Unknown client: nobody"},
			"hostile client":     {request(spa, "client_id", "<script>alert(1)</script>"), 400, "Unknown client: <script>alert(1)</script>"},
			"NUL in client":      {request(spa, "client_id", "a\x00b"), 400, "cannot be read"},
			"not UTF-8":          {request(spa, "client_id", "a\xff"), 400, "cannot be read"},
			"NUL in state":       {request(spa, "state", "a\x00b"), 400, "cannot be read"},
			"NUL in extra":       {request(spa, "ext-x", "a\x00b"), 400, "cannot be read"},
			"mismatch":           {request(spa, "redirect_uri", "https://evil.test/"), 403, mismatch},
			"script callback":    {request(spa, "redirect_uri", "javascript:alert(1)"), 403, mismatch},
			"mismatch, silent":   {request(spa, "redirect_uri", "https://evil.test/", "prompt", "none", "response_mode", "web_message"), 403, mismatch},
			"message, no origin": {request(spa, "redirect_uri", "myapp://cb", "response_mode", "web_message", "prompt", "none"), 403, "The origin of the redirect_uri is not in the list of allowed web origins."},
		} {
			a := w.browser().authorize(c.v)
			if a.Code != c.status || !strings.Contains(a.Body.String(), "DOCTYPE html") && !strings.Contains(a.Body.String(), "doctype html") {
				t.Errorf("%s: %d %.200s", name, a.Code, a.Body)
			}
			a.page(c.status, c.text)
			if strings.Contains(a.Body.String(), "<script>alert") {
				t.Errorf("%s: the page runs what the request says", name)
			}
			w.wantLog("f")
		}
		a := w.browser().get("/authorize?" + request(spa).Encode() + "&client_id=web")
		a.page(400, "Duplicate parameter: client_id")
		w.browser().get("/authorize?"+request(spa).Encode()+"&state=2").page(400, "Duplicate parameter: state")
		w.browser().get("/authorize?client_id=spa&x=%zz").page(400, "cannot be read")
		w.browser().get("/authorize?client_id=spa&x="+strings.Repeat("x", 70<<10)).page(400, "too long")
	})
}

// The first registered callback is the default, but a pattern is no place to go to.
func TestAuthorizeWithoutRedirect(t *testing.T) {
	w := newWorld(t)
	_, where, _ := w.browser().authorize(request(spa, "redirect_uri", "-", "prompt", "none")).response()
	same(t, "where", where, callback)
	w.client(spa, func(c *stagedoor.Client) { c.Callbacks = []string{"https://*.app.test/cb", callback} })
	_, where, _ = w.browser().authorize(request(spa, "redirect_uri", "-", "prompt", "none")).response()
	same(t, "where", where, callback)
	mode, _, _ := w.browser().authorize(request(spa, "redirect_uri", "https://pr-1.app.test/cb", "prompt", "none", "response_mode", "web_message")).response()
	same(t, "the origin of a pattern's place", mode, "web_message")
	w.client(spa, func(c *stagedoor.Client) { c.Callbacks = nil })
	w.browser().authorize(request(spa, "redirect_uri", "-")).page(403, "Callback URL mismatch")
	w.client(spa, func(c *stagedoor.Client) { c.Callbacks = []string{callback} })

	b := w.browser()
	code := b.login(request(site, "redirect_uri", "-")).got().Get("code")
	w.redeem(site, code, "redirect_uri", "-").good()
}

// Every failure after that goes to the callback, in the mode that was asked for, with the state.
func TestAuthorizeErrors(t *testing.T) {
	w := newWorld(t)
	w.client(machine, func(c *stagedoor.Client) { c.Callbacks = []string{callback} })
	ok(t, w.st.CreateClient(t.Context(), &stagedoor.Client{ID: "lonely", Name: "Lonely", IsFirstParty: true, OIDCConformant: true, Callbacks: []string{callback}, GrantTypes: []string{"authorization_code"}, Secret: "s"}))
	ok(t, w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "Closed", Strategy: "auth0"}))
	for name, c := range map[string]struct {
		v                  url.Values
		code, text, events string
	}{
		"no session":             {request(spa, "prompt", "none"), "login_required", "Login required", "fsa"},
		"unknown audience":       {request(spa, "audience", "https://nowhere.test/"), "access_denied", "Service not found: https://nowhere.test/", "f"},
		"silent, unknown":        {request(spa, "audience", "https://nowhere.test/", "prompt", "none"), "access_denied", "Service not found: https://nowhere.test/", "fsa"},
		"grant not allowed":      {request(machine), "unauthorized_client", "Grant type 'authorization_code' not allowed for the client.", "f"},
		"implicit not allowed":   {request(machine, "response_type", "token"), "unauthorized_client", "Grant type 'implicit' not allowed for the client.", "f"},
		"a tab in it":            {request(spa, "response_type", "code\tcode"), "unsupported_response_type", "Unsupported response type: code\tcode", "f"},
		"response type":          {request(spa, "response_type", "code magic"), "unsupported_response_type", "Unsupported response type: code magic", "f"},
		"no response type":       {request(spa, "response_type", "-"), "invalid_request", "Missing required parameter: response_type", "f"},
		"no nonce":               {request(spa, "response_type", "id_token"), "invalid_request", "Missing required parameter: nonce", "f"},
		"hybrid without nonce":   {request(spa, "response_type", "code id_token"), "invalid_request", "Missing required parameter: nonce", "f"},
		"tokens in the query":    {request(spa, "response_type", "token", "response_mode", "query"), "invalid_request", "Unsupported response mode: query", "f"},
		"unknown mode":           {request(spa, "response_mode", "carrier_pigeon"), "invalid_request", "Unsupported response mode: carrier_pigeon", "f"},
		"public without PKCE":    {request(spa, "code_challenge", "-", "code_challenge_method", "-"), "invalid_request", "Missing required parameter: code_challenge", "f"},
		"method alone":           {request(site, "code_challenge_method", "S256"), "invalid_request", "Missing required parameter: code_challenge", "f"},
		"short challenge":        {request(spa, "code_challenge", "abc"), "invalid_request", "code_challenge must be 43 to 128 unreserved characters", "f"},
		"odd challenge":          {request(spa, "code_challenge", challenge+"+"), "invalid_request", "code_challenge must be 43 to 128 unreserved characters", "f"},
		"method":                 {request(spa, "code_challenge_method", "S512"), "invalid_request", "Unsupported code_challenge_method: S512", "f"},
		"request object":         {request(spa, "request", "x"), "request_not_supported", "The client has no keys for request objects.", "f"},
		"request_uri":            {request(spa, "request_uri", "https://evil.test/x"), "request_uri_not_supported", "The parameter request_uri takes names of pushed requests only.", "f"},
		"organization":           {request(spa, "organization", "org_1"), "invalid_request", "parameter organization is not allowed for this client", "f"},
		"invitation":             {request(spa, "invitation", "i"), "invalid_request", "parameter invitation is not allowed for this client", "f"},
		"prompt":                 {request(spa, "prompt", "none login"), "invalid_request", "prompt=none cannot be combined with other values", "fsa"},
		"max_age":                {request(spa, "max_age", "-1"), "invalid_request", "max_age must be a number of seconds", "f"},
		"max_age text":           {request(spa, "max_age", "soon"), "invalid_request", "max_age must be a number of seconds", "f"},
		"unknown connection":     {request(spa, "connection", "Nope"), "invalid_request", "the connection was not found", "f"},
		"connection not enabled": {request(spa, "connection", "Closed"), "invalid_request", "the connection is not enabled", "f"},
	} {
		a := w.browser().authorize(c.v)
		a.fails(c.code, c.text)
		mode, where, v := a.response()
		want := "query"
		if strings.Contains(c.v.Get("response_type"), "token") {
			want = "fragment"
		}
		if mode != want || where != callback || v.Get("state") != "st+a/te=" {
			t.Errorf("%s: %s %s %v", name, mode, where, v)
		}
		if got := strings.Join(w.logged(), " "); got != c.events {
			t.Errorf("%s: log events %q, want %q", name, got, c.events)
		}
	}
	w.enable("Users", spa)
	w.browser().authorize(request("lonely")).fails("invalid_request", "no connections enabled for the client")
}

// A session serves only clients that may sign people in through its connection.
func TestSessionOfAnotherConnection(t *testing.T) {
	w := newWorld(t)
	ok(t, w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "Staff", Strategy: "auth0"}))
	w.enable("Users", spa)
	w.enable("Staff", site, spa)
	b := w.browser()
	b.login(request(spa, "connection", "Users")).got()
	b.authorize(request(spa, "prompt", "none")).got()
	b.authorize(request(spa, "prompt", "none", "connection", "Users")).got()
	b.authorize(request(spa, "prompt", "none", "connection", "Staff")).fails("login_required", "Login required")
	b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
	b.authorize(request(site)).asks("login")
}

func TestResponseModes(t *testing.T) {
	w := newWorld(t)
	for _, asked := range []string{"query", "fragment", "form_post", "web_message", ""} {
		mode := cmp.Or(asked, "query")
		failed := w.browser().authorize(request(spa, "response_mode", asked, "prompt", "none"))
		failed.fails("login_required", "Login required")
		b := w.browser()
		good := b.login(request(spa, "response_mode", asked))
		again := b.authorize(request(spa, "response_mode", asked, "prompt", "none"))
		for _, a := range []*answer{failed, good, again} {
			got, where, v := a.response()
			want, status := callback, http.StatusOK
			if mode == "web_message" {
				want = "https://app.test"
			}
			if mode == "query" || mode == "fragment" {
				status = http.StatusFound
			}
			if got != mode || where != want || v.Get("state") != "st+a/te=" || a.Code != status {
				t.Errorf("%s: %d %s %s %v", mode, a.Code, got, where, v)
			}
			if h := a.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: headers %v", mode, h)
			}
			if a.Code == http.StatusOK {
				checkResponsePage(t, a)
			}
		}
		w.redeem(spa, good.got().Get("code")).good()
		w.redeem(spa, again.got().Get("code")).good()
	}
}

func checkResponsePage(t *testing.T, a *answer) {
	t.Helper()
	h := a.Header()
	csp := h.Get("Content-Security-Policy")
	_, after, _ := strings.Cut(csp, "script-src 'nonce-")
	nonce, _, _ := strings.Cut(after, "'")
	if len(nonce) < 20 || strings.Count(a.Body.String(), `nonce="`+nonce+`"`) != 1 || strings.Count(a.Body.String(), "<script") != 1 {
		t.Errorf("the script and its policy do not go together: %s", csp)
	}
	if strings.Contains(csp, "frame-ancestors") || h.Get("X-Frame-Options") != "" || h.Get("Cross-Origin-Opener-Policy") != "" {
		t.Errorf("the page cannot be framed or loses its opener: %v", h)
	}
	if h.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Error(h)
	}
}

// What a request says never becomes code in a page of ours.
func TestHostileState(t *testing.T) {
	w := newWorld(t)
	evil := `"></form></script><script>alert(1)</script><!--\u2028 ' ` + "\u2028"
	for _, mode := range []string{"form_post", "web_message"} {
		a := w.browser().authorize(request(spa, "state", evil, "response_mode", mode, "prompt", "none"))
		_, _, v := a.response()
		same(t, "state", v.Get("state"), evil)
		if strings.Contains(a.Body.String(), "<script>alert") || strings.Contains(a.Body.String(), "\u2028") && mode == "web_message" {
			t.Errorf("%s: %s", mode, a.Body)
		}
	}
	for _, state := range []string{evil, " a+b%2B c\t", "%", "&state=x#y", strings.Repeat("s", 8<<10)} {
		_, _, v := w.browser().authorize(request(spa, "state", state, "prompt", "none")).response()
		same(t, "state", v.Get("state"), state)
	}
}

func TestRedirectKeepsQuery(t *testing.T) {
	w := newWorld(t)
	w.client(site, func(c *stagedoor.Client) { c.Callbacks = []string{"https://app.test/cb?a=1"} })
	a := w.browser().authorize(request(site, "redirect_uri", "https://app.test/cb?a=1", "prompt", "none", "state", "a b"))
	want := "https://app.test/cb?a=1&error=login_required&error_description=Login%20required&iss=https%3A%2F%2Facme.test%2F&state=a%20b"
	same(t, "location", a.Header().Get("Location"), want)
}

// Libraries repeat in the callback what a login was asked for with. Nothing else that is not registered may stand there.
func TestRedirectEchoesTheRequest(t *testing.T) {
	w := newWorld(t)
	w.client(site, func(c *stagedoor.Client) { c.Callbacks = []string{"https://app.test/cb", "https://app.test/own?a=1"} })
	b, states := w.browser(), map[string]string{}
	for _, uri := range []string{
		"https://app.test/cb?redirect_state=s+1%26", "https://app.test/cb?login_hint=ada%40app.test&screen_hint=signup", "https://app.test/own?a=1&screen_hint=signup", "https://app.test/own?screen_hint=signup&a=1",
	} {
		states[uri] = b.authorize(request(site, "redirect_uri", uri, "state", "s 1&", "login_hint", "ada@app.test", "screen_hint", "signup")).asks("login")
	}
	const uri = "https://app.test/cb?redirect_state=s+1%26"
	ok(t, b.password(states[uri], adaMail, adaWord))
	a := b.resume(states[uri])
	if to := a.Header().Get("Location"); !strings.HasPrefix(to, uri+"&code=") {
		t.Errorf("location %s", to)
	}
	w.redeem(site, a.got().Get("code"), "redirect_uri", uri).good()

	for _, uri := range []string{
		"https://app.test/cb?redirect_state=another", "https://app.test/cb?screen_hint=login", "https://app.test/cb?prompt=", "https://app.test/cb?", "https://app.test/cb?next=https://evil.test", "https://app.test/cb?state=s+1%26",
		"https://app.test/cb?screen_hint=signup&next=/", "https://app.test/cb?screen_hint=signup&", "https://app.test/own?screen_hint=signup", "https://evil.test/cb?screen_hint=signup", "https://app.test/cb?screen_hint=signup#",
		"https://app.test/cb?screen_hint=signup%zz", "https://app.test/cb?code=x&screen_hint=signup", "https://app.test/cb?screen_hint=signup?screen_hint=signup",
	} {
		b.authorize(request(site, "redirect_uri", uri, "state", "s 1&", "screen_hint", "signup")).page(403, "Callback URL mismatch")
	}
	w.client(site, func(c *stagedoor.Client) { c.ComplianceLevel = "fapi1_adv_pkj_par" })
	b.authorize(request(site, "redirect_uri", uri, "state", "s 1&")).page(403, "Callback URL mismatch")
	w.client(site, func(c *stagedoor.Client) { c.ComplianceLevel, c.IsFirstParty = "", false })
	b.authorize(request(site, "redirect_uri", uri, "state", "s 1&")).page(403, "Callback URL mismatch")
}

func TestAuthorizeByPost(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	state := b.post("/authorize", request(spa)).asks("login")
	ok(t, b.password(state, adaMail, adaWord))
	w.redeem(spa, b.resume(state).got().Get("code")).good()
}

// The page carries the handle of the login and nothing of the request but the language.
func TestAuthorizeAsksForLogin(t *testing.T) {
	w := newWorld(t)
	a := w.browser().authorize(request(spa, "ui_locales", "de en", "login_hint", "x@y.z"))
	u, err := url.Parse(a.Header().Get("Location"))
	ok(t, err)
	has(t, "the query", map[string]any{"ui_locales": u.Query().Get("ui_locales"), "state": 1}, "state ui_locales")
	if len(u.Query()) != 2 || len(u.Query().Get("state")) != 43 || u.Host != "" || u.Query().Get("ui_locales") != "de en" {
		t.Errorf("location %s", u)
	}
	w.wantLog()
	if _, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 1}); err != nil {
		t.Error(err)
	}
}
