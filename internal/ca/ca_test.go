package ca

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// serve starts a server of the authority that answers with the host it was asked for.
func serve(t *testing.T, a *Authority) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		TLSConfig: a.TLSConfig(),
		ErrorLog:  log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.Host)
			fmt.Fprint(w, "hello ", host)
		}),
		ReadHeaderTimeout: time.Second,
	}
	go server.ServeTLS(listener, "", "") //nolint:errcheck // ends with Close
	t.Cleanup(func() { server.Close() })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

// need skips a test whose tool is missing, and fails it where all tools must be there.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", tool)
		}
		t.Skipf("%s is missing", tool)
	}
}

var hosts = []string{
	"localhost", "tenant.localhost", "a.b.localhost", "stagedoor.test", "tenant.stagedoor.test", "a.b.c.stagedoor.test", "127.0.0.1",
}

func TestGoClient(t *testing.T) {
	a := open(t, t.TempDir())
	port := serve(t, a)
	data, err := os.ReadFile(a.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		t.Fatal("CAFile holds no certificate")
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
		},
	}}
	defer client.CloseIdleConnections()
	for _, host := range append(hosts, "TENANT.localhost", "[::1]") {
		response, err := client.Get("https://" + host + ":" + port + "/") //nolint:noctx // a test
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		response.Body.Close()
		if response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%s: %s, TLS %x", host, response.Proto, response.TLS.Version)
		}
	}
	for _, host := range []string{"example.com", "localhost.example.com", "xlocalhost", "127.0.0.2", "bad..localhost"} {
		if response, err := client.Get("https://" + host + ":" + port + "/"); err == nil { //nolint:noctx // a test
			response.Body.Close()
			t.Errorf("%s: accepted", host)
		}
	}
}

func TestOldProtocolsAreRefused(t *testing.T) {
	port := serve(t, open(t, t.TempDir()))
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{ //nolint:noctx // a test
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, //nolint:gosec // that is the test
	})
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 accepted")
	}
}

func TestCurl(t *testing.T) {
	need(t, "curl")
	a := open(t, t.TempDir())
	port := serve(t, a)
	for _, host := range hosts {
		out, err := exec.CommandContext(t.Context(), "curl", "-sS", "--noproxy", "*", "--cacert", a.CAFile(),
			"--resolve", host+":"+port+":127.0.0.1", "https://"+host+":"+port+"/").CombinedOutput()
		if err != nil || string(out) != "hello "+host {
			t.Errorf("%s: %v %s", host, err, out)
		}
	}
}

func TestNode(t *testing.T) {
	need(t, "node")
	a := open(t, t.TempDir())
	port := serve(t, a)
	const script = `
const https = require('node:https');
const [port, ...hosts] = process.argv.slice(1);
const lookup = (host, options, done) => options.all ? done(null, [{address: '127.0.0.1', family: 4}]) : done(null, '127.0.0.1', 4);
for (const host of hosts) https.get({host, port, lookup}, (r) => r.on('data', (d) => console.log(String(d))))
	.on('error', (e) => { console.log(host, e.message); process.exitCode = 1; });`
	command := exec.CommandContext(t.Context(), "node", append([]string{"-e", script, port}, hosts...)...)
	command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+a.CAFile())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, host := range hosts {
		if !strings.Contains(string(out), "hello "+host+"\n") {
			t.Errorf("%s: not in\n%s", host, out)
		}
	}
}

func TestOpenSSLAcceptsTheChain(t *testing.T) {
	need(t, "openssl")
	a := open(t, t.TempDir())
	cert, err := a.certificate("tenant.localhost")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "leaf.der")
	if err := os.WriteFile(path, cert.Certificate[0], 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "verify", "-x509_strict", "-purpose", "sslserver",
		"-verify_hostname", "tenant.localhost", "-CAfile", a.CAFile(), path).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAuthorityVouchesForLocalNamesOnly(t *testing.T) {
	a := open(t, t.TempDir())
	if cert := a.Certificate(); !cert.IsCA || !cert.MaxPathLenZero || !cert.PermittedDNSDomainsCritical || len(cert.PermittedIPRanges) != 2 {
		t.Errorf("certificate %+v", cert)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for name, template := range map[string]x509.Certificate{
		"other name":    {DNSNames: []string{"example.com"}},
		"longer name":   {DNSNames: []string{"stagedoor.test.example.com"}},
		"other address": {IPAddresses: []net.IP{net.IPv4(127, 0, 0, 2)}},
	} {
		template.SerialNumber = big.NewInt(1)
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		der, err := x509.CreateCertificate(rand.Reader, &template, a.cert, a.leafKey.Public(), a.key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots})
		var invalid x509.CertificateInvalidError
		if !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCertificatesAreKeptRenewedAndBounded(t *testing.T) {
	now := time.Now()
	a, err := Open(t.TempDir(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	get := func(host string) *x509.Certificate {
		t.Helper()
		cert, err := a.certificate(host)
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf
	}
	first := get("a.localhost")
	if life := first.NotAfter.Sub(first.NotBefore); life > 397*24*time.Hour || first.NotBefore.After(now) {
		t.Errorf("valid from %v for %v", first.NotBefore, life)
	}
	if get("A.localhost.") != first || get("b.localhost") == first {
		t.Error("certificates are not kept by name")
	}
	now = now.AddDate(0, 0, leafDays-renewDays+1)
	if renewed := get("a.localhost"); renewed == first || !renewed.NotAfter.After(first.NotAfter) {
		t.Error("not renewed before its end")
	}
	for i := range 2 * maxLeaves {
		get(fmt.Sprintf("host%d.localhost", i))
	}
	if len(a.leaves) > maxLeaves {
		t.Errorf("%d certificates kept", len(a.leaves))
	}
	for _, host := range []string{"", "example.com", "x y.localhost", "*.localhost", ".localhost", strings.Repeat("a", 64) + ".localhost", strings.Repeat("a.", 200) + "localhost", "ä.localhost"} {
		if cert := get(host); !slices.Equal(cert.DNSNames, []string{"localhost", "stagedoor.test", "*.stagedoor.test"}) || len(cert.IPAddresses) != 2 {
			t.Errorf("%q got a certificate for %v", host, cert.DNSNames)
		}
	}
}

func TestOpenKeepsTheAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "ca")
	a := open(t, dir)
	info, err := os.Stat(filepath.Join(dir, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file %v %v", info.Mode(), err)
	}
	if err := os.Remove(a.CAFile()); err != nil {
		t.Fatal(err)
	}
	if b := open(t, dir); !b.Certificate().Equal(a.Certificate()) {
		t.Error("another authority the second time")
	}
	if info, err := os.Stat(a.CAFile()); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("public file was not made again: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left behind: %v", files)
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	opened := make([]*Authority, 16)
	for i := range opened {
		group.Go(func() {
			a, err := Open(dir, time.Now)
			if err != nil {
				t.Error(err)
				return
			}
			opened[i] = a
		})
	}
	group.Wait()
	for _, a := range opened {
		if a == nil || !a.Certificate().Equal(opened[0].Certificate()) {
			t.Fatal("different authorities")
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := t.TempDir()
	open(t, good)
	key, err := os.ReadFile(filepath.Join(good, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	half := string(key[:len(key)/2])
	other := t.TempDir()
	open(t, other)
	otherKey, _ := os.ReadFile(filepath.Join(other, keyFile))
	begin := strings.Index(string(otherKey), "-----BEGIN CERTIFICATE")
	mixed := string(key[:strings.Index(string(key), "-----BEGIN CERTIFICATE")]) + string(otherKey[begin:])
	for name, tt := range map[string]struct {
		data string
		mode os.FileMode
		now  time.Time
		want string
	}{
		"readable by others": {string(key), 0o644, time.Now(), "chmod 600"},
		"empty":              {"", 0o600, time.Now(), "is damaged"},
		"garbage":            {"not a key", 0o600, time.Now(), "is damaged"},
		"half":               {half, 0o600, time.Now(), "is damaged"},
		"other certificate":  {mixed, 0o600, time.Now(), "is damaged"},
		"run out":            {string(key), 0o600, time.Now().AddDate(11, 0, 0), "ran out"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, keyFile)
		if err := errors.Join(os.WriteFile(path, []byte(tt.data), 0o600), os.Chmod(path, tt.mode)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, func() time.Time { return tt.now })
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, authorityKey, err := create(time.Now())
	if err != nil {
		b.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	a := &Authority{now: time.Now, cert: cert, key: authorityKey, leafKey: key}
	for b.Loop() {
		if _, err := a.issue("tenant.localhost", time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	dir, _ := os.MkdirTemp("", "ca")
	defer os.RemoveAll(dir)
	authority, _ := Open(dir, time.Now)

	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	server := &http.Server{
		TLSConfig: authority.TLSConfig(),
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }),
	}
	go server.ServeTLS(listener, "", "")
	defer server.Close()

	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate()) // others read authority.CAFile()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	response, err := client.Get("https://" + listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	fmt.Println(string(text))
	// Output: hello
}
