package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

const wrongCode = "Invalid authorization code"

func TestCodeFlow(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.redeem(spa, w.browser().login(request(spa, "nonce", "n1", "audience", apiAudience, "scope", "openid email read:songs fly:moon offline_access")).got().Get("code")).good()
		w.wantLog("s", "seacft")
		same(t, "scope", a.Scope, "openid email read:songs offline_access")
		same(t, "expires_in", a.ExpiresIn, 86400)
		if len(a.RefreshToken) != 43 || a.Header().Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%v %s", a.Header(), a.Body)
		}
		id := w.claims(a.IDToken)
		has(t, "the ID token", id, "aud email email_verified exp iat iss nonce sid sub")
		same(t, "values", []any{id["iss"], id["sub"], id["aud"], id["nonce"], id["email"], id["email_verified"]}, []any{"https://acme.test/", ada, spa, "n1", adaMail, true})
		same(t, "life", id["exp"].(float64)-id["iat"].(float64), 36000)
		access := w.claims(a.AccessToken)
		has(t, "the access token", access, "aud azp exp iat iss scope sub")
		same(t, "aud", access["aud"], []string{apiAudience, "https://acme.test/userinfo"})
		same(t, "values", []any{access["iss"], access["sub"], access["azp"], access["scope"]}, []any{"https://acme.test/", ada, spa, a.Scope})
		same(t, "userinfo", w.userInfo(a.AccessToken), map[string]any{"sub": ada, "email": adaMail, "email_verified": true})
	})
}

// Without openid there is no ID token, and the audience is a lone string.
func TestCodeWithoutOpenID(t *testing.T) {
	w := newWorld(t)
	a := w.redeem(spa, w.browser().login(request(spa, "audience", apiAudience, "scope", "read:songs")).got().Get("code")).good()
	if a.IDToken != "" || a.RefreshToken != "" {
		t.Errorf("%s", a.Body)
	}
	same(t, "aud", w.claims(a.AccessToken)["aud"], apiAudience)
	if got := w.info(a.AccessToken); got.Code != 401 {
		t.Errorf("userinfo takes a token that is not meant for it: %d", got.Code)
	}
	opaque := w.redeem(spa, w.browser().login(request(spa, "scope", "email")).got().Get("code")).good()
	same(t, "userinfo", w.userInfo(opaque.AccessToken), map[string]any{"sub": ada})
}

func TestProfileScopes(t *testing.T) {
	w := newWorld(t)
	a := w.redeem(spa, w.browser().login(request(spa, "scope", "openid profile")).got().Get("code")).good()
	has(t, "the ID token", w.claims(a.IDToken), "aud exp given_name iat iss name nickname picture sid sub updated_at")
	same(t, "updated_at", w.claims(a.IDToken)["updated_at"], "2026-03-01T12:00:00.000Z")
	if len(a.AccessToken) != 43 {
		t.Errorf("the access token is not opaque: %s", a.AccessToken)
	}
	_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { u.Name = "Ada Lovelace"; return nil })
	ok(t, err)
	same(t, "the name now", w.userInfo(a.AccessToken)["name"], "Ada Lovelace")
}

func TestPKCE(t *testing.T) {
	w := newWorld(t)
	digest := func(verifier string) string {
		sum := sha256.Sum256([]byte(verifier))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	long := strings.Repeat("~", 129)
	for name, c := range map[string]struct {
		request, exchange []string
		text              string // empty: a success
	}{
		"S256":             {},
		"plain":            {[]string{"code_challenge", verifier, "code_challenge_method", "plain"}, nil, ""},
		"plain by default": {[]string{"code_challenge", verifier, "code_challenge_method", "-"}, nil, ""},
		"no verifier":      {nil, []string{"code_verifier", "-"}, "Parameter 'code_verifier' is required"},
		"wrong verifier":   {nil, []string{"code_verifier", strings.ToLower(verifier)}, "Failed to verify code verifier"},
		"the challenge":    {nil, []string{"code_verifier", challenge}, "Failed to verify code verifier"},
		"short":            {[]string{"code_challenge", digest(verifier[:42])}, []string{"code_verifier", verifier[:42]}, "Failed to verify code verifier"},
		"long":             {[]string{"code_challenge", digest(long)}, []string{"code_verifier", long}, "Failed to verify code verifier"},
		"longest":          {[]string{"code_challenge", digest(long[1:])}, []string{"code_verifier", long[1:]}, ""},
		"odd":              {[]string{"code_challenge", digest(verifier + "+")}, []string{"code_verifier", verifier + "+"}, "Failed to verify code verifier"},
	} {
		code := w.browser().login(request(spa, c.request...)).got().Get("code")
		a := w.redeem(spa, code, c.exchange...)
		if c.text == "" {
			a.good()
			continue
		}
		a.bad(403, "invalid_grant", c.text)
		if t.Failed() {
			t.Fatal(name)
		}
		w.redeem(spa, code).bad(403, "invalid_grant", wrongCode) // and the code is spoilt
	}
	// The challenge was taken out of the request on its way: a verifier that nothing asked for is refused.
	code := w.browser().login(request(site)).got().Get("code")
	w.redeem(site, code, "code_verifier", verifier).bad(403, "invalid_grant", "Failed to verify code verifier")
}

func TestCodeRefused(t *testing.T) {
	w := newWorld(t)
	fresh := func() string { return w.browser().login(request(site)).got().Get("code") }
	w.redeem(site, "", "code", "-").bad(400, "invalid_request", "Missing required parameter: code")
	w.redeem(site, "nonsense").bad(403, "invalid_grant", wrongCode)
	w.redeem(site, fresh(), "redirect_uri", "https://app.test/other").bad(403, "invalid_grant", "The redirect URI is wrong. You sent https://app.test/other, and we expected "+callback)
	w.redeem(site, fresh(), "redirect_uri", "-").bad(403, "invalid_grant", "The redirect URI is wrong. You sent , and we expected "+callback)
	code := fresh()
	w.redeem(spa, code).bad(403, "invalid_grant", wrongCode)
	w.redeem(site, code).bad(403, "invalid_grant", wrongCode)
	code = fresh()
	w.redeem(site, code, "client_secret", "wrong").bad(401, "access_denied", "Unauthorized")
	w.redeem(site, code).good() // who cannot prove to be the client spoils nothing
	code = fresh()
	w.pass(codeLife)
	w.redeem(site, code).bad(403, "invalid_grant", wrongCode)
	w.logged()
	w.redeem(site, "nonsense")
	if e := w.events(); len(e) != 1 || e[0].Type != "feacft" || e[0].Description != wrongCode || e[0].ClientID != site || e[0].ClientName != "Regular web" || e[0].IP != "192.0.2.7" {
		t.Errorf("%+v", e)
	}
}

// omniauth-oauth2, on which the vendor's omniauth-auth0 rests, gives the address at which the code came back in the place of the one that it asked for.
func TestCodeAtTheAddressOfItsAnswer(t *testing.T) {
	w := newWorld(t)
	_, err := w.st.UpdateClient(t.Context(), site, func(c *stagedoor.Client) error {
		c.Callbacks = []string{callback, callback + "?x=1", callback + "?x=1&y", callback + "?state=mine"}
		return nil
	})
	ok(t, err)
	for _, c := range []struct {
		asked, sent string // C is the code
		good        bool
	}{
		{callback, "?code=C&iss=https%3A%2F%2Facme.test%2F&state=abc", true},
		{callback, "?state=abc&code=C", true},
		{callback + "?x=1&y", "?x=1&y&code=C&iss=i&state=abc", true},
		{callback + "?state=mine", "?state=mine&code=C", false},
		{callback + "?x=1", "?code=C", false},
		{callback, "?code=C&x=1", false},
		{callback, "?code=other&state=abc", false},
		{callback, "?state=abc", false},
		{callback, "/other?code=C", false},
	} {
		code := w.browser().login(request(site, "redirect_uri", c.asked)).got().Get("code")
		sent := callback + strings.Replace(c.sent, "=C", "="+code, 1)
		got := w.redeem(site, code, "redirect_uri", sent)
		if c.good {
			got.good()
		} else {
			got.bad(403, "invalid_grant", "The redirect URI is wrong. You sent "+sent+", and we expected "+c.asked)
		}
	}
}

func TestCodeOfBlockedUser(t *testing.T) {
	w := newWorld(t)
	code := w.browser().login(request(site)).got().Get("code")
	_, err := w.st.UpdateUser(t.Context(), ada, func(u *stagedoor.User) error { yes := true; u.Blocked = &yes; return nil })
	ok(t, err)
	w.redeem(site, code).bad(401, "unauthorized", "user is blocked")
	b := w.browser()
	state := b.authorize(request(site)).asks("login")
	ok(t, b.password(state, adaMail, adaWord))
	b.resume(state).fails("unauthorized", "user is blocked")
	b.authorize(request(site, "prompt", "none")).fails("unauthorized", "user is blocked")
}

func TestCodeOfDeletedUser(t *testing.T) {
	w := newWorld(t)
	code := w.browser().login(request(site)).got().Get("code")
	ok(t, w.st.DeleteUser(t.Context(), ada))
	w.redeem(site, code).bad(403, "invalid_grant", wrongCode)
}

// Who redeems a code again takes back what it gave before.
func TestCodeReplay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		code := w.browser().login(request(spa, "scope", "openid offline_access")).got().Get("code")
		a := w.redeem(spa, code).good()
		next := w.refresh(spa, a.RefreshToken).good()
		w.userInfo(a.AccessToken)
		w.redeem(spa, code).bad(403, "invalid_grant", wrongCode)
		for _, token := range []string{a.AccessToken, next.AccessToken} {
			if got := w.info(token); got.Code != 401 {
				t.Errorf("an access token lives on: %d", got.Code)
			}
		}
		w.refresh(spa, a.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
		w.refresh(spa, next.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
	})
}

func TestCodeRace(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.login(request(spa))
		for range 6 {
			code := b.authorize(request(spa, "audience", apiAudience, "scope", "read:songs")).got().Get("code")
			var wg sync.WaitGroup
			var mu sync.Mutex
			won := 0
			for range 8 {
				wg.Go(func() {
					a := w.browser().post("/oauth/token", exchange(spa, code))
					mu.Lock()
					defer mu.Unlock()
					if a.Code == 200 {
						won++
					} else if a.Code != 403 || !strings.Contains(a.Body.String(), wrongCode) {
						t.Errorf("%d %s", a.Code, a.Body)
					}
				})
			}
			wg.Wait()
			if won != 1 {
				t.Errorf("%d redemptions of one code", won)
			}
		}
		// With tokens that can be taken back, the losers of the race take them back.
		for range 6 {
			code := b.authorize(request(spa, "scope", "openid offline_access")).got().Get("code")
			var wg sync.WaitGroup
			answers := make([]*answer, 8)
			for i := range answers {
				wg.Go(func() { answers[i] = w.browser().post("/oauth/token", exchange(spa, code)) })
			}
			wg.Wait()
			won := 0
			for _, a := range answers {
				got := w.read(a)
				if a.Code != 200 {
					got.bad(403, "invalid_grant", wrongCode)
					continue
				}
				won++
				w.refresh(spa, got.RefreshToken).bad(403, "invalid_grant", "Unknown or invalid refresh token.")
				if w.info(got.AccessToken).Code != 401 {
					t.Error("a token of a replayed code lives on")
				}
			}
			if won > 1 {
				t.Errorf("%d redemptions of one code", won)
			}
		}
	})
}

// The claims that rules decided on at the login are those of the code; rules do not run at its exchange.
func TestRulesDoNotRunAtExchange(t *testing.T) {
	w := newWorld(t)
	w.rule(`function (user, context, callback) { context.idToken['https://app.test/n'] = context.stats.loginsCount; callback(null, user, context); }`)
	code := w.browser().login(request(site)).got().Get("code")
	w.noRules()
	w.rule(`function (user, context, callback) { callback(new UnauthorizedError('no')); }`)
	w.pass(time.Minute)
	same(t, "claim", w.claims(w.redeem(site, code).good().IDToken)["https://app.test/n"], 1)
}

// Rules of the stages that were given up long ago are kept, and no login runs them.
func TestRulesOfOtherStages(t *testing.T) {
	w := newWorld(t)
	for _, stage := range []string{"login_failure", "pre_authorize"} {
		ok(w, w.st.CreateRule(t.Context(), &stagedoor.Rule{Name: stage, Script: `function (user, context, callback) { callback(new UnauthorizedError('no')); }`, Enabled: true, Stage: stage}))
	}
	w.redeem(site, w.browser().login(request(site)).got().Get("code")).good()
}
