package server

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/acme"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestCertificatesAreShared: what one server got by ACME another of its database shows: the certificate, and the answer to the authority's question.
func TestCertificatesAreShared(t *testing.T) {
	const host = "login.acme.example"
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 7)
	url := storetest.Migrated(t, storetest.SQLite)
	one, other := &Server{db: storetest.OpenURL(t, url)}, &Server{db: storetest.OpenURL(t, url), cfg: config.Config{ACMEHosts: []string{host}}, log: slog.New(slog.DiscardHandler)}
	private, err := os.ReadFile(filepath.Clean(key))
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Clean(cert))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{host, host + "+token"} { // as autocert names them
		if err := one.certificateCache().Put(t.Context(), name, bytes.Join([][]byte{private, public}, nil)); err != nil {
			t.Fatal(err)
		}
	}
	c, _, err := other.tls()
	if err != nil {
		t.Fatal(err)
	}
	for what, protocols := range map[string][]string{"a browser": {"h2"}, "the authority": {acme.ALPNProto}} {
		got, err := c.GetCertificate(&tls.ClientHelloInfo{
			ServerName: host, SupportedProtos: protocols, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		})
		if err != nil || got.Leaf == nil || got.Leaf.SerialNumber.Int64() != 7 {
			t.Errorf("%s gets %v, %v", what, got, err)
		}
	}
	named := &Server{cfg: config.Config{ACMECache: dir}}
	if _, err := named.certificateCache().Get(t.Context(), "cert.pem"); err != nil {
		t.Errorf("of a directory: %v", err)
	}
}
