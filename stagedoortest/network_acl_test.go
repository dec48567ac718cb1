package stagedoortest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestNetworkACL asks through a trusted proxy, so that each request has the address that it is meant to have.
func TestNetworkACL(t *testing.T) {
	s := stagedoortest.New(t, stagedoortest.Options{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}})
	token := s.ManagementToken(t)
	var id string
	set := func(rule string) {
		t.Helper()
		var made struct {
			ID string `json:"id"`
		}
		var old []struct {
			ID string `json:"id"`
		}
		s.JSON(t, "GET", s.HTTPSURL+"/api/v2/network-acls", token, nil, &old)
		for _, acl := range old {
			s.JSON(t, "DELETE", s.HTTPSURL+"/api/v2/network-acls/"+acl.ID, token, nil, nil)
		}
		body := json.RawMessage(`{"description":"d","active":true,"rule":` + rule + `}`)
		if status := s.JSON(t, "POST", s.HTTPSURL+"/api/v2/network-acls", token, body, &made); status != 201 {
			t.Fatalf("%s: %d", rule, status)
		}
		id = made.ID
	}
	ask := func(path, ip, accept string) (int, string, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTPSURL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", ip)
		r.Header.Set("Accept", accept)
		r.Header.Set("User-Agent", "curl/8")
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := s.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, _ := io.ReadAll(a.Body)
		return a.StatusCode, string(text), a.Header.Get("Location")
	}
	const discovery, users = "/.well-known/openid-configuration", "/api/v2/users"
	expect := func(path, ip string, want int) {
		t.Helper()
		if status, text, _ := ask(path, ip, "*/*"); status != want {
			t.Errorf("%s from %s: %d %s, want %d", path, ip, status, text, want)
		}
	}

	set(`{"action":{"block":true},"match":{"ipv4_cidrs":["203.0.113.0/24"],"ipv6_cidrs":["2001:db8::/32"]},"scope":"authentication"}`)
	expect(discovery, "203.0.113.9", 403)
	expect(discovery, "2001:db8::7", 403)
	expect(discovery, "198.51.100.1", 200)
	expect(users, "203.0.113.9", 200)
	if _, text, _ := ask(discovery, "203.0.113.9", "text/html"); !strings.Contains(text, "Requests from this network are not allowed.") || !strings.Contains(text, "<html") {
		t.Errorf("people see %s", text)
	}

	set(`{"action":{"block":true},"not_match":{"ipv4_cidrs":["203.0.113.0/24"]},"scope":"management"}`)
	if status, text, _ := ask(users, "198.51.100.1", "*/*"); status != 403 || !strings.Contains(text, `"statusCode":403`) {
		t.Errorf("management: %d %s", status, text)
	}
	expect(users, "203.0.113.9", 200)
	expect(discovery, "198.51.100.1", 200)
	expect("/scim/v2/connections/con_1/Users", "198.51.100.1", 403) // who manages by a directory manages, too
	expect("/scimitar", "198.51.100.1", 404)
	removed := s.DB()
	st, err := removed.TenantByDomain(t.Context(), s.Domain)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.DeleteNetworkACL(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	expect(users, "198.51.100.1", 200)

	set(`{"action":{"redirect":true,"redirect_uri":"https://elsewhere.test/"},"match":{"user_agents":["curl/8"],"hostnames":["` + s.Domain + `"]},"scope":"authentication"}`)
	if status, _, to := ask(discovery, "203.0.113.9", "*/*"); status != 302 || to != "https://elsewhere.test/" {
		t.Errorf("redirect: %d to %s", status, to)
	}

	set(`{"action":{"log":true},"match":{"connecting_ipv4_cidrs":["127.0.0.0/8"],"connecting_ipv6_cidrs":["::1"]},"scope":"authentication"}`)
	expect(discovery, "203.0.113.9", 200)
	if status, text, _ := ask("/api/v2/logs", "198.51.100.1", "*/*"); status != 200 || !strings.Contains(text, "acls_summary") || !strings.Contains(text, "redirected") {
		t.Errorf("logs: %d %s", status, text)
	}

	set(`{"action":{"block":true},"match":{"ipv4_cidrs":["203.0.113.0/24"]},"scope":"dynamic_client_registration"}`)
	expect("/oidc/register", "203.0.113.9", 403)
	expect("/oidc/register", "198.51.100.1", 404)
	expect(discovery, "203.0.113.9", 200)

	// A list that only notes does so whatever else it would do, and the next one is asked.
	set(`{"action":{"block":true,"log":true},"match":{"ipv4_cidrs":["203.0.113.77"]},"scope":"authentication"}`)
	expect(discovery, "203.0.113.77", 200)
	set(`{"action":{"allow":true,"log":true},"match":{"ipv4_cidrs":["203.0.113.77"]},"scope":"authentication"}`)
	after := json.RawMessage(`{"description":"after","active":true,"priority":99,"rule":{"action":{"block":true},"match":{"ipv4_cidrs":["203.0.113.77"]},"scope":"authentication"}}`)
	if status := s.JSON(t, "POST", s.HTTPSURL+"/api/v2/network-acls", token, after, nil); status != 201 {
		t.Fatal(status)
	}
	expect(discovery, "203.0.113.77", 403)

	// The smallest priority decides: an allow before a block.
	set(`{"action":{"block":true},"match":{"ipv4_cidrs":["203.0.113.0/24"]},"scope":"tenant"}`)
	body := json.RawMessage(`{"description":"first","active":true,"priority":1,"rule":{"action":{"allow":true},"match":{"ipv4_cidrs":["203.0.113.9"]},"scope":"tenant"}}`)
	if status := s.JSON(t, "POST", s.HTTPSURL+"/api/v2/network-acls", token, body, nil); status != 201 {
		t.Fatal(status)
	}
	expect(discovery, "203.0.113.9", 200)
	expect(users, "203.0.113.10", 403)
}

// Who has locked themselves out starts the server without lists.
func TestNetworkACLsAreIgnored(t *testing.T) {
	for ignored, want := range map[bool]int{false: http.StatusForbidden, true: http.StatusOK} {
		s := stagedoortest.New(t, stagedoortest.Options{Configure: func(c *config.Config) { c.IgnoreNetworkACLs = ignored }})
		st, err := s.DB().TenantByDomain(t.Context(), s.Domain)
		if err != nil {
			t.Fatal(err)
		}
		all := &stagedoor.NetworkACL{Active: true, Rule: stagedoor.ACLRule{Action: stagedoor.ACLAction{Block: true}, MatchAll: true, Scope: "tenant"}}
		if err := st.CreateNetworkACL(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if status := s.JSON(t, "GET", s.HTTPSURL+"/.well-known/openid-configuration", "", nil, nil); status != want {
			t.Errorf("ignored %v: %d", ignored, status)
		}
	}
}
