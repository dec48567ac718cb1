package stagedoortest_test

import (
	"testing"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// An application whose authority ends in a slash asks at //oauth/token. The way from there to /oauth/token is open to pages of other origins as /oauth/token is: browsers follow
// no answer that lets nobody read it, and no preflight's at all.
func TestCrossOriginPathsWithTwoSlashes(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	from := []string{"Origin", "https://app.example"}
	preflight := append([]string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}, from...)
	for _, c := range []struct {
		method, path, to string
		open             bool
	}{
		{"GET", "//.well-known/openid-configuration", "/.well-known/openid-configuration", true},
		{"POST", "//oauth/token", "/oauth/token", true},
		{"GET", "///userinfo", "/userinfo", true},
		{"DELETE", "//mfa/authenticators/otp", "/mfa/authenticators/otp", true},
		{"GET", "//authorize?client_id=x", "/authorize?client_id=x", false},
		{"GET", "//evil.example/oauth/token", "", false},
	} {
		a := w.send(c.method, w.a.base+c.path, "", from...)
		if to := a.Header.Get("Location"); c.to != "" && (a.StatusCode != 307 || to != c.to) || (a.Header.Get("Access-Control-Allow-Origin") == "*") != c.open {
			t.Errorf("%s %s: %d %v", c.method, c.path, a.StatusCode, a.Header)
		}
		if !c.open {
			continue
		}
		a = w.send("OPTIONS", w.a.base+c.path, "", preflight...)
		if h := a.Header; a.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") == "" {
			t.Errorf("preflight of %s: %d %v", c.path, a.StatusCode, h)
		}
	}
}
