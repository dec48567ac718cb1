package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// The demands of RFC 8628 that no other test holds, by section: docs/conformance.md names them.
func TestRFC8628(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	w.device() // lets the client ask
	t.Run("3.1 empty and unknown parameters", func(t *testing.T) {
		if r := b.post("/oauth/device/code", url.Values{"client_id": {"app"}, "scope": {""}, "audience": {""}, "nobody_knows": {"x"}}); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("3.1 no parameter twice", func(t *testing.T) {
		if r := b.post("/oauth/device/code", url.Values{"client_id": {"app", "app"}}); r.status != 400 || !strings.Contains(r.body, "invalid_request") {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	_, err := w.st.UpdateClient(w.Context(), "other", func(c *stagedoor.Client) error {
		c.TokenEndpointAuthMethod, c.Secret = "client_secret_post", strings.Repeat("s", 64)
		c.GrantTypes = append(c.GrantTypes, deviceGrant)
		return nil
	})
	w.ok(err)
	t.Run("3.1 confidential clients prove themselves", func(t *testing.T) {
		if r := b.post("/oauth/device/code", url.Values{"client_id": {"other"}}); r.status != 401 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("3.2 the answer is not to be kept", func(t *testing.T) {
		r := b.post("/oauth/device/code", url.Values{"client_id": {"app"}})
		if r.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
			t.Errorf("%v", r.header)
		}
	})
	t.Run("3.4 the code is of one client", func(t *testing.T) {
		d := w.device()
		r := b.post("/oauth/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"other"}, "client_secret": {strings.Repeat("s", 64)}, "device_code": {d.DeviceCode}})
		if r.status != http.StatusForbidden || !strings.Contains(r.body, "invalid_grant") {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := b.post("/oauth/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}}); r.status != 400 || !strings.Contains(r.body, "Missing required parameter: device_code") {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("5.2 device codes cannot be guessed", func(t *testing.T) {
		d := w.device()
		if len(d.DeviceCode) < 43 {
			t.Errorf("%q", d.DeviceCode)
		}
		w.wait(16 * time.Minute)
		if r := b.post("/oauth/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}, "device_code": {d.DeviceCode}}); !strings.Contains(r.body, "expired_token") {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}
