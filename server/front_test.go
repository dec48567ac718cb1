package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
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
	s := &Server{cfg: config.Config{TrustedProxies: []config.Network{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}}}
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

// TestProxiesThatNobodyNamed: a proxy that speaks https and is not trusted sends browsers round and round; the log says so, and what to do, once.
func TestProxiesThatNobodyNamed(t *testing.T) {
	var log bytes.Buffer
	s := &Server{log: slog.New(slog.NewTextHandler(&log, nil))}
	front := s.front(http.NotFoundHandler())
	for _, address := range []string{"203.0.113.7:999", "[2001:db8::1]:999", "10.1.2.3:999", "10.1.2.4:999"} {
		for _, proto := range []string{"http", "https"} {
			r, w := httptest.NewRequest("GET", "http://login.acme.example/u/account", nil), httptest.NewRecorder()
			r.RemoteAddr = address
			r.Header.Set("X-Forwarded-Proto", proto)
			front.ServeHTTP(w, r)
			if to := w.Header().Get("Location"); w.Code != http.StatusPermanentRedirect || to != "https://login.acme.example/u/account" {
				t.Errorf("%s is sent to %q (%d)", address, to, w.Code)
			}
		}
	}
	if told := strings.Count(log.String(), "no trusted proxy"); told != 1 || !strings.Contains(log.String(), "--trusted-proxies 10.1.2.3\"") {
		t.Errorf("the log says %s", log.String())
	}
}
