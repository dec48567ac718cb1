package oauth

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
)

// What a client of which everybody knows the name begins, and what is kept for a while, is bounded for one network. Clients that prove themselves ask for many.
func TestWhatStrangersBeginIsBounded(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, client := range []string{spa, site} {
			w.client(client, func(c *stagedoor.Client) { c.GrantTypes = append(c.GrantTypes, passkeyGrant, grantDevice) })
		}
		conns, err := w.st.Connections(t.Context())
		ok(t, err)
		for _, c := range conns {
			_, err := w.st.UpdateConnection(t.Context(), c.ID, func(c *stagedoor.Connection) error {
				c.Options.Stored = map[string]json.RawMessage{"authentication_methods": json.RawMessage(`{"passkey":{"enabled":true}}`)}
				return nil
			})
			ok(t, err)
		}
		for _, row := range []struct {
			path  string
			limit guard.Allowance
		}{{"/passkey/challenge", guard.Passkeys}, {"/oauth/device/code", guard.Devices}, {"/oauth/par", guard.Pushes}} {
			send := func(client, from string) *answer {
				w.Helper()
				b, v := w.browser(), request(client)
				if client != spa {
					v.Set("client_secret", secret(client))
				}
				b.from = from
				return b.post(row.path, v)
			}
			let := 0
			var a *answer
			for a = send(spa, "192.0.2.7"); a.Code/100 == 2 && let <= row.limit.AtOnce; a = send(spa, "192.0.2.7") {
				let++
			}
			if let != row.limit.AtOnce {
				t.Errorf("%s: %d get through, then %d %s", row.path, let, a.Code, a.Body)
			}
			w.read(a).bad(http.StatusTooManyRequests, "too_many_requests", "Too many requests. Please wait a moment and try again.")
			if a.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: %v", row.path, a.Header())
			}
			if a := send(spa, "192.0.2.8"); a.Code/100 != 2 {
				t.Errorf("%s, another network: %d %s", row.path, a.Code, a.Body)
			}
			if a := send(site, "192.0.2.7"); a.Code/100 != 2 {
				t.Errorf("%s, a client that proves itself: %d %s", row.path, a.Code, a.Body)
			}
			w.pass(time.Second)
			if a := send(spa, "192.0.2.7"); a.Code/100 != 2 {
				t.Errorf("%s, later: %d %s", row.path, a.Code, a.Body)
			}
		}
	})
}

// Logins that begin are kept for an hour, so that one network begins only so many. Who needs none is not counted.
func TestLoginsThatBeginAreBounded(t *testing.T) {
	w := newWorld(t)
	w.pipe.Networks.LoginRate = 10
	b := w.browser()
	let := 0
	var a *answer
	for a = b.authorize(request(spa)); let < 1000; a = b.authorize(request(spa)) {
		if _, _, v := a.response(); v.Get("error") != "" {
			break
		}
		let++
	}
	same(t, "logins", let, 500)
	a.fails("too_many_requests", "Too many requests. Please wait a moment and try again.")
	b.authorize(request(spa, "prompt", "none")).fails("login_required", "Login required")
	other := w.browser()
	other.from = "198.51.100.7"
	other.authorize(request(spa)).asks("login")
	w.pass(time.Second)
	b.authorize(request(spa)).asks("login")

	// What is long counts as more.
	long := w.browser()
	long.from = "198.51.100.8"
	let = 0
	for a = long.authorize(request(spa, "ext-x", strings.Repeat("x", 50<<10))); let < 1000; a = long.authorize(request(spa, "ext-x", strings.Repeat("x", 50<<10))) {
		if _, _, v := a.response(); v.Get("error") != "" {
			break
		}
		let++
	}
	if let < 8 || let > 10 {
		t.Errorf("%d long logins", let)
	}
}
