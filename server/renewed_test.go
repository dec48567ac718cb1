package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
)

// writePair writes a certificate of a number and its key.
func writePair(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), DNSNames: []string{"login.acme.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := time.Now().Add(time.Duration(number) * time.Second) // clocks of file systems may be coarse
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRenewedCertificate: a certificate that was renewed is served without a restart, and one that is broken is not.
func TestRenewedCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	files, err := openCertificate(cert, key, log)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	files.now = func() time.Time { return now }
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}
	served := func() int64 {
		t.Helper()
		here, there := net.Pipe()
		defer here.Close()
		go func() {
			defer there.Close()
			_ = tls.Server(there, c).HandshakeContext(t.Context())
		}()
		client := tls.Client(here, &tls.Config{InsecureSkipVerify: true, ServerName: "login.acme.example"}) //nolint:gosec // it looks at what is shown
		if err := client.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return client.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := served(); n != 1 {
		t.Fatalf("certificate %d is served, want 1", n)
	}
	writePair(t, cert, key, 2)
	now = now.Add(renewedEvery)
	if n := served(); n != 2 {
		t.Errorf("certificate %d is served, want 2", n)
	}
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(renewedEvery)
	if n := served(); n != 2 || !strings.Contains(said.String(), "cannot be used") {
		t.Errorf("certificate %d is served, want 2; the log has %q", n, said.String())
	}
	writePair(t, cert, key, 3)
	now = now.Add(renewedEvery)
	if n := served(); n != 3 {
		t.Errorf("certificate %d is served, want 3", n)
	}
	s := &Server{cfg: config.Config{TLSCert: cert, TLSKey: key}, log: log}
	if c, _, err := s.tls(); err != nil || c.GetCertificate == nil || len(c.Certificates) > 0 {
		t.Errorf("the server's certificate stays as it is: %+v, %v", c, err)
	}
	if _, err := openCertificate(cert, filepath.Join(dir, "none.pem"), log); err == nil {
		t.Error("a server starts without the key of its certificate")
	}
}

// TestCertificateThatEnds: of a certificate that ends, or has, the log tells once a day until it is renewed.
func TestCertificateThatEnds(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1) // for an hour
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	files, err := openCertificate(cert, key, log)
	if err != nil || strings.Count(said.String(), "\n") != 1 || !strings.Contains(said.String(), "ends soon") {
		t.Fatalf("%q, %v", &said, err)
	}
	now := time.Now()
	files.now = func() time.Time { return now }
	for _, c := range []struct {
		after time.Duration
		says  string
	}{{2 * time.Hour, ""}, {23 * time.Hour, "has expired"}, {time.Hour, ""}} {
		said.Reset()
		now = now.Add(c.after)
		files.current()
		if c.says == "" && said.Len() > 0 || !strings.Contains(said.String(), c.says) {
			t.Errorf("after %v: %q", c.after, &said)
		}
	}
}
