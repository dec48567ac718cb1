package compat

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

const (
	acmeHost = "login.acme.example"
	acmeID   = "an-account"
)

// authority is Pebble, Let's Encrypt's own ACME server for tests: it takes accounts that it knows alone, and asks at tls-alpn-01 who the server is.
type authority struct {
	directory string
	root      *x509.Certificate
}

func newAuthority(t *testing.T, resolver, key, served string) authority {
	t.Helper()
	_, port, err := net.SplitHostPort(served)
	ok(t, err)
	tlsPort, err := strconv.Atoi(port)
	ok(t, err)
	quiet := log.New(io.Discard, "", 0)
	kept := db.NewMemoryStore()
	ok(t, kept.AddExternalAccountKeyByID(acmeID, key))
	signer := ca.New(quiet, kept, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {}})
	front := wfe.New(quiet, kept, va.New(quiet, 1, tlsPort, true, resolver, kept), signer, nil, true, true, 1, 1)
	s := httptest.NewTLSServer(front.Handler())
	t.Cleanup(s.Close)
	root, err := x509.ParseCertificate(signer.GetRootCert(0).DER)
	ok(t, err)
	return authority{s.URL + wfe.DirectoryPath, root}
}

// acmeServer runs the server that was built, with certificates of an authority, until the test stops it.
type acmeServer struct {
	t      *testing.T
	output *bytes.Buffer
	mu     *sync.Mutex
	stop   func()
}

func (s acmeServer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.Write(p)
}

func (s acmeServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

func startACME(t *testing.T, env []string, args ...string) acmeServer {
	t.Helper()
	s := acmeServer{t: t, output: new(bytes.Buffer), mu: new(sync.Mutex)}
	cmd := exec.Command(binary, append([]string{"serve", "--http", ""}, args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), s, s
	ok(t, cmd.Start())
	s.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	t.Cleanup(s.stop)
	return s
}

// shown connects until the host has a certificate that its authority vouches for, and reads the issuer there.
func (s acmeServer) shown(address string, a authority) *x509.Certificate {
	s.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: acmeHost}, DisableKeepAlives: true}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://"+address+"/.well-known/openid-configuration", http.NoBody)
		ok(s.t, err)
		r.Host = acmeHost
		response, err := transport.RoundTrip(r)
		if err == nil {
			body, err := io.ReadAll(response.Body)
			ok(s.t, err)
			ok(s.t, response.Body.Close())
			if !strings.Contains(string(body), `"issuer":"https://`+acmeHost+`/"`) {
				s.t.Fatalf("%s %s", response.Status, body)
			}
			return response.TLS.PeerCertificates[0]
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no certificate: %v\n%s", err, s.said())
		}
	}
}

// TestACME gets certificates from a real ACME server, with an account that it knows already. What was got is kept over a restart; another authority gives
// another one, and the first one's is there when that is named again. Where the authority refuses, the log says why.
func TestACME(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	addresses, err := freeAddresses(2)
	ok(t, err)
	resolver, err := challtestsrv.New(challtestsrv.Config{Log: log.New(io.Discard, "", 0), DNSAddrs: []string{addresses[1]}})
	ok(t, err)
	resolver.SetDefaultDNSIPv6("")
	go resolver.Run()
	t.Cleanup(resolver.Shutdown)

	key := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("k\xff", 20)))
	one, other := newAuthority(t, addresses[1], key, addresses[0]), newAuthority(t, addresses[1], key, addresses[0])
	directory := t.TempDir()
	trust, data := filepath.Join(directory, "trust.pem"), filepath.Join(directory, "data")
	s := httptest.NewTLSServer(nil) // all of these show one certificate
	ok(t, os.WriteFile(trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	s.Close()
	secret := filepath.Join(directory, "key")
	ok(t, os.WriteFile(secret, []byte(key+"\n"), 0o600))
	if out, err := exec.Command(binary, "init", "acme", "--data", data, "--domain", acmeHost).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	env := []string{"SSL_CERT_FILE=" + trust}
	args := func(a authority, key string) []string {
		return []string{"--data", data, "--https", addresses[0], "--acme-hosts", acmeHost, "--acme-directory", a.directory, "--acme-eab-id", acmeID, "--acme-eab-key-file", key}
	}

	wrong := filepath.Join(directory, "wrong")
	ok(t, os.WriteFile(wrong, []byte(base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte("w"), 40))), 0o600))
	server := startACME(t, env, args(one, wrong)...)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(server.said(), "ACME brings no certificate"); time.Sleep(100 * time.Millisecond) {
		c, err := tls.Dial("tcp", addresses[0], &tls.Config{ServerName: acmeHost, InsecureSkipVerify: true}) //nolint:gosec // it is looked at whether there is one at all
		if err == nil {
			t.Fatalf("a certificate of %s", c.ConnectionState().PeerCertificates[0].Issuer)
		}
		if time.Now().After(deadline) {
			t.Fatal(server.said())
		}
	}
	if said := server.said(); !strings.Contains(said, "external account binding") {
		t.Errorf("the log does not say why: %s", said)
	}
	server.stop()

	server = startACME(t, env, args(one, secret)...)
	first := server.shown(addresses[0], one)
	server.stop()
	server = startACME(t, env, args(one, secret)...)
	if again := server.shown(addresses[0], one); again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("another certificate after a restart")
	}
	server.stop()
	server = startACME(t, env, args(other, secret)...)
	server.shown(addresses[0], other)
	server.stop()
	server = startACME(t, env, args(one, secret)...)
	if again := server.shown(addresses[0], one); again.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("the certificate of the first authority is gone")
	}
}
