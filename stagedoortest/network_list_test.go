package stagedoortest_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestNetworkLists: access lists ask for the lists of networks that the operator keeps, under the vendor's names.
func TestNetworkLists(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"auth0.low_reputation.txt": "203.0.113.0/24\n2001:db8::/32\n", "auth0.icloud_relay_proxy.csv": "198.51.100.7/32,DE,DE-BE,Berlin,\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Configure = func(c *config.Config) { c.NetworkLists = dir }
	})
	h := *w.a
	h.base, h.host = w.HTTPSURL, w.Domain
	for _, row := range []struct {
		match                         string
		bad, alsoBad, relay, stranger int
	}{
		{`"match":{"auth0_managed":["auth0.low_reputation"]}`, 403, 403, 200, 200},
		{`"match":{"auth0_managed":["auth0.low_reputation","auth0.icloud_relay_proxy"]}`, 403, 403, 403, 200},
		{`"not_match":{"auth0_managed":["auth0.icloud_relay_proxy"]}`, 403, 403, 200, 403},
		{`"match":{"auth0_managed":["auth0.low_reputation"],"ipv4_cidrs":["203.0.113.9"]}`, 403, 200, 200, 200},
	} {
		if status := h.acl(`{"action":{"block":true},` + row.match + `,"scope":"authentication"}`); status != 201 {
			t.Fatalf("%s: %d", row.match, status)
		}
		for from, want := range map[string]int{"203.0.113.9": row.bad, "2001:db8::9": row.alsoBad, "198.51.100.7": row.relay, "198.51.100.8": row.stranger} {
			if got := w.status(w.Client, w.HTTPSURL+aclPath, "X-Forwarded-For", from); got != want {
				t.Errorf("%s from %s: %d, want %d", row.match, from, got, want)
			}
		}
	}
	var said map[string]any
	refused := h.api("POST", "/network-acls", json.RawMessage(`{"description":"d","active":true,"rule":{"action":{"block":true},"match":{"auth0_managed":["auth0.low_reputation","auth0.tor"]},"scope":"tenant"}}`), &said)
	h.want(http.StatusNotImplemented, refused)
	if said["message"] != "An active network access list with auth0_managed, one of which this server does not have (--network-lists), is not supported by this server." {
		t.Errorf("%v", said)
	}
}
