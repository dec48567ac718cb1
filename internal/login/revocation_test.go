package login_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const revocation = "/oauth/global-token-revocation/connection/"

// proof is a token as a provider signs it to end somebody's access; changes bend it. TYP and KEY are not claims.
func (w *abroadWorld) proof(conn, iss, sub string, changes map[string]any) string {
	w.Helper()
	claims := map[string]any{
		"iss": iss, "sub": sub, "aud": origin + revocation + conn, "iat": w.clock().Unix(), "nbf": w.clock().Unix(), "exp": w.clock().Unix() + 300, "jti": stagedoor.NewToken(),
	}
	maps.Copy(claims, changes)
	typ, key := "global-token-revocation+jwt", any(w.standin.Issuer().Key)
	if t, bent := claims["TYP"].(string); bent {
		typ = t
	}
	if k := claims["KEY"]; k != nil {
		key = k
	}
	for name, value := range claims {
		if value == nil || name == "TYP" || name == "KEY" {
			delete(claims, name)
		}
	}
	signer, err := jose.NewSigner(jose.RS256, "", key, typ)
	w.ok(err)
	token, err := signer.Sign(claims)
	w.ok(err)
	return token
}

// revoke asks for the end of somebody's access.
func (w *abroadWorld) revoke(conn, token, body string) (status int, code string) {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, origin+revocation+conn, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "198.51.100.9"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	var said struct{ Error string }
	_ = json.Unmarshal(rec.Body.Bytes(), &said)
	if rec.Code == http.StatusUnauthorized && !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Bearer ") {
		w.Error("no challenge")
	}
	return rec.Code, said.Error
}

func about(iss, sub string) string {
	text, _ := json.Marshal(map[string]any{"subject": map[string]string{"format": "iss_sub", "iss": iss, "sub": sub}})
	return string(text)
}

// TestGlobalTokenRevocation: what a person has ends when the provider that vouches for them says so, and says it well; another's stays.
func TestGlobalTokenRevocation(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.standin.Now = w.clock
			w.oidc("corp", nil)
			w.oidc("other", nil)
			person := func(conn, id string) *browser {
				w.standin.Choose(&standin.Person{Subject: id, Email: id + "@corp.example", Name: id})
				b := w.browser()
				if q := b.finish(b.through(b.begin("connection", conn))); q.Get("code") == "" {
					t.Fatalf("%v", q)
				}
				return b
			}
			live := func(b *browser, want bool) {
				t.Helper()
				if got := !strings.Contains(b.begin("prompt", "none").to(), "login_required"); got != want {
					t.Errorf("the session lives: %v, want %v", got, want)
				}
			}
			person("corp", "t1")
			w.ok(w.st.CreateUser(t.Context(), &stagedoor.User{
				ID: "oidc|corp|t2", Connection: "corp", Email: "t1@corp.example", Identities: []stagedoor.Identity{{Connection: "corp", Provider: "oidc", UserID: "corp|t2"}},
			}, ""))
			kim, lee, kims := person("corp", "k1"), person("corp", "l1"), person("other", "k1")
			const user = "oidc|corp|k1"
			w.ok(w.st.CreateRefreshToken(t.Context(), "of kim", &stagedoor.RefreshToken{ID: "rt_1", FamilyID: "f1", Counter: 1, ClientID: "app", UserID: user, CreatedAt: w.clock(), LastUsedAt: w.clock()}))
			w.ok(w.st.SaveMFAToken(t.Context(), "waits", &stagedoor.MFAToken{UserID: user, ClientID: "app", ExpiresAt: w.clock().Add(time.Minute)}))
			good := func(changes map[string]any) string { return w.proof("corp", w.at, w.standin.ClientID, changes) }
			stranger := w.standin.Stranger().Key

			for name, x := range map[string]struct {
				conn, token, body string
				status            int
				code, log         string
			}{
				"no token":               {"corp", "", about(w.at, "k1"), 401, "invalid_token", "Missing authorization header"},
				"no signed token":        {"corp", "x", about(w.at, "k1"), 401, "invalid_token", "it is no signed token"},
				"a stranger's":           {"corp", good(map[string]any{"KEY": stranger}), about(w.at, "k1"), 401, "invalid_token", "wrong signature"},
				"an ID token's kind":     {"corp", good(map[string]any{"TYP": "JWT"}), about(w.at, "k1"), 401, "invalid_token", "its typ is JWT"},
				"another issuer":         {"corp", good(map[string]any{"iss": "https://evil.example"}), about(w.at, "k1"), 401, "invalid_token", "its issuer is https://evil.example"},
				"another application":    {"corp", good(map[string]any{"sub": "another"}), about(w.at, "k1"), 401, "invalid_token", "its sub is another"},
				"for another address":    {"corp", good(map[string]any{"aud": origin + revocation + "other"}), about(w.at, "k1"), 401, "invalid_token", "it is for " + origin + revocation + "other"},
				"for several":            {"corp", good(map[string]any{"aud": []string{origin + revocation + "corp", "https://else.example"}}), about(w.at, "k1"), 401, "invalid_token", "it is for "},
				"expired":                {"corp", good(map[string]any{"exp": w.clock().Unix() - 120}), about(w.at, "k1"), 401, "invalid_token", "expired"},
				"for ever":               {"corp", good(map[string]any{"exp": w.clock().Unix() + 86400}), about(w.at, "k1"), 401, "invalid_token", "lives for too long"},
				"without jti":            {"corp", good(map[string]any{"jti": nil}), about(w.at, "k1"), 401, "invalid_token", "no jti"},
				"a database":             {"Users", w.proof("Users", w.at, w.standin.ClientID, nil), about(w.at, "k1"), 401, "invalid_token", "The token is not valid"},
				"no such connection":     {"nothing", w.proof("nothing", w.at, w.standin.ClientID, nil), about(w.at, "k1"), 401, "invalid_token", "The token is not valid"},
				"another format":         {"corp", good(nil), `{"subject":{"format":"phone_number","phone_number":"+4930123456"}}`, 400, "invalid_request", "format iss_sub"},
				"an address of nobody":   {"corp", good(nil), `{"subject":{"format":"email","email":"k9@corp.example"}}`, 404, "inexistent_user", "does not exist"},
				"an address elsewhere":   {"corp", good(nil), `{"subject":{"format":"email","email":"ada@example.com"}}`, 404, "inexistent_user", "does not exist"},
				"an address of two":      {"corp", good(nil), `{"subject":{"format":"email","email":"t1@corp.example"}}`, 400, "invalid_request", "Several users"},
				"an id of nobody":        {"corp", good(nil), `{"subject":{"format":"opaque","id":"k9"}}`, 404, "inexistent_user", "does not exist"},
				"our id, of nobody":      {"corp", good(nil), `{"subject":{"format":"opaque","id":"oidc|corp|k1"}}`, 404, "inexistent_user", "does not exist"},
				"an id of another kind":  {"corp", good(nil), `{"subject":{"format":"opaque","sub":"k1"}}`, 400, "invalid_request", "format iss_sub"},
				"no subject":             {"corp", good(nil), `{}`, 400, "invalid_request", "format iss_sub"},
				"no JSON":                {"corp", good(nil), `x`, 400, "invalid_request", "not a valid JSON object"},
				"nobody":                 {"corp", good(nil), about(w.at, "k2"), 404, "inexistent_user", "does not exist"},
				"a user of a database":   {"corp", good(nil), about(origin+"/", w.found("ada@example.com").ID), 404, "inexistent_user", "does not exist"},
				"another connection's":   {"corp", good(nil), about(origin+"/", "oidc|other|k1"), 404, "inexistent_user", "does not exist"},
				"our id, their issuer":   {"corp", good(nil), about(w.at, user), 404, "inexistent_user", "does not exist"},
				"a connection's spoofed": {"corp", w.proof("other", w.at, w.standin.ClientID, nil), about(w.at, "k1"), 401, "invalid_token", "it is for"},
			} {
				if status, code := w.revoke(x.conn, x.token, x.body); status != x.status || code != x.code {
					t.Errorf("%s: %d %s", name, status, code)
				}
				if e := w.last(); e.Type != "universal_logout_failed" || !strings.Contains(e.Description, x.log) {
					t.Errorf("%s: the log says %s %q, want %q", name, e.Type, e.Description, x.log)
				}
			}
			live(kim, true)

			once := good(nil)
			if status, code := w.revoke("corp", once, about(w.at, "k1")); status != http.StatusNoContent {
				t.Fatalf("%d %s", status, code)
			}
			if e := w.last(); e.Type != "universal_logout_succeeded" || e.UserID != user || e.Connection != "corp" || e.UserName != "k1@corp.example" {
				t.Errorf("%+v", e)
			}
			live(kim, false)
			live(lee, true)
			live(kims, true)
			if _, err := w.st.RefreshToken(t.Context(), "of kim"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("the refresh token: %v", err)
			}
			if _, err := w.st.MFAToken(t.Context(), "waits"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Errorf("what waits: %v", err)
			}
			kim = person("corp", "k1") // they may come again
			if status, _ := w.revoke("corp", once, about(w.at, "k1")); status != http.StatusUnauthorized {
				t.Errorf("a token was good twice: %d", status)
			}
			live(kim, true)
			if status, _ := w.revoke("corp", good(nil), strings.Replace(about(origin+"/", user), `"subject"`, `"sub_id"`, 1)); status != http.StatusNoContent {
				t.Errorf("by our own id, as later drafts have it: %d", status)
			}
			live(kim, false)
			for _, body := range []string{`{"sub_id":{"format":"email","email":"K1@corp.example"}}`, `{"subject":{"format":"opaque","id":"k1"}}`} {
				kim = person("corp", "k1")
				if status, code := w.revoke("corp", good(nil), body); status != http.StatusNoContent {
					t.Errorf("%s: %d %s", body, status, code)
				}
				live(kim, false)
				live(kims, true)
			}
		})
	}
}

// TestGlobalTokenRevocationOfSAML: a provider of SAML signs with the key of its assertions, once the connection says who may; it may know somebody by the NameID.
func TestGlobalTokenRevocationOfSAML(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	conn := w.saml("corp", map[string]any{"fieldsMap": map[string]any{"user_id": "employee"}})
	in := func() *browser {
		b := w.browser()
		w.asserted(b, "corp", xmlsig.Issued{NameID: "kim@corp.example", Attributes: map[string][]string{"employee": {"e1"}}})
		return b
	}
	const issuer, app = "http://www.okta.example/exk1", "0oa1"
	b := in()
	if status, _ := w.revoke("corp", w.proof("corp", issuer, app, nil), about(issuer, "e1")); status != http.StatusUnauthorized {
		t.Errorf("nobody said who may: %d", status)
	}
	w.set(conn, "global_token_revocation_jwt_iss", issuer)
	w.set(conn, "global_token_revocation_jwt_sub", app)
	if status, _ := w.revoke("corp", w.proof("corp", issuer, app, map[string]any{"KEY": w.standin.Stranger().Key}), about(issuer, "e1")); status != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", status)
	}
	for _, id := range []string{"e1", "kim@corp.example"} {
		if status, code := w.revoke("corp", w.proof("corp", issuer, app, nil), about(issuer, id)); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", id, status, code)
		}
		if to := b.begin("prompt", "none").to(); !strings.Contains(to, "login_required") {
			t.Errorf("%s: the session lives", id)
		}
		if e := w.last(); e.Type != "fsa" {
			t.Errorf("%+v", e)
		}
		b = in()
	}
	if status, _ := w.revoke("corp", w.proof("corp", issuer, app, nil), about(issuer, "e2")); status != http.StatusNotFound {
		t.Errorf("nobody: %d", status)
	}
	for range 30 { // who brings wrong ones is looked at no more for a while
		w.revoke("corp", "x", about(issuer, "e1"))
	}
	if status, code := w.revoke("corp", w.proof("corp", issuer, app, nil), about(issuer, "e1")); status != http.StatusTooManyRequests || code != "too_many_requests" {
		t.Errorf("after thirty wrong ones: %d %s", status, code)
	}
}
