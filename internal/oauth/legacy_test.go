package oauth

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
)

// of the old kind: what a client needs for the token endpoints of then.
func (w *world) oldWays(client string) {
	w.Helper()
	w.settings(func(s *stagedoor.TenantSettings) {
		s.Flags = stagedoor.Flags{stagedoor.FlagLegacyRO: true, stagedoor.FlagLegacyDelegation: true, stagedoor.FlagLegacyTokenInfo: true}
	})
	w.client(client, func(c *stagedoor.Client) {
		c.GrantTypes = append(c.GrantTypes, legacyRO, legacyROBearer, legacyDelegationID, legacyDelegationToken)
	})
}

func (w *world) old(path string, body url.Values) *tokenAnswer {
	w.Helper()
	return w.read(w.browser().post(path, body))
}

func ro(more ...string) url.Values {
	return values(append([]string{"client_id", legacy, "connection", "Users", "username", adaMail, "password", adaWord, "grant_type", "password", "scope", "openid email"}, more...)...)
}

func TestResourceOwner(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.old("/oauth/ro", ro()).bad(403, "unauthorized_client", "/oauth/ro is switched off for this tenant.")
		w.oldWays(legacy)
		w.rule(`function (user, context, callback) { user.protocol = context.protocol; callback(null, user, context); }`)
		w.logged()
		var got map[string]string
		a := w.old("/oauth/ro", ro("scope", "openid email protocol offline_access", "device", "phone"))
		ok(t, json.Unmarshal(a.Body.Bytes(), &got))
		if a.Code != 200 || got["token_type"] != "bearer" || len(got) != 4 {
			t.Fatalf("%d %s", a.Code, a.Body)
		}
		w.wantLog("s")
		id := w.claims(got["id_token"], secret(legacy))
		has(t, "the ID token", id, "aud email email_verified exp iat iss protocol sub")
		same(t, "protocol", id["protocol"], "oauth2-resource-owner")
		same(t, "userinfo", w.userInfo(got["access_token"])["user_id"], ada)
		same(t, "refreshed", w.claims(w.refresh(legacy, got["refresh_token"]).good().IDToken, secret(legacy))["sub"], ada)

		var again map[string]string
		a = w.old("/oauth/ro", values("client_id", legacy, "grant_type", grantBearer, "id_token", got["id_token"], "scope", "openid protocol"))
		ok(t, json.Unmarshal(a.Body.Bytes(), &again))
		same(t, "protocol", w.claims(again["id_token"], secret(legacy))["protocol"], "oauth2-resource-owner-jwt-bearer")
		if w.old("/oauth/ro", ro("scope", "-")).Code != 200 {
			t.Error("without a scope there is an access token alone")
		}
	})
}

func TestResourceOwnerRefused(t *testing.T) {
	w := newWorld(t)
	w.oldWays(legacy)
	for name, c := range map[string]struct {
		body       url.Values
		status     int
		code, text string
	}{
		"no client":       {ro("client_id", "-"), 400, "invalid_request", "missing client_id parameter"},
		"no grant":        {ro("grant_type", "-"), 400, "invalid_request", "missing grant_type parameter"},
		"no connection":   {ro("connection", "-"), 400, "invalid_request", "missing connection parameter"},
		"no username":     {ro("username", "-"), 400, "invalid_request", "missing username parameter"},
		"no password":     {ro("password", "-"), 400, "invalid_request", "missing password parameter"},
		"no device":       {ro("scope", "offline_access"), 400, "invalid_request", "missing device parameter"},
		"connection":      {ro("connection", "Nowhere"), 400, "invalid_request", "the connection was not found"},
		"password":        {ro("password", "x"), 401, "invalid_user_password", "Wrong email or password."},
		"nobody":          {ro("username", "nobody@example.com"), 401, "invalid_user_password", "Wrong email or password."},
		"unknown client":  {ro("client_id", "nobody"), 403, "unauthorized_client", "invalid client"},
		"conformant":      {ro("client_id", site), 400, "invalid_request", "OIDC conformant clients cannot use /oauth/ro"},
		"a foreign token": {values("client_id", legacy, "grant_type", grantBearer, "id_token", "e30.e30.e30"), 401, "invalid_grant", "The id_token is not valid for this client."},
	} {
		t.Run(name, func(t *testing.T) { w.old("/oauth/ro", c.body).bad(c.status, c.code, c.text) })
	}
	w.client(legacy, func(c *stagedoor.Client) { c.GrantTypes = []string{"authorization_code"} })
	w.old("/oauth/ro", ro()).bad(403, "unauthorized_client", "Grant type '"+legacyRO+"' not allowed for the client.")
	w.settings(func(s *stagedoor.TenantSettings) { s.Flags = nil })
	w.old("/delegation", values("client_id", legacy)).bad(403, "unauthorized_client", "/delegation is switched off for this tenant.")
}

func TestDelegation(t *testing.T) {
	w := newWorld(t)
	w.oldWays(legacy)
	ok(t, w.st.CreateClient(t.Context(), &stagedoor.Client{ID: "target", Name: "Target", Secret: secret("target"), JWTConfiguration: stagedoor.JWTConfiguration{Algorithm: jose.HS256}}))
	first := w.redeem(legacy, w.browser().login(request(legacy, "scope", "openid offline_access")).got().Get("code")).good()
	w.rule(`function (user, context, callback) { user.protocol = context.protocol + ' ' + context.clientID; callback(null, user, context); }`)
	w.logged()
	ask := func(more ...string) *tokenAnswer {
		return w.old("/delegation", values(append([]string{"client_id", legacy, "grant_type", grantBearer, "id_token", first.IDToken, "scope", "openid protocol"}, more...)...))
	}
	good := func(a *tokenAnswer, key, client string) {
		t.Helper()
		var got struct {
			Type string `json:"token_type"`
			ID   string `json:"id_token"`
			Life int    `json:"expires_in"`
		}
		ok(t, json.Unmarshal(a.Body.Bytes(), &got))
		id := w.claims(got.ID, key)
		same(t, "delegated", []any{a.Code, got.Type, got.Life, id["aud"], id["sub"], id["protocol"]}, []any{200, "Bearer", 36000, client, ada, "delegation " + client})
		w.wantLog("sd")
	}
	good(ask(), secret(legacy), legacy)
	good(ask("id_token", "-", "refresh_token", first.RefreshToken), secret(legacy), legacy)
	ask("target", "target").bad(403, "unauthorized_client", "The target client does not allow delegation from this client.")
	w.wantLog("fd")
	w.client("target", func(c *stagedoor.Client) {
		c.Stored = map[string]json.RawMessage{"allowed_clients": json.RawMessage(`["legacy"]`)}
	})
	good(ask("target", "target"), secret("target"), "target")
	ask("target", site).bad(403, "unauthorized_client", "The target client does not allow delegation from this client.")
	ask("api_type", "aws").bad(501, "not_supported", "Delegation to aws is not supported by this server.")
	ask("client_id", site).bad(400, "invalid_request", "OIDC conformant clients cannot use /delegation")
	w.pass(11 * time.Hour)
	ask().bad(401, "invalid_grant", "The id_token has expired.")
	ask("id_token", "-", "refresh_token", "nonsense").bad(403, "invalid_grant", wrongRefresh)
}

// An ID token from before all access of its person ended gives nothing new: it could be exchanged for the next one for ever, and for a refresh token.
func TestAttackIDTokenFromBefore(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.oldWays(legacy)
		idToken := func() string {
			var got map[string]string
			ok(t, json.Unmarshal(w.old("/oauth/ro", ro()).Body.Bytes(), &got))
			return got["id_token"]
		}
		found := idToken()
		ways := func(token string) []*tokenAnswer {
			return []*tokenAnswer{
				w.old("/delegation", values("client_id", legacy, "grant_type", grantBearer, "id_token", token, "scope", "openid")),
				w.old("/oauth/ro", values("client_id", legacy, "grant_type", grantBearer, "id_token", token, "scope", "openid offline_access", "device", "phone")),
			}
		}
		for _, a := range ways(found) {
			same(t, "as long as nothing has ended", a.Code, 200)
		}
		ok(t, w.st.RevokeSessions(t.Context(), store.AccessOf{UserID: ada}, true))
		for _, a := range ways(found) {
			a.bad(401, "invalid_grant", "All access of the user has ended since the id_token was given.")
		}
		for _, a := range ways(idToken()) {
			same(t, "one from after it", a.Code, 200)
		}
	})
}

func TestTokenInfo(t *testing.T) {
	w := newWorld(t)
	old := w.redeem(legacy, w.browser().login(request(legacy)).got().Get("code")).good().IDToken
	modern := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().IDToken
	w.old("/tokeninfo", values("id_token", old)).bad(403, "unauthorized_client", "/tokeninfo is switched off for this tenant.")
	w.oldWays(legacy)
	for _, a := range []*answer{w.browser().post("/tokeninfo", values("id_token", old)), w.browser().get("/tokeninfo?id_token=" + old)} {
		var got map[string]any
		ok(t, json.Unmarshal(a.Body.Bytes(), &got))
		same(t, "the profile", []any{a.Code, got["user_id"], got["clientID"], got["email"], got["app_metadata"].(map[string]any)["plan"]}, []any{200, ada, legacy, adaMail, "gold"})
	}
	w.old("/tokeninfo", values("id_token", modern)).bad(400, "invalid_request", "OIDC conformant clients cannot use /tokeninfo")
	w.old("/tokeninfo", values()).bad(400, "invalid_request", "missing id_token parameter")
	for _, bad := range []string{"nonsense", old[:len(old)-4] + "AAAA", strings.Replace(old, ".", "..", 1)} {
		if a := w.browser().post("/tokeninfo", values("id_token", bad)); a.Code != 401 || a.Body.String() != "Unauthorized" {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	}
}

// A client that knows its own secret can make ID tokens. They name nobody whom it could not sign in.
func TestForgedIDTokenOfAnotherConnection(t *testing.T) {
	w := newWorld(t)
	w.oldWays(legacy)
	w.client(legacy, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, legacyROBearer) })
	token := w.redeem(legacy, w.browser().login(request(legacy)).got().Get("code")).good().IDToken
	conn, err := w.st.ConnectionByName(t.Context(), "Users")
	ok(t, err)
	_, err = w.st.UpdateConnection(t.Context(), conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = []string{site}; return nil })
	ok(t, err)
	const refused = "The id_token is not valid for this client."
	w.old("/delegation", values("client_id", legacy, "grant_type", grantBearer, "id_token", token, "scope", "openid")).bad(401, "invalid_grant", refused)
	w.old("/oauth/ro", values("client_id", legacy, "grant_type", grantBearer, "id_token", token, "scope", "openid")).bad(401, "invalid_grant", refused)
	if a := w.browser().post("/tokeninfo", values("id_token", token)); a.Code != 401 || a.Body.String() != "Unauthorized" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

// What is not served of the old API says so, and what there is instead.
func TestNotServedOfOld(t *testing.T) {
	w := newWorld(t)
	w.old("/login/unlink", values("access_token", "x", "user_id", ada)).bad(501, "not_supported", "Identities are unlinked by DELETE /api/v2/users/{id}/identities/{provider}/{user_id}.")
	w.old("/users/auth0%7Cada/impersonate", values("protocol", "oauth2")).bad(501, "not_supported", "Nobody logs in as somebody else.")
}
