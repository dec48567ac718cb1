package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

// push sends an authorization request of a client to /oauth/par.
func (w *world) push(v url.Values) (status int, name string, body map[string]any) {
	w.Helper()
	a := w.browser().post("/oauth/par", v)
	if a.Header().Get("Cache-Control") != "no-store" {
		w.Errorf("the answer may be cached: %v", a.Header())
	}
	ok(w, json.Unmarshal(a.Body.Bytes(), &body))
	name, _ = body["request_uri"].(string)
	return a.Code, name, body
}

// pushed pushes a good request and returns its name.
func (w *world) pushed(client string, more ...string) string {
	w.Helper()
	if client != spa {
		more = append([]string{"client_secret", secret(client)}, more...)
	}
	status, name, body := w.push(request(client, more...))
	if status != http.StatusCreated || !strings.HasPrefix(name, "urn:ietf:params:oauth:request_uri:") || len(name) < 70 {
		w.Fatalf("%d %v", status, body)
	}
	return name
}

func TestPushedRequest(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, client := range []string{site, spa} {
			name := w.pushed(client, "response_mode", "", "prompt", "", "organization", "", "audience", apiAudience, "scope", "openid read:songs", "nonce", "n1")
			// What stands beside the name counts for nothing.
			code := w.browser().login(values("client_id", client, "request_uri", name, "scope", "openid email", "state", "other", "redirect_uri", "https://evil.test/")).got()
			same(t, "state", code.Get("state"), "st+a/te=")
			tokens := w.redeem(client, code.Get("code")).good()
			same(t, "scope", tokens.Scope, "openid read:songs")
			same(t, "nonce", w.claims(tokens.IDToken)["nonce"], "n1")
		}
	})
}

// A name is good once, in time, and for its client.
func TestPushedRequestReplayed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const gone = "The pushed authorization request is unknown, was used, or has expired."
		name := w.pushed(site)
		w.browser().authorize(values("client_id", third, "request_uri", name)).page(400, gone)
		w.browser().authorize(values("request_uri", name)).page(400, "Missing required parameter: client_id")
		w.browser().authorize(values("client_id", site, "request_uri", name)).asks("login") // another client did not spoil it
		w.browser().authorize(values("client_id", site, "request_uri", name)).page(400, gone)
		w.browser().authorize(values("client_id", site, "request_uri", name, "request", "x.y.z")).page(400, "request and request_uri cannot be used together")

		name = w.pushed(site)
		w.pass(30 * time.Second)
		w.browser().authorize(values("client_id", site, "request_uri", name)).page(400, gone)
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"par_request_expiry": json.RawMessage("120")}
		})
		_, name, body := w.push(request(site, "client_secret", secret(site)))
		same(t, "expires_in", body["expires_in"], 120)
		w.pass(119 * time.Second)
		w.browser().authorize(values("client_id", site, "request_uri", name)).asks("login")
	})
}

func TestPushedRequestRefused(t *testing.T) {
	w := newWorld(t)
	good := []string{"client_secret", secret(site)}
	many := good
	for i := range 11 {
		many = append(many, "ext-"+strconv.Itoa(i), "x")
	}
	for name, c := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"wrong secret":        {request(site, "client_secret", "wrong"), 401, "invalid_client"},
		"no secret":           {request(site), 401, "invalid_client"},
		"unknown client":      {request("nobody", good...), 401, "invalid_client"},
		"callback":            {request(site, append(good, "redirect_uri", "https://evil.test/")...), 400, "invalid_request"},
		"response type":       {request(site, append(good, "response_type", "magic")...), 400, "unsupported_response_type"},
		"audience":            {request(site, append(good, "audience", "https://nothing.test/")...), 400, "access_denied"},
		"no challenge":        {request(spa, "code_challenge", "-", "code_challenge_method", "-"), 400, "invalid_request"},
		"pushed within":       {request(site, append(good, "request_uri", "urn:ietf:params:oauth:request_uri:x")...), 400, "invalid_request"},
		"too many of its own": {request(site, many...), 400, "invalid_request"},
		"too large":           {request(site, append(good, "state", strings.Repeat("x", 10<<10))...), 413, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			status, uri, body := w.push(c.form)
			if status != c.status || body["error"] != c.code || uri != "" {
				t.Errorf("got %d %v, want %d %s", status, body, c.status, c.code)
			}
			w.wantLog("fpar")
		})
	}
	twice := httptest.NewRequest("POST", "/oauth/par", strings.NewReader(request(site, good...).Encode()+"&scope=email"))
	twice.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := w.browser().do(twice); a.Code != 400 {
		t.Errorf("a parameter that comes twice: %d %s", a.Code, a.Body)
	}
}

// A client, or a whole tenant, that wants pushed requests gets no others.
func TestPushedRequestsRequired(t *testing.T) {
	w := newWorld(t)
	const must = "Pushed authorization requests are required: send the request to /oauth/par first."
	w.client(site, func(c *stagedoor.Client) { c.RequirePAR = new(true) })
	w.browser().authorize(request(site)).fails("invalid_request", must)
	w.browser().authorize(values("client_id", site, "request_uri", w.pushed(site))).asks("login")
	w.browser().authorize(request(spa)).asks("login")

	w.settings(func(s *stagedoor.TenantSettings) { s.Flags = stagedoor.Flags{stagedoor.FlagRequirePAR: true} })
	w.browser().authorize(request(spa)).fails("invalid_request", must)
	w.browser().authorize(values("client_id", spa, "request_uri", w.pushed(spa))).asks("login")
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); !strings.Contains(body, `"require_pushed_authorization_requests":true`) {
		t.Error(body)
	}

	w.settings(func(s *stagedoor.TenantSettings) {
		s.Flags, s.Stored = nil, map[string]json.RawMessage{"pushed_authorization_requests_supported": json.RawMessage("false")}
	})
	if status, _, _ := w.push(request(spa)); status != 404 {
		t.Errorf("a tenant that takes none: %d", status)
	}
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); strings.Contains(body, "pushed_authorization_request_endpoint") {
		t.Error(body)
	}
}

// What was asked for is sealed, and what the client proved itself by is not kept.
func TestPushedRequestAtRest(t *testing.T) {
	w := newWorld(t)
	name := strings.TrimPrefix(w.pushed(site, "login_hint", "ada@secret.test"), requestURI)
	p, err := w.st.TakePushedRequest(t.Context(), name, site)
	ok(t, err)
	if url.Values(p.Params).Get("login_hint") != "ada@secret.test" || url.Values(p.Params).Has("client_secret") {
		t.Errorf("%v", p.Params)
	}
}

// readPushed reads the answer to a pushed request.
func readPushed(t *testing.T, a *tokenAnswer) (status int, uri string, body map[string]any) {
	t.Helper()
	ok(t, json.Unmarshal(a.Body.Bytes(), &body))
	uri, _ = body["request_uri"].(string)
	return a.Code, uri, body
}
