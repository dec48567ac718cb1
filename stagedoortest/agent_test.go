package stagedoortest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestLongAgents: whoever calls themselves something long fills no rows with it.
func TestLongAgents(t *testing.T) {
	eachWorldWith(t, func(*stagedoortest.Options) {}, func(t *testing.T, w *world) {
		h := w.a
		b := h.browser()
		b.agent = "Mozilla/5.0 " + strings.Repeat("é", 10000)
		code := b.login(h.request())
		got := b.post("/oauth/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {h.spa}, "code": {code.Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
		})
		if got.StatusCode != 200 {
			t.Fatalf("%d %s", got.StatusCode, got.body)
		}
		b.get("/authorize?client_id=none", "Accept", "text/html")
		h.want(200, h.api("GET", "/logs", nil, nil)) // writes them
		for _, table := range []string{"sessions", "refresh_tokens", "logs"} {
			rows := w.rows("SELECT doc FROM " + table)
			for _, row := range rows {
				if len(row) > 8192 {
					t.Errorf("%s has a row of %d bytes", table, len(row))
				}
			}
			if len(rows) == 0 {
				t.Errorf("%s is empty", table)
			}
		}
	})
}
