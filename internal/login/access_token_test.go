package login_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/token"
)

// oldTokens lets the client of the world exchange tokens of providers, as clients of the old kind may.
func (w *abroadWorld) oldTokens() {
	w.Helper()
	w.ok((&token.Keys{}).Ensure(w.Context(), w.st))
	_, err := w.st.UpdateSettings(w.Context(), func(s *stagedoor.TenantSettings) error {
		s.Flags = stagedoor.Flags{stagedoor.FlagLegacyRO: true}
		return nil
	})
	w.ok(err)
	_, err = w.st.UpdateClient(w.Context(), "app", func(c *stagedoor.Client) error {
		c.JWTConfiguration.Algorithm = "RS256"
		c.OIDCConformant, c.GrantTypes = false, append(c.GrantTypes, "http://auth0.com/oauth/legacy/grant-type/access_token")
		return nil
	})
	w.ok(err)
}

func (w *abroadWorld) tokenFor(connection, token string, more ...string) (int, map[string]any) {
	w.Helper()
	form := url.Values{"client_id": {"app"}, "connection": {connection}, "access_token": {token}, "scope": {"openid email"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	var got map[string]any
	r := w.browser().post("/oauth/access_token", form)
	w.ok(json.Unmarshal([]byte(r.body), &got))
	return r.status, got
}

func TestProviderToken(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.upstream("google", "google-oauth2", nil)
			w.upstream("facebook", "facebook", nil)
			w.upstream("github", "github", nil)
			if status, got := w.tokenFor("google", "x"); status != 400 && status != 403 {
				t.Errorf("before it is switched on: %d %v", status, got)
			}
			w.oldTokens()
			for provider, conn := range map[string]string{"Google": "google", "Facebook": "facebook"} {
				status, got := w.tokenFor(conn, w.standin.AccessToken(provider, kim, "", ""))
				if status != 200 || got["token_type"] != "bearer" || got["access_token"] == nil || got["id_token"] == nil {
					t.Fatalf("%s: %d %v", provider, status, got)
				}
				claims := w.payload(got["id_token"].(string))
				if e := w.last(); claims["email"] != strings.ToLower(kim.Email) || e.Type != "s" || e.UserID != claims["sub"] {
					t.Errorf("%s: %v %+v", provider, claims, e)
				}
			}
			status, got := w.tokenFor("github", w.standin.AccessToken("GitHub", kim, "", ""))
			if status != 400 || got["error"] != "invalid_request" || got["error_description"] != "specified strategy does not support requested operation: github does not tell for which client it gave a token" {
				t.Errorf("github: %d %v", status, got)
			}
			if status, got := w.tokenFor("google", "x", "access_token", ""); status != 400 || got["error_description"] != "missing access_token parameter" {
				t.Errorf("no token: %d %v", status, got)
			}
		})
	}
}

// TestTokenSubstitution: another site, at which somebody signed in with the same provider, brings the token that it got there.
func TestTokenSubstitution(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.upstream("google", "google-oauth2", nil)
	w.upstream("facebook", "facebook", nil)
	w.oldTokens()
	for provider, conn := range map[string]string{"Google": "google", "Facebook": "facebook"} {
		for name, token := range map[string]string{
			"another client's":         w.standin.AccessToken(provider, kim, "evil-site", ""),
			"another person's profile": w.standin.AccessToken(provider, kim, "", standin.OtherSubject),
			"unknown":                  "nonsense",
		} {
			status, got := w.tokenFor(conn, token)
			if status != 401 || got["error_description"] != "invalid access_token: invalid_token" {
				t.Errorf("%s of %s: %d %v", name, provider, status, got)
			}
		}
	}
	// The token of one provider is none of another's.
	if status, got := w.tokenFor("google", w.standin.AccessToken("Facebook", kim, "", "")); status != 401 {
		t.Errorf("%d %v", status, got)
	}
}
