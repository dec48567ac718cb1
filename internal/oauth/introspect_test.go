package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/jose"
)

// introspect asks about a token as a client.
func (w *world) introspect(client, raw string, more ...string) map[string]any {
	w.Helper()
	a := w.browser().post("/oauth/introspect", values(append([]string{"client_id", client, "client_secret", secret(client), "token", raw}, more...)...))
	if a.Code != http.StatusOK || a.Header().Get("Cache-Control") != "no-store" {
		w.Fatalf("%d %v %s", a.Code, a.Header(), a.Body)
	}
	var out map[string]any
	ok(w, json.Unmarshal(a.Body.Bytes(), &out))
	return out
}

func (w *world) inactive(what, client, raw string) {
	w.Helper()
	same(w, what, w.introspect(client, raw), map[string]any{"active": false})
}

func TestIntrospection(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		now := w.clock().Unix()
		got := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid offline_access read:songs")).got().Get("code")).good()
		same(t, "a JWT", w.introspect(site, got.AccessToken, "token_type_hint", "access_token"), map[string]any{
			"active": true, "iss": "https://acme.test/", "sub": ada, "aud": []string{apiAudience, "https://acme.test/userinfo"}, "client_id": site, "token_type": "Bearer",
			"exp": now + 86400, "iat": now, "scope": "openid offline_access read:songs",
		})
		same(t, "a refresh token", w.introspect(site, got.RefreshToken), map[string]any{
			"active": true, "sub": ada, "aud": []string{apiAudience}, "client_id": site, "scope": "openid offline_access read:songs", "iat": now,
		})
		opaque := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken
		same(t, "an opaque token", w.introspect(site, opaque), map[string]any{
			"active": true, "iss": "https://acme.test/", "sub": ada, "aud": []string{"https://acme.test/userinfo"}, "client_id": site, "token_type": "Bearer",
			"exp": now + 86400, "scope": "openid profile email",
		})
		own := w.token(machineForm2(w)).good().AccessToken
		same(t, "a client's own", w.introspect(machine, own)["sub"], machine+"@clients")

		// Another client learns nothing, unless it stands for the API.
		for what, raw := range map[string]string{"a JWT": got.AccessToken, "a refresh token": got.RefreshToken, "an opaque token": opaque} {
			w.inactive(what+" of another client", third, raw)
		}
		w.client(third, func(c *stagedoor.Client) {
			c.AppType, c.Stored = "resource_server", map[string]json.RawMessage{"resource_server_identifier": json.RawMessage(`"` + apiAudience + `"`)}
		})
		same(t, "the API", w.introspect(third, got.AccessToken)["active"], true)
		w.inactive("a refresh token, for the API", third, got.RefreshToken)
		w.inactive("another API's token", third, opaque)

		for what, raw := range map[string]string{"an ID token": got.IDToken, "nonsense": "x", "almost": got.AccessToken + "x", "a code": "code"} {
			w.inactive(what, site, raw)
		}
		w.refresh(site, got.RefreshToken).good()
		_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = new(true); return nil })
		ok(t, err)
		w.inactive("a blocked user's", site, got.AccessToken)
		_, err = w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = new(false); return nil })
		ok(t, err)
		opaque = w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken // the one before ended with the block
		same(t, "an opaque token", w.introspect(site, opaque)["active"], true)
		for iss, active := range map[string]bool{"https://acme.test/": true, "https://other.test/": false, "": false} { // by a key of ours, as one is from before a domain was given up
			raw, err := w.minter.Sign(t.Context(), w.st, jose.RS256, map[string]any{"iss": iss, "sub": ada, "aud": apiAudience, "azp": site, "exp": w.clock().Unix() + 60})
			ok(t, err)
			same(t, "issuer "+iss, w.introspect(site, raw)["active"], active)
		}
		w.pass(24 * time.Hour)
		w.inactive("an expired JWT", site, got.AccessToken)
		w.inactive("an expired opaque token", site, opaque)
	})
}

// An API that asks hears what rules and actions have put into the token, as one that reads the token does: roles, tenants, the name of a mailbox.
func TestIntrospectionOfCustomClaims(t *testing.T) {
	w := newWorld(t)
	until := w.clock().Unix() + 60
	raw, err := w.minter.Sign(t.Context(), w.st, jose.RS256, map[string]any{
		"iss": "https://acme.test/", "sub": ada, "aud": apiAudience, "azp": site, "iat": until - 60, "exp": until, "scope": "read:songs", "username": "ada",
		"https://example.com/roles": []string{"editor"}, "https://example.com/meta": map[string]any{"plan": "gold", "id": json.Number("9007199254740993")},
		"active": false, "token_type": "mine",
	})
	ok(t, err)
	same(t, "claims", w.introspect(site, raw), map[string]any{
		"active": true, "iss": "https://acme.test/", "sub": ada, "aud": []string{apiAudience}, "client_id": site, "token_type": "Bearer", "exp": until, "iat": until - 60,
		"scope": "read:songs", "username": "ada", "https://example.com/roles": []string{"editor"},
		"https://example.com/meta": map[string]any{"plan": "gold", "id": float64(9007199254740993)}, // as the test reads it
	})
	a := w.browser().post("/oauth/introspect", values("client_id", site, "client_secret", secret(site), "token", raw))
	if !strings.Contains(a.Body.String(), `"id":9007199254740993`) {
		t.Errorf("a number is another one: %s", a.Body)
	}
}

// People whose id ends as that of a client's own tokens are people.
func TestIntrospectionOfPeopleLikeClients(t *testing.T) {
	w := newWorld(t)
	conn, err := w.st.ConnectionByName(t.Context(), "Users")
	ok(t, err)
	eve := &stagedoor.User{ID: "auth0|eve@clients", Email: "eve@example.com"}
	ok(t, (&connection.Database{Hasher: hasher}).Create(t.Context(), w.st, conn, eve, adaWord))
	w.client(site, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, grantRealm) })
	got := w.token(values("grant_type", grantRealm, "client_id", site, "client_secret", secret(site), "realm", "Users", "username", eve.Email, "password", adaWord, "audience", apiAudience)).good()
	same(t, "sub", w.introspect(site, got.AccessToken)["sub"], eve.ID)
	_, err = w.st.UpdateUser(t.Context(), eve.ID, func(u *stagedoor.User) error { u.Blocked = new(true); return nil })
	ok(t, err)
	w.inactive("blocked", site, got.AccessToken)
}

// What was revoked does not work, whichever kind of token it is.
func TestIntrospectionOfRevokedTokens(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) { rs.TokenDialect = "rfc9068_profile" }) // with a jti
	got := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid offline_access read:songs")).got().Get("code")).good()
	opaque := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken
	all := map[string]string{"a JWT": got.AccessToken, "a refresh token": got.RefreshToken, "an opaque token": opaque}
	for what, raw := range all {
		same(t, what, w.introspect(site, raw)["active"], true)
	}
	ok(t, w.st.BlacklistToken(t.Context(), stagedoor.BlacklistedToken{Audience: apiAudience, JTI: w.claims(got.AccessToken)["jti"].(string)}))
	for _, raw := range []string{got.RefreshToken, opaque} {
		if a := w.browser().post("/oauth/revoke", values("client_id", site, "client_secret", secret(site), "token", raw)); a.Code != http.StatusOK {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	}
	for what, raw := range all {
		w.inactive(what, site, raw)
	}
}

// To look at a superseded refresh token tells that it is over, and ends no family.
func TestIntrospectionOfRotatedTokens(t *testing.T) {
	w := newWorld(t)
	w.client(site, func(c *stagedoor.Client) {
		c.RefreshToken.RotationType, c.RefreshToken.ExpirationType = "rotating", "expiring"
		c.RefreshToken.TokenLifetime, c.RefreshToken.IdleTokenLifetime = 1000, 500
	})
	got := w.redeem(site, w.browser().login(request(site, "scope", "openid offline_access")).got().Get("code")).good()
	same(t, "exp", w.introspect(site, got.RefreshToken)["exp"], w.clock().Unix()+500)
	next := w.refresh(site, got.RefreshToken).good()
	w.inactive("superseded", site, got.RefreshToken)
	last := w.refresh(site, next.RefreshToken).good()
	same(t, "the last", w.introspect(site, last.RefreshToken)["active"], true)
	w.pass(500 * time.Second)
	w.inactive("idled out", site, last.RefreshToken)
}

func TestIntrospectionRefused(t *testing.T) {
	w := newWorld(t)
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.SigningAlgorithm, rs.SigningSecret = jose.HS256, "secret of the API"
	})
	own := w.token(machineForm2(w)).good().AccessToken
	same(t, "HS256", w.introspect(machine, own)["active"], true)
	for name, c := range map[string]struct {
		pairs  []string
		status int
		code   string
	}{
		"wrong secret": {[]string{"client_id", machine, "client_secret", "wrong", "token", own}, 401, "invalid_client"},
		"nobody":       {[]string{"token", own}, 400, "invalid_request"},
		"public":       {[]string{"client_id", spa, "token", own}, 401, "invalid_client"},
		"no token":     {[]string{"client_id", machine, "client_secret", secret(machine)}, 400, "invalid_request"},
	} {
		a := w.read(w.browser().post("/oauth/introspect", values(c.pairs...)))
		if a.Code != c.status || a.Error != c.code {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
	for _, path := range []string{"/oauth/introspect", "/bc-authorize", "/passwordless/start", "/passkey/challenge"} { // RFC 6749 section 5.2
		r := httptest.NewRequest("POST", path, strings.NewReader("token=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", basic(machine, "wrong"))
		if a := w.browser().do(r); a.Code != 401 || a.Header().Get("WWW-Authenticate") != `Basic realm="acme"` {
			t.Errorf("%s: %d %v", path, a.Code, a.Header())
		}
	}
}

func TestRevokeOpaqueAccessToken(t *testing.T) {
	w := newWorld(t)
	opaque := w.redeem(site, w.browser().login(request(site)).got().Get("code")).good().AccessToken
	revoke := func(client string) {
		t.Helper()
		if a := w.browser().post("/oauth/revoke", values("client_id", client, "client_secret", secret(client), "token", opaque, "token_type_hint", "access_token")); a.Code != http.StatusOK || a.Body.Len() > 0 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	}
	revoke(third)
	w.userInfo(opaque)
	revoke(site)
	if a := w.info(opaque); a.Code != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", a.Code)
	}
	revoke(site)
	opaque = w.redeem(site, w.browser().login(request(site, "audience", apiAudience)).got().Get("code")).good().AccessToken
	revoke(site) // a signed one, which nobody asks us about
	w.userInfo(opaque)
}

// A client that wants it gets the answer of /userinfo as a token.
func TestSignedUserInfo(t *testing.T) {
	w := newWorld(t)
	for _, alg := range []string{"RS256", "PS256"} {
		w.client(site, func(c *stagedoor.Client) {
			c.Stored = map[string]json.RawMessage{"userinfo_signed_response_alg": json.RawMessage(`"` + alg + `"`)}
		})
		for _, more := range [][]string{nil, {"audience", apiAudience}} {
			access := w.redeem(site, w.browser().login(request(site, more...)).got().Get("code")).good().AccessToken
			a := w.info(access)
			same(t, "type", a.Header().Get("Content-Type"), "application/jwt")
			keys, err := w.minter.Keys.Public(t.Context(), w.st)
			ok(t, err)
			claims, err := jose.ParseObject(a.Body.String(), w.clock(), func(h jose.Header) (string, any, error) { return alg, keys[h.KeyID], nil })
			ok(t, err)
			same(t, alg, []any{claims.Issuer, claims.Audience, claims.Subject, claims.Raw["email"]}, []any{"https://acme.test/", []string{site}, ada, adaMail})
			if !claims.ExpiresAt.IsZero() {
				t.Error("it could be taken for an ID token")
			}
		}
	}
	same(t, "another client", w.userInfo(w.redeem(spa, w.browser().login(request(spa)).got().Get("code")).good().AccessToken)["sub"], ada)
}
