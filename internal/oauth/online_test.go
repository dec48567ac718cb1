package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

const onlineScope = "openid read:songs online_access"

// goesOnline lets the API have online refresh tokens, in sessions that end with the browser only if ephemeral says so.
func (w *world) goesOnline(ephemeral bool) {
	w.Helper()
	w.api(func(rs *stagedoor.ResourceServer) {
		rs.Stored = map[string]json.RawMessage{"allow_online_access": json.RawMessage("true")}
		if ephemeral {
			rs.Stored["allow_online_access_with_ephemeral_sessions"] = json.RawMessage("true")
		}
	})
}

func askOnline(client string, more ...string) url.Values {
	return request(client, append([]string{"scope", onlineScope, "audience", apiAudience}, more...)...)
}

// onlineToken signs ada in at the site, by a browser, and returns the tokens.
func (b *browser) onlineToken(more ...string) *tokenAnswer {
	b.Helper()
	a := b.redeem(site, b.login(askOnline(site, more...)).got().Get("code")).good()
	if !strings.HasPrefix(a.RefreshToken, "ORT") {
		b.Fatalf("no online refresh token: %s", a.Body)
	}
	return a
}

func TestOnlineRefreshTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		b := w.browser()
		if a := w.redeem(site, b.login(askOnline(site)).got().Get("code")).good(); a.RefreshToken != "" || a.Scope != "openid read:songs" {
			t.Errorf("an API without online access: %s", a.Body)
		}
		w.goesOnline(false)
		w.rotating(site, nil)
		b.get("/v2/logout")
		first := b.onlineToken()
		same(t, "scope", []any{first.Scope, w.claims(first.AccessToken)["scope"]}, []any{"openid read:songs", "openid read:songs"})
		kept, err := w.st.UserRefreshTokens(t.Context(), ada)
		ok(t, err)
		same(t, "refresh tokens that lie in the database", len(kept), 0)
		w.logged()
		again := w.refresh(site, first.RefreshToken, "scope", onlineScope).good()
		w.wantLog("sertft")
		if strings.Contains(again.Body.String(), `"refresh_token"`) || again.IDToken == "" {
			t.Errorf("a token that does not rotate: %s", again.Body)
		}
		same(t, "scope", again.Scope, first.Scope)
		same(t, "sid", w.claims(again.IDToken)["sid"], w.claims(first.IDToken)["sid"])
		same(t, "gty", w.claims(again.AccessToken)["gty"], "refresh_token")

		// Nobody else has any use for it.
		w.refresh(third, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		w.refresh(site, first.RefreshToken+"x").bad(403, "invalid_grant", wrongRefresh)
		w.refresh(site, "ORT.").bad(403, "invalid_grant", wrongRefresh)
		evil := w.tenant("evil")
		if _, err := evil.OpenOnlineToken(first.RefreshToken, site); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("in another tenant: %v", err)
		}

		// Each use is one of the session, which ends at its time all the same: 72 hours idle, 168 in all.
		for range 3 {
			w.pass(50 * time.Hour)
			w.refresh(site, first.RefreshToken).good()
			b.authorize(request(site, "prompt", "none")).got()
		}
		w.pass(18 * time.Hour)
		w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		first = b.onlineToken()
		w.pass(72 * time.Hour)
		w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)

		first = b.onlineToken()
		b.get("/v2/logout")
		w.refresh(site, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	})
}

// Each use of an online refresh token is a use of its session: that does not end as one that nobody uses, and ends at its time all the same.
func TestOnlineRefreshTokensKeepTheSession(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.goesOnline(false)
		b := w.browser()
		a := b.onlineToken()
		for range 2 { // of 72 hours that nobody may be away
			w.pass(71 * time.Hour)
			w.refresh(site, a.RefreshToken).good()
		}
		b.authorize(request(site, "prompt", "none")).got()
		w.pass(26*time.Hour + time.Minute) // 168 hours are over
		w.refresh(site, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	})
}

// What ends the session ends its online refresh tokens, all of them, and those of no other session.
func TestOnlineRefreshTokensEnd(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.goesOnline(false)
		elsewhere := w.browser().onlineToken()
		blocked := func(is bool) {
			_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Blocked = new(is); return nil })
			ok(t, err)
		}
		for name, end := range map[string]func(code string, a *tokenAnswer){
			"the code is used again": func(code string, _ *tokenAnswer) {
				w.redeem(site, code).bad(403, "invalid_grant", "Invalid authorization code")
			},
			"its client revokes it": func(_ string, a *tokenAnswer) {
				w.browser().post("/oauth/revoke", values("client_id", third, "client_secret", secret(third), "token", a.RefreshToken)) // another one cannot
				w.refresh(site, a.RefreshToken).good()
				w.logged()
				got := w.browser().post("/oauth/revoke", values("client_id", site, "client_secret", secret(site), "token", a.RefreshToken))
				same(t, "status", got.Code, http.StatusOK)
				w.wantLog("srrt")
				got = w.browser().post("/oauth/revoke", values("client_id", site, "client_secret", secret(site), "token", a.RefreshToken))
				same(t, "status", got.Code, http.StatusOK)
				w.wantLog()
			},
			"the session is revoked": func(_ string, a *tokenAnswer) {
				ok(t, w.st.EndSession(t.Context(), w.claims(a.IDToken)["sid"].(string), true))
			},
			"an action ends it": func(_ string, a *tokenAnswer) {
				w.postLogin(`if (event.refresh_token.access === 'online' && event.refresh_token.session_id === event.session.id) api.refreshToken.revoke('stolen');`)
				if got := w.refresh(site, a.RefreshToken); got.Code != http.StatusForbidden {
					t.Errorf("%d %s", got.Code, got.Body)
				}
				w.noActions()
			},
		} {
			b := w.browser()
			code := b.login(askOnline(site)).got().Get("code")
			a, other := w.redeem(site, code).good(), w.redeem(site, b.authorize(askOnline(site)).got().Get("code")).good()
			end(code, a)
			for _, token := range []string{a.RefreshToken, other.RefreshToken} {
				w.refresh(site, token).bad(403, "invalid_grant", wrongRefresh)
			}
			b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
			w.inactive(name, site, a.RefreshToken)
			w.refresh(site, elsewhere.RefreshToken).good()
			if t.Failed() {
				t.Fatal(name)
			}
		}
		a := w.browser().onlineToken()
		w.api(func(rs *stagedoor.ResourceServer) { delete(rs.Stored, "allow_online_access") })
		w.refresh(site, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		w.inactive("an API that has none any more", site, a.RefreshToken)
		w.goesOnline(false)
		w.refresh(site, a.RefreshToken).good()
		blocked(true)
		blocked(false)
		w.refresh(site, elsewhere.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	})
}

// A refresh token of a public client is bound to its key.
func TestOnlineRefreshTokensOfPublicClients(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.goesOnline(false)
		b := w.browser()
		w.redeem(spa, b.login(askOnline(spa)).got().Get("code")).bad(400, "invalid_dpop_proof", "Online refresh tokens of public clients are bound to a key: send a DPoP proof.")
		p, thief := w.prover(), w.prover()
		code := b.authorize(askOnline(spa)).got().Get("code")
		p.token(exchange(spa, code)).bad(400, "use_dpop_nonce", wantsNonce)
		first := p.bound(p.token(exchange(spa, code)))
		refresh := values("grant_type", "refresh_token", "client_id", spa, "refresh_token", first.RefreshToken)
		p.bound(p.token(refresh))
		thief.token(refresh).bad(400, "use_dpop_nonce", wantsNonce)
		thief.token(refresh).bad(403, "invalid_grant", wrongRefresh)
		w.refresh(spa, first.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		p.bound(p.token(refresh))
		w.transfers(spa, nativeTransfer)
		p.token(values("grant_type", "refresh_token", "client_id", spa, "refresh_token", first.RefreshToken, "audience", transferAudience)).
			bad(403, "invalid_grant", "An online refresh token gives no session transfer token.")

		held := b.redeem(site, b.authorize(askOnline(site)).got().Get("code")).good().RefreshToken
		w.refresh(site, held).good()
		w.client(site, func(c *stagedoor.Client) { c.TokenEndpointAuthMethod = "none" })
		w.token(values("grant_type", "refresh_token", "client_id", site, "refresh_token", held)).bad(403, "invalid_grant", wrongRefresh)
	})
}

// Where there are none, nothing is said of it.
func TestNoOnlineRefreshTokens(t *testing.T) {
	w := newWorld(t)
	w.goesOnline(false)
	none := func(name string, a *tokenAnswer) {
		t.Helper()
		if a.good(); a.RefreshToken != "" || strings.Contains(a.Scope, "online_access") {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	b := w.browser()
	b.login(request(site)).got()
	none("without an API", w.redeem(site, b.authorize(request(site, "scope", onlineScope)).got().Get("code")))
	w.client(site, func(c *stagedoor.Client) { c.GrantTypes = []string{"authorization_code"} })
	none("a client without the grant", w.redeem(site, b.authorize(askOnline(site)).got().Get("code")))
	w.client(site, func(c *stagedoor.Client) {
		c.GrantTypes = []string{"authorization_code", "refresh_token", "implicit", grantPassword}
	})
	w.passwords(site)
	none("no browser", w.byPassword(site, "audience", apiAudience, "scope", onlineScope))
	if got := b.authorize(askOnline(site, "response_type", "token", "nonce", "n")).got(); got.Get("refresh_token") != "" {
		t.Errorf("implicit: %v", got)
	}
	w.settings(func(s *stagedoor.TenantSettings) { s.SessionCookie = &stagedoor.CookieMode{Mode: "non-persistent"} })
	ephemeral := w.browser()
	none("a session that ends with the browser", w.redeem(site, ephemeral.login(askOnline(site)).got().Get("code")))
	w.goesOnline(true)
	if a := w.redeem(site, ephemeral.authorize(askOnline(site)).got().Get("code")).good(); a.RefreshToken == "" {
		t.Errorf("the API allows that: %s", a.Body)
	}
	b.authorize(askOnline(site, "scope", onlineScope+" offline_access")).fails("invalid_request", "Cannot request both online_access and offline_access scopes")
}

// One that rests on a consent ends with it.
func TestOnlineConsentTakenBack(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.goesOnline(false)
		b := w.browser()
		state := b.login(askOnline(third)).asks("consent")
		a := w.redeem(third, b.decide(state, true).got().Get("code")).good()
		w.refresh(third, a.RefreshToken).good()
		ok(t, w.st.DeleteUserGrants(t.Context(), ada))
		w.refresh(third, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
		b.authorize(request(third, "prompt", "none")).fails("consent_required", "Consent required") // the session goes on

		// Nor does it come back with another consent, in the same session.
		next := w.redeem(third, b.decide(b.authorize(askOnline(third)).asks("consent"), true).got().Get("code")).good()
		w.refresh(third, next.RefreshToken).good()
		w.refresh(third, a.RefreshToken).bad(403, "invalid_grant", wrongRefresh)
	})
}

// A person who takes a client's access back ends its online refresh tokens in all sessions, whether or not they have ever consented. The sessions go on, and the next login comes to
// tokens that work.
func TestOnlineTokensTakenBack(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.goesOnline(false)
		b, elsewhere := w.browser(), w.browser()
		first, there := b.onlineToken().RefreshToken, elsewhere.onlineToken().RefreshToken
		take := func() {
			t.Helper()
			n, err := w.st.EndClientAccess(t.Context(), ada, site)
			ok(t, err)
			same(t, "sessions with online refresh tokens", n, 2)
		}
		take()
		for _, token := range []string{first, there} {
			w.refresh(site, token).bad(403, "invalid_grant", wrongRefresh)
		}
		again := func(b *browser) string {
			t.Helper()
			return w.redeem(site, b.authorize(askOnline(site, "prompt", "none")).got().Get("code")).good().RefreshToken
		}
		second := again(b)
		w.refresh(site, second).good()
		w.refresh(site, again(b)).good()
		w.refresh(site, second).good() // as of another window
		w.refresh(site, first).bad(403, "invalid_grant", wrongRefresh)
		w.refresh(site, there).bad(403, "invalid_grant", wrongRefresh)
		again(elsewhere)
		take()
		w.refresh(site, second).bad(403, "invalid_grant", wrongRefresh)
		w.refresh(site, again(b)).good()
		w.refresh(site, second).bad(403, "invalid_grant", wrongRefresh)

		// One that is older than this is noted nowhere.
		all, err := w.st.UserSessions(t.Context(), ada)
		ok(t, err)
		s := all[0]
		old, err := w.st.SealOnlineToken(&stagedoor.RefreshToken{ID: "rt_old", FamilyID: "old", ClientID: site, UserID: ada, SessionID: s.ID, Audience: apiAudience, Scope: []string{"openid"}, Online: true})
		ok(t, err)
		ok(t, w.st.UpdateSession(t.Context(), s.ID, func(s *stagedoor.Session) { s.Online = nil }))
		w.refresh(site, old).good()
		_, err = w.st.EndClientAccess(t.Context(), ada, site)
		ok(t, err)
		w.refresh(site, old).bad(403, "invalid_grant", wrongRefresh)
	})
}

func TestIntrospectionOfOnlineTokens(t *testing.T) {
	w := newWorld(t)
	w.goesOnline(false)
	now := w.clock()
	a := w.browser().onlineToken()
	same(t, "an online refresh token", w.introspect(site, a.RefreshToken), map[string]any{
		"active": true, "sub": ada, "aud": []string{apiAudience}, "client_id": site, "scope": "openid read:songs", "iat": now.Unix(), "exp": now.Add(72 * time.Hour).Unix(),
	})
	w.inactive("another client's", third, a.RefreshToken)
}
