package server

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
)

// FuzzForwardedFor: whatever a trusted proxy passes on, the client's address is one, bare, and that of the connection where nothing else can be read.
func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{
		"203.0.113.7", "1.1.1.1, 203.0.113.7:5099", "[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1:443", "203.0.113.7, 10.1.2.3:80", "::ffff:203.0.113.7", "fe80::1%<b>", "1.2.3.4:", "[]", "[1.2.3.4]:99999", ",,",
	} {
		f.Add(s)
	}
	s := &Server{cfg: config.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "https://acme.test/", nil)
		r.RemoteAddr = "10.0.0.1"
		r.Header["X-Forwarded-For"] = []string{header}
		got := s.forwardedFor(r)
		ip, err := netip.ParseAddr(got)
		if err != nil || ip.String() != got || ip.Zone() != "" || ip.Is4In6() {
			t.Fatalf("%q gives %q", header, got)
		}
	})
}
