package oauth

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func TestUserInfoForms(t *testing.T) {
	w := newWorld(t)
	token := w.redeem(site, w.browser().login(request(site, "scope", "openid email")).got().Get("code")).good().AccessToken
	jwt := w.redeem(site, w.browser().login(request(site, "scope", "openid email", "audience", apiAudience)).got().Get("code")).good().AccessToken
	for _, token := range []string{token, jwt} {
		header := httptest.NewRequest("GET", "/userinfo", nil)
		header.Header.Set("Authorization", "bearer  "+token)
		posted := httptest.NewRequest("POST", "/userinfo", nil)
		posted.Header.Set("Authorization", "Bearer "+token)
		for name, a := range map[string]*answer{
			"header": w.browser().do(header), "posted": w.browser().do(posted), "form": w.browser().post("/userinfo", values("access_token", token)), "address": w.browser().get("/userinfo?access_token=" + token),
		} {
			if a.Code != 200 || !strings.Contains(a.Body.String(), adaMail) || a.Header().Get("Cache-Control") != "no-store" || a.Header().Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s: %d %v %s", name, a.Code, a.Header(), a.Body)
			}
		}
	}
}

func TestUserInfoRefused(t *testing.T) {
	w := newWorld(t)
	w.tenant("other")
	code := func() string {
		return w.browser().login(request(site, "scope", "openid", "audience", apiAudience)).got().Get("code")
	}
	good := w.redeem(site, code()).good()
	none := "eyJhbGciOiJub25lIn0." + strings.Split(good.AccessToken, ".")[1] + "."
	machineToken := w.token(values("grant_type", "client_credentials", "client_id", machine, "client_secret", secret(machine), "audience", apiAudience)).good().AccessToken
	refused := func(name, token, why string) {
		t.Helper()
		a := w.info(token)
		want := `Bearer realm="Users", error="invalid_token", error_description="` + why + `"`
		if a.Code != 401 || a.Body.String() != "Unauthorized" || a.Header().Get("WWW-Authenticate") != want {
			t.Errorf("%s: %d %s %s", name, a.Code, a.Body, a.Header().Get("WWW-Authenticate"))
		}
	}
	const invalid = "The token is invalid"
	refused("nothing", "", invalid)
	refused("nonsense", "nonsense", invalid)
	refused("not signed", none, invalid)
	refused("an ID token", good.IDToken, invalid)
	refused("a machine's", machineToken, invalid)
	refused("cut", good.AccessToken[:len(good.AccessToken)-2], invalid)
	w.host = "other.test"
	refused("another tenant's", good.AccessToken, invalid)
	w.host = "acme.test"
	for name, iss := range map[string]string{"": "https://acme.test/", "of another issuer": "https://other.test/", "of no issuer": ""} { // with a key of ours, as one is from before a domain was given up
		now := w.clock()
		raw, err := w.minter.Sign(t.Context(), w.st, jose.RS256, map[string]any{
			"iss": iss, "sub": ada, "aud": "https://acme.test/userinfo", "azp": site, "scope": "openid", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		})
		ok(t, err)
		if name == "" {
			w.userInfo(raw)
			continue
		}
		refused(name, raw, invalid)
	}
	soon, err := w.minter.Sign(t.Context(), w.st, jose.RS256, map[string]any{
		"iss": "https://acme.test/", "sub": ada, "aud": "https://acme.test/userinfo", "azp": site, "scope": "openid", "nbf": w.clock().Unix() + 60, "exp": w.clock().Unix() + 3600,
	})
	ok(t, err)
	refused("not yet", soon, invalid)
	refused("huge", strings.Repeat("x", jose.MaxTokenSize+1), invalid)
	refused("NUL", "a\x00b", invalid)
	w.pass(24 * time.Hour)
	refused("expired", good.AccessToken, "The token has expired")

	fresh := w.redeem(site, code()).good()
	yes := true
	_, err = w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = &yes; return nil })
	ok(t, err)
	refused("blocked", fresh.AccessToken, invalid)
	ok(t, w.st.DeleteUser(t.Context(), ada))
	refused("deleted", fresh.AccessToken, invalid)
}

// What a client got works no longer than the client is there: who deletes it, because it was broken into for instance, ends all of that.
func TestTokensOfDeletedClients(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(third, func(c *stagedoor.Client) { // it asks about tokens of others
			c.AppType, c.Stored = "resource_server", map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"` + apiAudience + `"`)}
		})
		opaque := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken
		jwt := w.redeem(site, w.browser().login(request(site, "audience", apiAudience)).got().Get("code")).good().AccessToken
		own := w.token(machineForm2(w)).good().AccessToken
		for _, raw := range []string{opaque, jwt} {
			w.userInfo(raw)
		}
		for _, raw := range []string{jwt, own} {
			same(t, "before", w.introspect(third, raw)["active"], true)
		}
		ok(t, w.st.DeleteClient(t.Context(), site))
		ok(t, w.st.DeleteClient(t.Context(), machine))
		for what, raw := range map[string]string{"opaque": opaque, "a JWT": jwt} {
			if a := w.info(raw); a.Code != 401 || !strings.Contains(a.Header().Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s: %d %s", what, a.Code, a.Body)
			}
		}
		for what, raw := range map[string]string{"a JWT": jwt, "a machine's": own} {
			w.inactive(what, third, raw)
		}
	})
}
