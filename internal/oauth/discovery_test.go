package oauth

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares as indented JSON with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var v any
	ok(t, json.Unmarshal(got, &v))
	text, err := json.MarshalIndent(v, "", "  ")
	ok(t, err)
	text = append(text, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		ok(t, os.MkdirAll("testdata", 0o755))
		ok(t, os.WriteFile(path, text, 0o644))
	}
	want, err := os.ReadFile(path)
	ok(t, err)
	if string(text) != string(want) {
		t.Errorf("%s: got %s\nwant %s", name, text, want)
	}
}

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	ok(t, w.st.SetDomains(t.Context(), []string{"acme.test", "login.acme.test:8443"}))
	a := w.browser().get("/.well-known/openid-configuration")
	golden(t, "discovery.json", a.Body.Bytes())
	if got := a.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Error(got)
	}
	if got := a.Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Error(got)
	}
	same(t, "RFC 8414", w.browser().get("/.well-known/oauth-authorization-server").Body.String(), a.Body.String())

	other := w.browser()
	other.host, other.scheme = "login.acme.test:8443", "http"
	b := other.get("/.well-known/openid-configuration")
	if got, want := b.Body.String(), strings.ReplaceAll(a.Body.String(), "https://acme.test/", "http://login.acme.test:8443/"); got != want {
		t.Errorf("the document does not follow the domain: %s", got)
	}
	w.settings(func(s *stagedoor.TenantSettings) { s.OIDCLogout.EndSessionDiscovery = false })
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); strings.Contains(body, "end_session_endpoint") {
		t.Error("end_session_endpoint is listed though the tenant does not want it")
	}
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Stored = map[string]json.RawMessage{"acr_values_supported": json.RawMessage(`["urn:mixtape:passkey"]`)}
	})
	if body := w.browser().get("/.well-known/openid-configuration").Body.String(); !strings.Contains(body, `"acr_values_supported":["urn:mixtape:passkey"]`) {
		t.Error(body)
	}
}

func TestJWKS(t *testing.T) {
	w := newWorld(t)
	a := w.browser().get("/.well-known/jwks.json")
	var doc struct{ Keys []map[string]any }
	ok(t, json.Unmarshal(a.Body.Bytes(), &doc))
	if len(doc.Keys) != 2 {
		t.Fatalf("%d keys, want the current and the next", len(doc.Keys))
	}
	w.api(func(rs *stagedoor.ResourceServer) { rs.SigningAlgorithm = "PS256" })
	a, doc.Keys = w.browser().get("/.well-known/jwks.json"), nil
	ok(t, json.Unmarshal(a.Body.Bytes(), &doc))
	if len(doc.Keys) != 4 {
		t.Fatalf("%d keys, want the current and the next, each for two algorithms", len(doc.Keys))
	}
	for i, k := range doc.Keys {
		has(t, "a key", k, "alg e kid kty n use x5c x5t")
		alg := "RS256"
		if i >= 2 {
			alg = "PS256"
			same(t, "the twin's id", k["kid"], doc.Keys[i-2]["kid"].(string)+"-PS256")
		}
		same(t, "alg, use, kty, e", []any{k["alg"], k["use"], k["kty"], k["e"]}, []string{alg, "sig", "RSA", "AQAB"})
	}
	w.settings(func(s *stagedoor.TenantSettings) { s.Flags["remove_alg_from_jwks"] = true })
	a, doc.Keys = w.browser().get("/.well-known/jwks.json"), nil
	ok(t, json.Unmarshal(a.Body.Bytes(), &doc))
	for _, k := range doc.Keys {
		has(t, "a key", k, "e kid kty n use x5c x5t")
	}
}

func TestUnknownDomain(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"evil.test", "acme.test:444", "", "acme.test."} {
		b := w.browser()
		b.host = host
		for _, path := range []string{"/.well-known/openid-configuration", "/authorize?client_id=spa", "/v2/logout"} {
			if a := b.get(path); a.Code != 404 || !strings.Contains(a.Body.String(), "unknown_tenant") {
				t.Errorf("%s at %q: %d %s", path, host, a.Code, a.Body)
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	w := newWorld(t)
	for path, open := range map[string]bool{"/oauth/token": true, "/oauth/revoke": true, "/userinfo": true, "/.well-known/jwks.json": true, "/authorize": false, "/v2/logout": false} {
		r := newRequest("OPTIONS", path, "")
		r.Header.Set("Origin", "https://app.test")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "auth0-client")
		a := w.browser().do(r)
		got := a.Code == 204 && a.Header().Get("Access-Control-Allow-Origin") == "*" && strings.Contains(a.Header().Get("Access-Control-Allow-Headers"), "Auth0-Client")
		if got != open {
			t.Errorf("%s: %d %v", path, a.Code, a.Header())
		}
		r.Method = "GET"
		if origin := w.browser().do(r).Header().Get("Access-Control-Allow-Origin") + a.Header().Get("Access-Control-Allow-Origin"); !open && origin != "" {
			t.Errorf("%s is open to %s", path, origin)
		}
		if a.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s lends cookies", path)
		}
	}
}
