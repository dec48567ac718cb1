package login_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/store"
)

// meanwhile is somebody who chooses another password while a login looks whether the old one has become public.
type meanwhile struct{ renew func() }

func (m meanwhile) Has(string) (bool, error) {
	m.renew()
	return false, nil
}

// TestReplacedPasswordOpensNothing: whoever knows a password keeps sending it; a login that is under way when its owner replaces it comes to nothing.
func TestReplacedPasswordOpensNothing(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		ada := w.found("ada@example.com")
		n := 0
		renew := func() {
			n++
			w.wait(time.Second)
			secret := []string{good, "Another-Horse-1", "Another-Horse-2", "Another-Horse-3"}[n]
			w.ok(w.pipe.Database.On(&connection.Occasion{}).SetPassword(context.Background(), w.st, w.conn, ada.ID, secret))
		}
		sessions := func(when string) {
			t.Helper()
			if all, err := w.st.UserSessions(w.Context(), ada.ID); err != nil || len(all) > 0 {
				t.Errorf("%s: sessions %v, %v", when, all, err)
			}
		}
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":["block"]}`)
		w.pipe.Leaks = meanwhile{renew}
		b := w.browser()
		b.submit(b.begin(), "username", "ada@example.com", "password", good).want(http.StatusBadRequest).says("Wrong email or password.")
		sessions("the login page")
		const realm = "http://auth0.com/oauth/grant-type/password-realm"
		w.grants("app", "authorization_code", "refresh_token", realm)
		body := func(secret string) string {
			return `{"grant_type":"` + realm + `","client_id":"app","realm":"Users","username":"ada@example.com","password":"` + secret + `","audience":"` + api + `","scope":"openid offline_access"}`
		}
		songs, err := w.st.ResourceServerByIdentifier(w.Context(), api)
		w.ok(err)
		_, err = w.st.UpdateResourceServer(w.Context(), songs.ID, func(rs *stagedoor.ResourceServer) error { rs.AllowOfflineAccess = true; return nil })
		w.ok(err)
		w.browser().json("/oauth/token", body("Another-Horse-1")).want(http.StatusForbidden).says("Wrong email or password.")

		// Scripts may take long.
		w.pipe.Leaks = nil
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { renew() }))
		defer other.Close()
		w.rule(`function (user, context, callback) { require('request').get('` + other.URL + `', function (e) { callback(e, user, context); }); }`)
		w.browser().json("/oauth/token", body("Another-Horse-2")).want(http.StatusForbidden).says("Wrong email or password.")
		if tokens, err := w.st.UserRefreshTokens(w.Context(), ada.ID); err != nil || len(tokens) > 0 || n != 3 {
			t.Errorf("after %d passwords: refresh tokens %v, %v", n, tokens, err)
		}
		sessions("the token endpoint")
	})
}

// TestAccessEndsMeanwhile: what is under way when all access of a person ends comes to nothing: a login, a token request, and one that goes on with a second factor.
func TestAccessEndsMeanwhile(t *testing.T) {
	each(t, func(w *world) {
		w.signs()
		ada, ends := w.found("ada@example.com"), false
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if ends {
				ends = false
				w.ok(w.st.RevokeSessions(context.Background(), store.AccessOf{UserID: ada.ID}, true))
			}
		}))
		defer other.Close()
		w.rule(`function (user, context, callback) {
			if (context.protocol === 'oauth2-password') context.multifactor = {provider: 'any'};
			require('request').get('` + other.URL + `', function (e) { callback(e, user, context); });
		}`)
		nothing := func(when string) {
			t.Helper()
			sessions, err := w.st.UserSessions(w.Context(), ada.ID)
			w.ok(err)
			tokens, err := w.st.UserRefreshTokens(w.Context(), ada.ID)
			w.ok(err)
			if len(sessions)+len(tokens) > 0 || ends {
				t.Errorf("%s: sessions %v, refresh tokens %v", when, sessions, tokens)
			}
		}
		ends = true
		b, r := w.logIn("ada@example.com", good)
		for r.status == http.StatusSeeOther || r.status == http.StatusFound {
			if strings.HasPrefix(r.to(), callback) {
				t.Fatalf("the login ends at %s", r.to())
			}
			r = b.get(r.to())
		}
		r.want(http.StatusOK).says("Log in to continue")
		nothing("a login")

		const realm, otp, secret = "http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/mfa-otp", "JBSWY3DPEHPK3PXP"
		w.grants("app", "refresh_token", realm, otp)
		w.setting(mfa.SettingFactors, `{"otp":true}`)
		w.ok(w.st.AddAuthenticationMethods(w.Context(), ada.ID, []*stagedoor.AuthenticationMethod{{Type: "totp", Secret: secret}}, false))
		songs, err := w.st.ResourceServerByIdentifier(w.Context(), api)
		w.ok(err)
		_, err = w.st.UpdateResourceServer(w.Context(), songs.ID, func(rs *stagedoor.ResourceServer) error { rs.AllowOfflineAccess = true; return nil })
		w.ok(err)
		body := `{"grant_type":"` + realm + `","client_id":"app","realm":"Users","username":"ada@example.com","password":"` + good + `","audience":"` + api + `","scope":"openid offline_access"}`
		code := func() string {
			w.wait(time.Minute)
			code, err := totp.GenerateCode(secret, w.clock())
			w.ok(err)
			return code
		}
		waits := func() string {
			t.Helper()
			_, token, _ := strings.Cut(w.browser().json("/oauth/token", body).want(http.StatusForbidden).body, `"mfa_token":"`)
			token, _, _ = strings.Cut(token, `"`)
			return `{"grant_type":"` + otp + `","client_id":"app","mfa_token":"` + token + `","otp":"`
		}
		ends = true
		w.browser().json("/oauth/token", body).want(http.StatusForbidden).says("Wrong email or password.")
		nothing("a password")
		waiting := waits()
		ends = true
		w.browser().json("/oauth/token", waiting+code()+`"}`).want(http.StatusForbidden).says("All access of the user has ended meanwhile.")
		nothing("a second factor")
		w.browser().json("/oauth/token", waits()+code()+`"}`).want(http.StatusOK)
		waiting = waits()
		w.ok(w.pipe.Database.On(&connection.Occasion{}).SetPassword(w.Context(), w.st, w.conn, ada.ID, "Another-Horse-1"))
		w.browser().json("/oauth/token", waiting+code()+`"}`).want(http.StatusForbidden).says("Malformed mfa_token")
		nothing("a first factor of before")
	})
}

// TestReplacedElsewhere: a password that scripts of the tenant check and that is replaced while they do opens nothing.
func TestReplacedElsewhere(t *testing.T) {
	each(t, func(w *world) {
		l, replaced := newLegacy(t), false
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if kim := w.found("kim@old.example"); kim != nil && !replaced {
				replaced = true
				w.ok(w.st.PasswordReset(context.Background(), kim.ID, w.clock()))
			}
		}))
		defer other.Close()
		w.custom(l, false, map[string]string{"login": `function login(name, password, callback) {
			require('request').get('` + other.URL + `', function (e) { callback(e, {user_id: '7', email: 'kim@old.example', username: 'kim'}); });
		}`, "get_user": "function (name, callback) { callback(null); }"})
		if b, r := w.logIn("kim@old.example", good); b.finish(r).Get("code") == "" {
			t.Fatal("the first login")
		}
		for _, name := range []string{"KIM@old.example", "kim@old.example"} {
			_, r := w.logIn(name, good)
			if want := map[bool]int{false: http.StatusSeeOther, true: http.StatusBadRequest}[name == "KIM@old.example"]; r.status != want {
				t.Errorf("%s: status %d, want %d", name, r.status, want)
			}
		}
	})
}

// TestAccessEndsWhileAPasswordChanges: somebody who found a browser open does not get their password kept when its owner takes all access back meanwhile.
func TestAccessEndsWhileAPasswordChanges(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) {
			s.Local.Account = &stagedoor.AccountSettings{ClientID: "app", Parts: stagedoor.AccountParts}
		})
		b, _ := w.onAccount("ada@example.com")
		ada := w.found("ada@example.com")
		before, err := w.st.PasswordHash(t.Context(), ada.ID)
		w.ok(err)
		form := b.get("/account/password").want(http.StatusOK)
		w.setting(stagedoor.SettingBreached, `{"enabled":true,"shields":["block"],"stage":{"pre-change-password":{"shields":["block"]}}}`)
		ends := 0
		w.pipe.Leaks = meanwhile{func() {
			ends++
			w.ok(w.st.RevokeSessions(context.Background(), store.AccessOf{UserID: ada.ID}, true))
		}}
		b.onward(b.press(form, "/account/password", "", "password", "Another-Horse-1")).want(http.StatusOK).says("Log in")
		after, err := w.st.PasswordHash(t.Context(), ada.ID)
		w.ok(err)
		if all, err := w.st.UserSessions(t.Context(), ada.ID); err != nil || ends != 1 || after != before || len(all) > 0 {
			t.Errorf("ended %d times, password changed: %v, sessions %v %v", ends, after != before, all, err)
		}
	})
}
