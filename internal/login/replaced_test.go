package login_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
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
