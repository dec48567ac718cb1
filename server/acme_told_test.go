package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestACMETellsWhy: a certificate that does not come, or is not renewed, is told with its reason, once in a while; what strangers ask for is not.
func TestACMETellsWhy(t *testing.T) {
	const host = "login.acme.example"
	var log bytes.Buffer
	s := &Server{db: storetest.OpenURL(t, storetest.Migrated(t, storetest.SQLite)), cfg: config.Config{ACMEHosts: []string{host}}, log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var pair *tls.Certificate
	var fails error
	teller := &acmeTeller{s: s, now: func() time.Time { return now }, told: map[string]time.Time{}, next: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair, fails }}
	says := func(name string, protocols []string, want ...string) {
		t.Helper()
		log.Reset()
		got, err := teller.get(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: protocols})
		if got != pair || !errors.Is(err, fails) {
			t.Errorf("%s gets %v, %v", name, got, err)
		}
		if len(want) == 0 && log.Len() > 0 {
			t.Errorf("%s: the log has %s", name, log.String())
		}
		for _, w := range want {
			if !strings.Contains(log.String(), w) {
				t.Errorf("%s: the log lacks %s: %s", name, w, log.String())
			}
		}
	}
	fails = errors.New("acme: authority unreachable")
	says("Login.Acme.Example.", nil, "ACME brings no certificate", "host="+host, "authority unreachable")
	says(host, nil)
	says("other.example", nil)
	says("bad\nname", nil)
	now = now.Add(time.Minute)
	says(host, []string{acme.ALPNProto})
	fails = errors.New("acme/autocert: missing certificate")
	says(host, nil)
	fails = errors.New("acme: rate limited")
	says("mtls."+host, nil, "rate limited", "host=mtls."+host)
	says(host, nil, "rate limited")
	fails = s.certified(t.Context(), "other.example")
	says("other.example", nil)
	fails, pair = nil, &tls.Certificate{Leaf: &x509.Certificate{NotAfter: now.Add(8 * 24 * time.Hour)}}
	says(host, nil)
	now = now.Add(2 * 24 * time.Hour)
	says(host, nil, "has not renewed it", "host="+host)
	says(host, nil)
}

// TestACMEIsAsked: a host of the server's for which the authority cannot be asked is told of, by the server's own configuration.
func TestACMEIsAsked(t *testing.T) {
	var log bytes.Buffer
	s := &Server{db: storetest.OpenURL(t, storetest.Migrated(t, storetest.SQLite)), cfg: config.Config{ACMEHosts: []string{"login.acme.example"}}, log: slog.New(slog.NewTextHandler(&log, nil))}
	s.db.Close() // so that not even what was got before can be looked up
	c, _, err := s.tls()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetCertificate(&tls.ClientHelloInfo{ServerName: "login.acme.example"}); err == nil || !strings.Contains(log.String(), "ACME brings no certificate") {
		t.Errorf("%v, and the log has %s", err, log.String())
	}
}
