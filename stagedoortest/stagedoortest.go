// Package stagedoortest starts a whole server inside a test, in one line.
//
//	func TestMain(m *testing.M) { stagedoortest.Main(m) }
//
//	func TestShop(t *testing.T) {
//		s := stagedoortest.New(t)
//		token := s.ManagementToken(t)
//		…
//	}
//
// The server listens on loopback over http and https, on a database of its own, with one tenant
// and its management client. Scripts run in workers that are the test binary itself, which is what
// Main is for.
package stagedoortest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/server"
)

// Main runs the tests of a package, whose password hashes are cheap; in a child process it is a script worker instead.
func Main(m *testing.M) {
	script.Serve()
	password.CheapInTests()
	jose.ReuseInTests()
	os.Exit(m.Run())
}

// Server is a running server.
type Server struct {
	*server.Server
	HTTPURL  string // http://localhost:port
	HTTPSURL string // https://localhost:port
	AdminURL string // http://127.0.0.1:port; empty without
	Domain   string // localhost:port of https
	CAFile   string
	Tenant   string
	Client   *http.Client                 // trusts the server, follows no redirect
	Machine  *stagedoor.Client            // the management client with its secret
	Domains  map[string]string            // further tenants: name to domain
	Machines map[string]*stagedoor.Client // further tenants: name to management client

	cfg config.Config
}

// Options change what New does.
type Options struct {
	Database string            // the address of a migrated database; empty for a file of its own
	Clock    stagedoor.Clock   // nil: the time
	Allow    []string          // "host:port" that scripts may reach
	Log      io.Writer         // nil: the test's log on failure only
	Tenants  []string          // further tenants
	Proxies  []netip.Prefix    // trusted proxies
	Beside   *Server           // another server of the same database: its Client reaches the new one by the other's addresses
	Rewrite  map[string]string // former hosts that scripts use, and what they are now

	LookupTXT func(context.Context, string) ([]string, error) // what the DNS says; nil: what it really does

	EventsFor time.Duration // how long readers of events stay; 0: a moment, so that a walk over all routes goes on

	Configure func(*config.Config) // changes what else is to be changed, for tests of this module; nil: nothing
}

// New starts a server that stops with the test.
func New(t testing.TB, options ...Options) *Server {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	var trusted []config.Network
	for _, proxies := range o.Proxies {
		trusted = append(trusted, config.Network{Prefix: proxies})
	}
	cfg := config.Config{
		DataDir: t.TempDir(), Database: o.Database, HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", ShutdownGrace: 5 * time.Second,
		LogLevel: "info", LogFormat: "text", Mail: config.Mail{Port: 587, From: "Stagedoor <no-reply@stagedoor.test>"},
		Outbound: config.Outbound{Allow: o.Allow, Rewrite: o.Rewrite}, TrustedProxies: trusted,
	}
	if o.Configure != nil {
		o.Configure(&cfg)
	}
	switch {
	case o.Beside != nil:
		cfg.Database, cfg.MasterKeyFile = o.Beside.cfg.Database, o.Beside.cfg.MasterKeyFile
	case cfg.Database == "":
		cfg.Database = storetest.Migrated(t, storetest.SQLite)
	}
	must(t, cfg.Complete())
	_, err := jose.LoadOrCreateMasterKeys(cfg.MasterKeyFile) // also beside a database that is there: nothing is sealed in it yet
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	if o.Log != nil {
		log = slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	deps := server.Deps{Clock: o.Clock, LookupTXT: o.LookupTXT, Log: log, EventsFor: cmp.Or(o.EventsFor, 200*time.Millisecond)}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, cfg, deps)
	must(t, err)
	l, err := s.Listen()
	must(t, err)
	out := &Server{Server: s, Tenant: "test", CAFile: l.CAFile, Domains: map[string]string{}, Machines: map[string]*stagedoor.Client{}}
	httpPort, httpsPort := portOf(l.HTTP[0]), portOf(l.HTTPS[0])
	out.cfg = cfg
	out.HTTPURL, out.HTTPSURL, out.Domain = "http://localhost:"+httpPort, "https://localhost:"+httpsPort, "localhost:"+httpsPort
	if len(l.Admin) > 0 {
		out.AdminURL = "http://" + l.Admin[0].Addr().String()
	}
	if o.Beside != nil {
		out.HTTPURL, out.Domain, out.Machine = o.Beside.HTTPURL, o.Beside.Domain, o.Beside.Machine
	} else {
		out.Machine, err = server.CreateTenant(ctx, s.DB(), out.Tenant, []string{out.Domain, "localhost:" + httpPort, "test.localhost:" + httpPort})
		must(t, err)
	}
	for _, name := range o.Tenants {
		out.Domains[name] = name + ".localhost:" + httpPort
		out.Machines[name], err = server.CreateTenant(ctx, s.DB(), name, []string{out.Domains[name]})
		must(t, err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	out.Client = client(t, l.CAFile)
	if o.Beside != nil {
		out.Client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+httpPort)
		}
	}
	t.Cleanup(func() {
		out.Client.CloseIdleConnections() // one that was opened and never used keeps a server from stopping for seconds
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server did not stop clean: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return out
}

func client(t testing.TB, caFile string) *http.Client {
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Clean(caFile))
	must(t, err)
	pool.AppendCertsFromPEM(pem)
	dialer := &net.Dialer{}
	return &http.Client{
		Timeout:       60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 64,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) { // every name here is this machine
				return dialer.DialContext(ctx, network, "127.0.0.1:"+addr[strings.LastIndexByte(addr, ':')+1:])
			},
		},
	}
}

// ManagementToken returns a token of the management client with all scopes.
func (s *Server) ManagementToken(t testing.TB) string {
	t.Helper()
	return s.MachineToken(t, s.HTTPURL, s.Machine, "https://"+s.Domain+"/api/v2/")
}

// MachineToken returns a client's own token for an audience.
func (s *Server) MachineToken(t testing.TB, base string, c *stagedoor.Client, audience string) string {
	t.Helper()
	var resp struct {
		AccessToken string `json:"access_token"`
	}
	status := s.JSON(t, "POST", base+"/oauth/token", "", map[string]string{
		"grant_type": "client_credentials", "client_id": c.ID, "client_secret": c.Secret, "audience": audience,
	}, &resp)
	if status != http.StatusOK {
		t.Fatalf("no token for %s: status %d", audience, status)
	}
	return resp.AccessToken
}

// JSON sends a body as JSON, with a bearer token unless it is empty, reads the answer into
// into unless that is nil, and returns the status.
func (s *Server) JSON(t testing.TB, method, url, token string, body, into any) int {
	t.Helper()
	var payload io.Reader
	if text, ok := body.(string); ok {
		payload = strings.NewReader(text)
	} else if body != nil {
		b, err := json.Marshal(body)
		must(t, err)
		payload = strings.NewReader(string(b))
	}
	r, err := http.NewRequestWithContext(context.Background(), method, url, payload)
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.Client.Do(r)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	if into != nil && len(b) > 0 {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s %s: %s answers %q: %v", method, url, resp.Status, b, err)
		}
	}
	return resp.StatusCode
}

func portOf(l net.Listener) string {
	addr := l.Addr().String()
	return addr[strings.LastIndexByte(addr, ':')+1:]
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("stagedoortest: %w", err))
	}
}
