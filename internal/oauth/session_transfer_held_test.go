package oauth

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// What a browser was given by a session transfer token ends with the refresh token, as the native client has it.
func TestSessionTransferCascade(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for name, revoke := range map[string]func(held string){
			"/oauth/revoke": func(held string) { w.browser().post("/oauth/revoke", values("client_id", spa, "token", held)) },
			"one":           func(string) { w.revokeRefreshTokens(store.RefreshTokensOf{UserID: ada, ClientID: spa}) },
			"of the client": func(string) { w.revokeRefreshTokens(store.RefreshTokensOf{ClientID: spa}) },
			"the session":   func(string) { w.endNativeSession() },
			"the grants":    func(string) { ok(t, w.st.DeleteUserGrants(t.Context(), ada)) },
			"a stolen token": func(held string) {
				w.refresh(spa, held).good()
				w.refresh(spa, held).bad(403, "invalid_grant", wrongRefresh)
			},
		} {
			for _, cascades := range []bool{true, false} {
				w.client(spa, func(c *stagedoor.Client) { c.RefreshToken = stagedoor.RefreshTokenRules{} })
				if name == "a stolen token" {
					w.rotating(spa, nil)
				}
				held := transferring(w)
				ok(t, w.st.AddGrant(t.Context(), ada, spa, apiAudience, []string{"openid"}))
				settings := `{"can_create_session_transfer_token":true,"enforce_cascade_revocation":false}`
				if cascades {
					settings = nativeTransfer
				}
				w.transfers(spa, settings)
				w.transfers(site, `{"allowed_authentication_methods":["query"],"allow_refresh_token":true,"enforce_online_refresh_tokens":false}`)
				a := w.refresh(spa, held, "audience", transferAudience)
				if a.RefreshToken != "" {
					held = a.RefreshToken
				}
				b := w.browser()
				web := w.redeem(site, b.transferred(a.AccessToken, "scope", "openid offline_access").got().Get("code")).good().RefreshToken
				waits := b.authorize(request(site, "prompt", "none")).got().Get("code")
				w.refresh(site, web).good()
				revoke(held)
				if !cascades {
					b.authorize(request(site, "prompt", "none")).got()
					w.refresh(site, web).good()
					continue
				}
				t.Log(name)
				b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
				w.refresh(site, web).bad(403, "invalid_grant", wrongRefresh)
				w.redeem(site, waits).bad(403, "invalid_grant", wrongCode)
			}
		}
	})
}

// With a native client ends what its session transfer tokens have opened, unless it says otherwise.
func TestSessionTransferOfADeletedClient(t *testing.T) {
	for name, settings := range map[string]string{"cascades": nativeTransfer, "does not": `{"can_create_session_transfer_token":true,"enforce_cascade_revocation":false}`} {
		t.Run(name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				held := transferring(w)
				w.transfers(spa, settings)
				b, own := w.browser(), w.browser()
				b.transferred(w.transfer(held)).got()
				own.login(request(site)).got()
				ok(t, w.st.DeleteClient(t.Context(), spa))
				own.authorize(request(site, "prompt", "none")).got()
				if name == "cascades" {
					b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
				} else {
					b.authorize(request(site, "prompt", "none")).got()
				}
			})
		})
	}
}

func (w *world) revokeRefreshTokens(of store.RefreshTokensOf) {
	w.Helper()
	_, err := w.st.RevokeRefreshTokens(w.Context(), of)
	ok(w, err)
}

// endNativeSession ends the session of ada's that no session transfer token opened, with its refresh tokens.
func (w *world) endNativeSession() {
	w.Helper()
	all, err := w.st.UserSessions(w.Context(), ada)
	ok(w, err)
	for _, s := range all {
		if s.Transfer == nil {
			ok(w, w.st.EndSession(w.Context(), s.ID, false))
		}
	}
}

// Refresh tokens of a browser's session that a session transfer token opened: only where the client may have them, with the session, and never for
// another session.
func TestSessionTransferRefreshTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		held := transferring(w)
		offline := []string{"scope", "openid offline_access"}
		b := w.browser()
		got := w.redeem(site, b.transferred(w.transfer(held), offline...).got().Get("code")).good()
		same(t, "no refresh token", []string{got.RefreshToken, got.Scope}, []string{"", "openid"})
		got = w.redeem(site, b.authorize(request(site, offline...)).got().Get("code")).good() // nor in the same session later
		same(t, "nor later", got.RefreshToken, "")

		w.transfers(site, `{"allowed_authentication_methods":["query"],"allow_refresh_token":true,"can_create_session_transfer_token":true}`)
		b = w.browser()
		web := w.redeem(site, b.transferred(w.transfer(held), offline...).got().Get("code")).good().RefreshToken
		w.refresh(site, web).good()
		// Attack: a session that came by a token gives no further ones.
		w.refresh(site, web, "audience", transferAudience).bad(403, "invalid_grant", "The refresh token comes from a session transfer token, and gives no other one.")
		elsewhere := w.redeem(spa, b.authorize(request(spa, "scope", "openid offline_access")).got().Get("code")).good().RefreshToken
		w.refresh(spa, elsewhere, "audience", transferAudience).bad(403, "invalid_grant", "The refresh token comes from a session transfer token, and gives no other one.")

		w.refresh(site, web).good()
		b.get("/v2/logout")
		w.refresh(site, web).bad(403, "invalid_grant", wrongRefresh)
		all, err := w.st.UserRefreshTokens(t.Context(), ada)
		ok(t, err)
		same(t, "what is left", slices.ContainsFunc(all, func(rt stagedoor.RefreshToken) bool { return rt.ClientID == site }), false)

		// They end as well when the session's time is up.
		b = w.browser()
		web = w.redeem(site, b.transferred(w.transfer(held), offline...).got().Get("code")).good().RefreshToken
		w.pass(30 * 24 * time.Hour)
		w.refresh(site, web).bad(403, "invalid_grant", wrongRefresh)
		w.transfers(site, `{"allowed_authentication_methods":["query"],"allow_refresh_token":true,"enforce_online_refresh_tokens":false}`)
		b = w.browser()
		web = w.redeem(site, b.transferred(w.transfer(held), offline...).got().Get("code")).good().RefreshToken
		b.get("/v2/logout")
		w.refresh(site, web).good()
	})
}

// Who has proved themselves in the browser since has a session of their own.
func TestSessionTransferThenALogin(t *testing.T) {
	w := newWorld(t)
	held := transferring(w)
	b := w.browser()
	b.transferred(w.transfer(held)).got()
	state := b.authorize(request(site, "prompt", "login")).asks("login")
	ok(t, b.password(state, adaMail, adaWord))
	b.resume(state).got()
	w.browser().post("/oauth/revoke", values("client_id", spa, "token", held))
	b.authorize(request(site, "prompt", "none")).got()
}

// A client that wants a login gets one, and the time of the login is that of the native client's.
func TestSessionTransferHoldsPrompts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		began := w.clock().Unix()
		held := transferring(w)
		w.pass(time.Hour)
		for _, more := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "3600"}, {"max_age", "0"}} {
			b := w.browser()
			token := w.transfer(held)
			b.transferred(token, more...).asks("login")
			same(t, strings.Join(more, " "), b.cookies[sessionCookie] == nil, true)
			b.transferred(token).asks("login") // it is used up
		}
		id := w.redeem(site, w.browser().transferred(w.transfer(held), "max_age", "7200").got().Get("code")).good().IDToken
		same(t, "auth_time", w.claims(id)["auth_time"], began)
		hint := w.redeem(site, w.bobs().authorize(request(site)).got().Get("code")).good().IDToken
		w.browser().transferred(w.transfer(held), "id_token_hint", hint).asks("login")
	})
}

// bobs is a browser in which bob is signed in.
func (w *world) bobs() *browser {
	w.Helper()
	b := w.browser()
	state := b.authorize(request(site)).asks("login")
	ok(w, b.password(state, bobMail, adaWord))
	b.resume(state).got()
	return b
}

// The tenant's policy asks for a second factor in the browser, whatever was given elsewhere.
func TestSessionTransferHoldsFactors(t *testing.T) {
	w := newWorld(t)
	transferring(w)
	first := w.offline(spa)
	ok(t, w.st.UpdateSession(t.Context(), w.claims(first.IDToken)["sid"].(string), func(s *stagedoor.Session) { // where they have given one
		s.Methods = append(s.Methods, stagedoor.AuthMethod{Name: "mfa", Type: "otp", Timestamp: w.clock().UnixMilli()})
	}))
	token := w.transfer(first.RefreshToken)
	ok(t, w.st.ChangeSetting(t.Context(), mfa.SettingFactors, func(m map[string]any) error { m["otp"] = true; return nil }))
	ok(t, w.st.ChangeSetting(t.Context(), mfa.SettingPolicies, func(m map[string]any) error { m["policies"] = []string{"all-applications"}; return nil }))
	b := w.browser()
	state := b.transferred(token).asks("mfa-otp-enrollment")
	b.resume(state).asks("mfa-otp-enrollment")
	b.authorize(request(site, "prompt", "none")).fails("login_required", "Multifactor authentication required")
}

// The token is of the organization that the refresh token is for, and of no other.
func TestSessionTransferOfOrganizations(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		north, south := w.org("north", nil, ada), w.org("south", nil, ada)
		w.organizedToo(spa, "allow")
		w.organizedToo(site, "allow")
		personal := transferring(w)
		held := transferring(w, "organization", north)
		for _, c := range [][3]string{{held, "-", ""}, {held, south, ""}, {personal, north, ""}, {held, north, north}, {personal, "-", ""}} {
			b, token := w.browser(), w.transfer(c[0])
			w.events()
			a := b.transferred(token, "organization", c[1])
			if c[0] == personal && c[1] == "-" {
				a.got()
				continue
			}
			if c[2] == "" {
				a.asks("login")
				w.warned("The session transfer token is of another organization than the login.")
				continue
			}
			same(t, "org_id", w.claims(w.redeem(site, a.got().Get("code")).good().IDToken)["org_id"], c[2])
		}
		ok(t, w.st.RemoveMembers(t.Context(), north, []string{ada}))
		w.refresh(spa, held, "audience", transferAudience).bad(403, "access_denied", noMember(north))
	})
}

// Actions see who got the token and where, and what the native client keeps with its refresh token.
func TestSessionTransferInActions(t *testing.T) {
	w := newWorld(t)
	held := transferring(w)
	all, err := w.st.UserRefreshTokens(t.Context(), ada)
	ok(t, err)
	_, err = w.st.SetRefreshTokenMetadata(t.Context(), all[0].ID, map[string]any{"device_trust": "high"})
	ok(t, err)
	token := w.transfer(held, "scope", "openid email")
	w.postLogin(`if (event.session_transfer_token) api.session.setExpiresAt(Date.now() + 1000);
		api.idToken.setCustomClaim('https://app.test/seen', {token: event.session_transfer_token, session: event.session.session_transfer});`)
	b := w.browser()
	id := w.redeem(site, b.transferred(token).got().Get("code")).good().IDToken
	parent := map[string]any{"id": all[0].ID, "metadata": map[string]any{"device_trust": "high"}}
	same(t, "event", w.claims(id)["https://app.test/seen"], map[string]any{
		"session": map[string]any{"parent_refresh_token": parent},
		"token":   map[string]any{"client_id": spa, "request": map[string]any{"geoip": map[string]any{}, "ip": "192.0.2.7", "user_agent": "test browser"}, "scope": []string{"openid", "email"}},
	})
	id = w.redeem(site, b.authorize(request(site, "prompt", "none")).got().Get("code")).good().IDToken
	same(t, "later", w.claims(id)["https://app.test/seen"], map[string]any{"session": map[string]any{"parent_refresh_token": parent}})
	if c := b.cookies[sessionCookie]; c == nil {
		t.Error("no cookie")
	}
	w.noActions()
	w.postLogin(`if (event.session_transfer_token) api.access.deny('not from there');`)
	b = w.browser()
	b.transferred(w.transfer(held)).fails("access_denied", "not from there")
}

// Who signed in without a browser has proved themselves when the refresh token was first given.
func TestSessionTransferWithoutASession(t *testing.T) {
	w := newWorld(t)
	w.passwords(spa)
	transferring(w)
	began := w.clock().Unix()
	held := w.token(values("grant_type", grantPassword, "client_id", spa, "username", adaMail, "password", adaWord, "scope", "openid offline_access")).good().RefreshToken
	w.pass(time.Hour)
	w.postLogin(`api.idToken.setCustomClaim('https://app.test/methods', event.authentication.methods.map(m => m.name));`)
	w.browser().transferred(w.transfer(held), "max_age", "3600").asks("login")
	id := w.redeem(site, w.browser().transferred(w.transfer(held), "max_age", "3601").got().Get("code")).good().IDToken
	same(t, "claims", []any{w.claims(id)["auth_time"], w.claims(id)["https://app.test/methods"]}, []any{began, []string{"pwd"}})
}

// A pushed request brings the token as well, and the address is that of the browser.
func TestSessionTransferPushed(t *testing.T) {
	w := newWorld(t)
	token := w.transfer(transferring(w))
	name := w.pushed(site, transferParam, token)
	b := w.browser()
	if a := b.authorize(values("client_id", site, "request_uri", name)); a.Code != http.StatusFound || a.got().Get("code") == "" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	b.authorize(request(site, transferParam, token)).asks("login")
}
