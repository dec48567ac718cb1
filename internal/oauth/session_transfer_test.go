package oauth

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

const (
	transferAudience = "urn:acme.test:session_transfer"
	nativeTransfer   = `{"can_create_session_transfer_token":true}`
	webTransfer      = `{"allowed_authentication_methods":["query","cookie"]}`
)

// transfers says how a client takes part in transfers of sessions.
func (w *world) transfers(client, settings string) {
	w.Helper()
	w.client(client, func(c *stagedoor.Client) {
		if c.Stored == nil {
			c.Stored = map[string]json.RawMessage{}
		}
		c.Stored["session_transfer"] = json.RawMessage(settings)
	})
}

// transferring is a world where spa gets session transfer tokens and site takes them, and a refresh token of ada at spa.
func transferring(w *world, more ...string) (refreshToken string) {
	w.Helper()
	w.transfers(spa, nativeTransfer)
	w.transfers(site, webTransfer)
	return w.offline(spa, more...).RefreshToken
}

// transfer gets a session transfer token.
func (w *world) transfer(refreshToken string, more ...string) string {
	w.Helper()
	a := w.refresh(spa, refreshToken, append([]string{"audience", transferAudience}, more...)...)
	if a.Code != http.StatusOK || a.TokenType != "N_A" {
		w.Fatalf("no session transfer token: %d %s", a.Code, a.Body)
	}
	return a.AccessToken
}

// transferred asks for a login at site with a session transfer token.
func (b *browser) transferred(token string, more ...string) *answer {
	b.Helper()
	return b.authorize(request(site, append([]string{transferParam, token}, more...)...))
}

// warned wants the one event since the last call to be a warning.
func (w *world) warned(text string) {
	w.Helper()
	var got []string
	for _, e := range w.events() {
		if e.Type == "w" {
			got = append(got, e.Description)
		}
	}
	if !slices.Equal(got, []string{text}) {
		w.Errorf("warnings %q, want %q", got, text)
	}
}

// What the exchange answers, and where the browser ends up.
func TestSessionTransfer(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		held := transferring(w)
		w.events()
		a := w.refresh(spa, held, "audience", transferAudience)
		var body map[string]any
		ok(t, json.Unmarshal(a.Body.Bytes(), &body))
		has(t, "the answer", body, "access_token expires_in id_token issued_token_type token_type")
		same(t, "the answer", []any{a.Code, a.TokenType, a.ExpiresIn, a.IssuedTokenType}, []any{200, "N_A", 60, "urn:auth0:params:oauth:token-type:session_transfer_token"})
		same(t, "the ID token", w.claims(a.IDToken)["aud"], spa)
		e := w.events()
		same(t, "the log", []any{len(e), e[0].Type, e[0].Audience, e[0].UserID}, []any{1, "sertft", transferAudience, ada})
		if strings.Contains(encoded(t, e), a.AccessToken) {
			t.Error("the token is in the log")
		}

		b := w.browser()
		before := w.user(ada).LoginsCount
		answer := b.transferred(a.AccessToken)
		code := answer.got().Get("code")
		e = w.events()
		same(t, "the log of the login", []any{len(e), e[0].Type, e[0].ClientID, e[0].Details["triggered_by_session_transfer_token"]}, []any{1, "s", site, true})
		same(t, "logins", w.user(ada).LoginsCount, before+1)
		tokens := w.redeem(site, code).good()
		same(t, "sub", w.claims(tokens.IDToken)["sub"], ada)
		b.authorize(request(site, "prompt", "none")).got() // the browser has a session now
		safe := 0
		for _, c := range answer.Result().Cookies() {
			if c.Name == sessionCookie && c.HttpOnly && c.Secure {
				safe++
			}
		}
		same(t, "the session's cookie", safe, 1)

		// By the cookie, which goes once it is used.
		b = w.browser()
		b.cookies["auth0_session_transfer_token"] = &http.Cookie{Name: "auth0_session_transfer_token", Value: w.transfer(held)}
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
		b.authorize(request(spa)).asks("login") // which takes none
		if b.cookies["auth0_session_transfer_token"] == nil {
			t.Fatal("a client that takes no tokens has taken it")
		}
		b.authorize(request(site)).got()
		if b.cookies["auth0_session_transfer_token"] != nil {
			t.Error("the cookie stays")
		}
		w.transfers(site, `{"allowed_authentication_methods":["cookie"]}`)
		w.browser().transferred(w.transfer(held)).asks("login")

		// A rotating client gets the next refresh token beside it.
		w.rotating(spa, nil)
		first := w.offline(spa).RefreshToken
		a = w.refresh(spa, first, "audience", transferAudience, "scope", "profile")
		if a.RefreshToken == "" || a.RefreshToken == first || a.IDToken != "" {
			t.Errorf("rotating: %s", a.Body)
		}
		w.transfer(a.RefreshToken)
	})
}

// What a native client may not do.
func TestSessionTransferTokensAreRefused(t *testing.T) {
	w := newWorld(t)
	held := transferring(w)
	const refused = "The client is not allowed to create session transfer tokens."
	w.transfers(spa, webTransfer)
	w.events()
	w.refresh(spa, held, "audience", transferAudience).bad(403, "unauthorized_client", refused)
	e := w.events()
	same(t, "the log", []any{len(e), e[0].Type, e[0].Audience, e[0].Description}, []any{1, "fertft", transferAudience, refused})
	w.transfers(spa, nativeTransfer)
	w.refresh(spa, held, "audience", "urn:other.test:session_transfer").bad(403, "access_denied", "Service not found: urn:other.test:session_transfer")
	w.client(spa, func(c *stagedoor.Client) { c.IsFirstParty = false })
	w.refresh(spa, held, "audience", transferAudience).bad(403, "unauthorized_client", refused)
	w.client(spa, func(c *stagedoor.Client) { c.IsFirstParty = true })
	w.transfer(held)
	own := &stagedoor.CustomDomain{Domain: "login.example", Type: "auth0_managed_certs"}
	ok(t, store.CustomDomains.Create(t.Context(), w.st, own))
	_, err := w.st.SettleDomain(t.Context(), own.ID, "")
	ok(t, err)
	w.settings(func(*stagedoor.TenantSettings) {})
	w.transfer(held, "audience", "urn:login.example:session_transfer")
	w.refresh(spa, "nonsense", "audience", transferAudience).bad(403, "invalid_grant", wrongRefresh)
	w.blockUser(ada)
	w.refresh(spa, held, "audience", transferAudience).bad(401, "unauthorized", "user is blocked")
}

func TestAttackSessionTransferReplay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		token := w.transfer(transferring(w))
		w.events()
		won := make(chan bool, 8)
		for range 8 {
			b := w.browser()
			go func() { won <- strings.HasPrefix(b.transferred(token).Header().Get("Location"), callback) }()
		}
		n := 0
		for range 8 {
			if <-won {
				n++
			}
		}
		same(t, "of eight browsers", n, 1)
		w.events()
		b := w.browser()
		b.transferred(token).asks("login")
		w.warned("The session transfer token is unknown, was used before, or has expired.")
		if b.cookies[sessionCookie] != nil {
			t.Error("a replay opens a session")
		}
	})
}

func TestAttackSessionTransferExpired(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		token := w.transfer(transferring(w))
		w.pass(time.Minute)
		w.events()
		w.browser().transferred(token).asks("login")
		w.warned("The session transfer token is unknown, was used before, or has expired.")
	})
}

func TestAttackSessionTransferOfAnotherTenant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		token := w.transfer(transferring(w))
		acme, other := w.st, w.tenant("other")
		w.st, w.host = other, "other.test"
		w.transfers(site, webTransfer)
		w.browser().transferred(token).asks("login")
		w.st, w.host = acme, "acme.test"
		w.browser().transferred(token).got()
	})
}

// A token is for clients that take it, and no refresh token, code or access token is one.
func TestAttackSessionTransferWithAnotherToken(t *testing.T) {
	w := newWorld(t)
	held := transferring(w)
	token := w.transfer(held)
	w.userInfoFails(token)
	w.refresh(spa, token).bad(403, "invalid_grant", wrongRefresh)
	w.refresh(spa, token, "audience", transferAudience).bad(403, "invalid_grant", wrongRefresh)
	w.redeem(spa, token).bad(403, "invalid_grant", wrongCode)
	w.browser().transferred(held).asks("login")
	w.browser().transferred(w.refresh(spa, held).good().AccessToken).asks("login")
	w.browser().authorize(request(spa, transferParam, token)).asks("login")   // takes none
	w.browser().authorize(request(third, transferParam, token)).asks("login") // nor does this one
	w.browser().transferred(token).got()
}

func (w *world) userInfoFails(token string) {
	w.Helper()
	if a := w.info(token); a.Code != http.StatusUnauthorized {
		w.Errorf("userinfo: %d %s", a.Code, a.Body)
	}
}

func TestAttackSessionTransferFromAnotherDevice(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		held := transferring(w)
		for _, binding := range []string{"ip", "asn"} {
			w.transfers(site, `{"allowed_authentication_methods":["query"],"enforce_device_binding":"`+binding+`"}`)
			token := w.transfer(held)
			thief := w.browser()
			thief.from = "198.51.100.9"
			w.events()
			thief.transferred(token).asks("login")
			w.warned("The session transfer token was asked for from another address.")
			w.browser().transferred(token).asks("login") // it is used up
			same(t, binding, thief.cookies[sessionCookie] == nil, true)
		}
		w.transfers(site, `{"allowed_authentication_methods":["query"],"enforce_device_binding":"none"}`)
		b := w.browser()
		b.from = "198.51.100.9"
		b.transferred(w.transfer(held)).got()
		w.transfers(site, webTransfer)
		b = w.browser()
		b.from = "::ffff:192.0.2.7"
		b.transferred(w.transfer(held)).got()
	})
}

// A planted token does not lead anybody into an account that is not theirs: it ends their session, and they are asked who they are.
func TestAttackSessionTransferLoginCSRF(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		planted := transferring(w) // ada's
		b := w.browser()
		state := b.authorize(request(site)).asks("login")
		ok(t, b.password(state, bobMail, adaWord))
		b.resume(state).got()
		was := *b.cookies[sessionCookie]

		// One that is no good leaves the session alone, and asks all the same.
		b.transferred("nonsense").asks("login")
		same(t, "bob is signed in", w.sub(b), bob)
		// In a frame it is not looked at.
		planted1 := w.transfer(planted)
		b.transferred(planted1, "prompt", "none").got()
		same(t, "bob is signed in", w.sub(b), bob)

		w.events()
		b.transferred(planted1).asks("login")
		w.warned("The session transfer token is another person's than who was signed in in the browser, whose session has ended.")
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")
		b.cookies[sessionCookie] = &was
		b.authorize(request(site, "prompt", "none")).fails("login_required", "Login required")

		// The person's own session stays as it is.
		b = w.browser()
		state = b.authorize(request(site)).asks("login")
		ok(t, b.password(state, adaMail, adaWord))
		b.resume(state).got()
		mine := b.cookies[sessionCookie].Value
		b.transferred(w.transfer(planted)).got()
		same(t, "the cookie", b.cookies[sessionCookie].Value, mine)
	})
}

// sub is who is signed in in a browser.
func (w *world) sub(b *browser) any {
	w.Helper()
	return w.claims(w.redeem(site, b.authorize(request(site, "prompt", "none")).got().Get("code")).good().IDToken)["sub"]
}

func TestAttackSessionTransferOfARevokedRefreshToken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for name, revoke := range map[string]func(held string){
			"/oauth/revoke": func(held string) { w.browser().post("/oauth/revoke", values("client_id", spa, "token", held)) },
			"management API": func(string) {
				_, err := w.st.RevokeRefreshTokens(t.Context(), store.RefreshTokensOf{UserID: ada})
				ok(t, err)
			},
			"of the client": func(string) {
				_, err := w.st.RevokeRefreshTokens(t.Context(), store.RefreshTokensOf{ClientID: spa})
				ok(t, err)
			},
		} {
			held := transferring(w)
			token := w.transfer(held)
			revoke(held)
			w.events()
			b := w.browser()
			b.transferred(token).asks("login")
			w.warned("The refresh token of the session transfer token has ended.")
			same(t, name, b.cookies[sessionCookie] == nil, true)
		}
		token := w.transfer(transferring(w))
		w.blockUser(ada)
		w.browser().transferred(token).fails("unauthorized", "user is blocked")
	})
}

// The token is in no log, in no stored login, in nothing that scripts see, and in no address that a browser goes on to.
func TestAttackSessionTransferTokenInLogs(t *testing.T) {
	w := newWorld(t)
	held := transferring(w)
	for _, more := range [][]string{nil, {"prompt", "login"}, {"redirect_uri", "https://evil.test/"}, {"response_type", "nonsense"}, {"max_age", "0"}} {
		token := w.transfer(held)
		w.rule(`function (user, context, callback) { callback(new UnauthorizedError(JSON.stringify(context.request))); }`)
		a := w.browser().transferred(token, more...)
		w.noRules()
		seen := a.Header().Get("Location") + a.Body.String() + encoded(t, w.events()) + operatorLog.String()
		if strings.Contains(seen, token) {
			t.Errorf("%v: %s", more, seen)
		}
		if strings.Contains(a.Header().Get("Location"), "/u/login") {
			tx, err := w.st.Transaction(t.Context(), a.asks("login"))
			ok(t, err)
			if strings.Contains(encoded(t, tx), token) {
				t.Errorf("%v: the stored login has it", more)
			}
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	ok(t, err)
	return string(b)
}

// The risk of a session that a session transfer token opens is that of who opens it, as it was before the login was counted.
func TestSessionTransferIsMeasured(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ok(t, w.st.ChangeSetting(t.Context(), stagedoor.SettingRisk, func(kept map[string]any) error { kept["enabled"] = true; return nil }))
		token := w.transfer(transferring(w))
		w.browser().transferred(token).got()
		sessions, err := w.st.UserSessions(t.Context(), ada)
		ok(t, err)
		for _, s := range sessions {
			if s.Transfer != nil && (s.Risk == nil || !s.Settled) {
				t.Errorf("risk %+v, settled %v", s.Risk, s.Settled)
			}
		}
		if !slices.ContainsFunc(sessions, func(s stagedoor.Session) bool { return s.Transfer != nil }) {
			t.Error("there is no such session")
		}
	})
}
