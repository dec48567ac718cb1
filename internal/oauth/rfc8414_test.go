package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func (w *world) metadata() map[string]any {
	w.Helper()
	var doc map[string]any
	ok(w, json.Unmarshal(w.browser().get("/.well-known/openid-configuration").Body.Bytes(), &doc))
	return doc
}

func list(v any) (out []string) {
	all, _ := v.([]any)
	for _, one := range all {
		s, _ := one.(string)
		out = append(out, s)
	}
	return out
}

func TestRFC8414(t *testing.T) {
	w := newWorld(t)
	doc := w.metadata()
	w.section("2 required members", func() {
		for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"} {
			if doc[name] == nil {
				w.Errorf("%s is not there", name)
			}
		}
	})
	w.section("2 addresses over https", func() {
		for name, value := range doc {
			s, is := value.(string)
			if !is {
				continue
			}
			u, err := url.Parse(s)
			if err != nil || u.Scheme != "https" || u.Fragment != "" || u.RawQuery != "" || !strings.HasPrefix(s, doc["issuer"].(string)) {
				w.Errorf("%s is %s", name, s)
			}
		}
	})
	w.section("2 never none", func() {
		for name := range doc {
			if strings.Contains(name, "_alg_values_supported") && slices.Contains(list(doc[name]), "none") {
				w.Errorf("%s has none", name)
			}
		}
		if len(list(doc["token_endpoint_auth_signing_alg_values_supported"])) == 0 {
			w.Error("private_key_jwt without its algorithms")
		}
	})
	w.section("3.1 by GET", func() {
		if a := w.browser().post("/.well-known/oauth-authorization-server", nil); a.Code != http.StatusMethodNotAllowed {
			w.Errorf("%d", a.Code)
		}
	})
	w.section("3.2 JSON, lists, nothing empty", func() {
		a := w.browser().get("/.well-known/oauth-authorization-server")
		if a.Code != 200 || !strings.HasPrefix(a.Header().Get("Content-Type"), "application/json") {
			w.Errorf("%d %v", a.Code, a.Header())
		}
		for name, value := range doc {
			if value == nil || value == "" || strings.HasSuffix(name, "s_supported") && len(list(value)) == 0 {
				w.Errorf("%s is %v", name, value)
			}
		}
	})
	w.section("3.3 the issuer is the address asked", func() {
		same(w, "issuer", doc["issuer"], "https://acme.test/")
		id := w.claims(w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().IDToken)
		same(w, "iss", id["iss"], doc["issuer"])
	})
	w.section("every endpoint answers", func() {
		for name, value := range doc {
			s, is := value.(string)
			if !is || name == "issuer" || !strings.HasPrefix(s, "https://acme.test/") {
				continue
			}
			path := strings.TrimPrefix(s, "https://acme.test")
			if get, post := w.browser().get(path), w.browser().post(path, nil); get.Code == 404 && post.Code == 404 {
				w.Errorf("%s: nothing is at %s", name, path)
			}
		}
	})
	w.section("every response type works", func() {
		for _, types := range list(doc["response_types_supported"]) {
			w.browser().login(request(site, "response_type", types, "nonce", "n")).got()
		}
		for _, mode := range list(doc["response_modes_supported"]) {
			if mode == "jwt" || strings.HasSuffix(mode, ".jwt") {
				continue
			}
			got, _, _ := w.browser().authorize(request(site, "response_mode", mode, "prompt", "none")).response()
			same(w, "mode", got, mode)
		}
	})
}

func TestRFC9068(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) { rs.TokenDialect = "rfc9068_profile" })
	tokens := func(more ...string) *tokenAnswer {
		return w.redeem(site, w.browser().login(request(site, append([]string{"audience", apiAudience, "scope", "openid read:songs"}, more...)...)).got().Get("code")).good()
	}
	w.section("2.1 at+jwt, signed with a key of the set", func() {
		h := header(t, tokens().AccessToken)
		same(w, "header", []any{h.Type, h.Algorithm, h.KeyID != ""}, []any{"at+jwt", jose.RS256, true})
	})
	w.section("2.2 the claims", func() {
		a := tokens()
		c := w.claims(a.AccessToken)
		has(w, "the token", c, "aud client_id exp iat iss jti scope sub")
		same(w, "values", []any{c["iss"], c["sub"], c["client_id"], c["aud"].([]any)[0]}, []any{"https://acme.test/", ada, site, apiAudience})
		if again := w.claims(tokens().AccessToken); again["jti"] == c["jti"] {
			w.Error("two tokens have one jti")
		}
		m := w.claims(w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience)).good().AccessToken)
		has(w, "a machine's token", m, "aud client_id exp iat iss jti scope sub")
	})
	w.section("2.2.3 scopes of the audience alone", func() {
		same(w, "scope", w.claims(tokens("scope", "openid read:songs fly:moon").AccessToken)["scope"], "openid read:songs")
	})
	w.section("3 an audience always", func() {
		w.settings(func(s *stagedoor.TenantSettings) { s.DefaultAudience = apiAudience })
		if aud := list(w.claims(tokens("audience", "-").AccessToken)["aud"]); !slices.Contains(aud, apiAudience) {
			w.Errorf("aud %v", aud)
		}
		w.settings(func(s *stagedoor.TenantSettings) { s.DefaultAudience = "" })
	})
	w.section("5 clients are not taken for people", func() {
		sub := w.claims(w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience)).good().AccessToken)["sub"].(string)
		if !strings.HasSuffix(sub, "@clients") || strings.Contains(sub, "|") {
			w.Errorf("sub %s", sub)
		}
	})
}
