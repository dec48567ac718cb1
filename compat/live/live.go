// Package live starts a real Stagedoor server for tests that drive it from outside: the built program, a tenant as new ones are, https
// with the program's own authority.
package live

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a stagedoor process with a tenant as new ones are, and the database connection that the SDK's tests take for granted.
type Server struct {
	Domain       string       `json:"domain"`
	ClientID     string       `json:"client_id"`
	ClientSecret string       `json:"client_secret"`
	CAFile       string       `json:"-"`
	Client       *http.Client `json:"-"` // trusts the server
	Token        string       `json:"-"` // for the Management API
}

// Build compiles the server.
func Build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "stagedoor")
	Run(t, "../..", nil, "go", "build", "-o", binary, "./cmd/stagedoor")
	return binary
}

// Run runs a command and returns what it printed; a failure ends the test.
func Run(t *testing.T, dir string, env []string, argv ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &errs, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(argv[:2], " "), err, out.String(), errs.String())
	}
	return out.String()
}

// Start starts a server that stops with the test.
func Start(t *testing.T, binary, database string) *Server {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	proxy, authority := internet(t)
	flags := []string{"--data", dir, "--https", fmt.Sprintf("127.0.0.1:%d", port), "--http", "", "--log-level", "error", "--outbound-proxy", proxy}
	if database != "" {
		flags = append(flags, "--database", database)
	}
	domain := fmt.Sprintf("localhost:%d", port)
	tenant := fmt.Sprintf("go-auth0-%d", time.Now().UnixNano())
	s := &Server{}
	text := Run(t, ".", nil, append([]string{binary, "init", tenant, "--domain", domain, "--json"}, flags...)...)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	cmd := exec.Command(binary, append([]string{"serve"}, flags...)...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+authority)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	s.CAFile = filepath.Join(dir, "ca", "ca.pem")
	s.await(t)
	s.furnish(t)
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Call sends JSON to the Management API, or to an address elsewhere on the server.
func (s *Server) Call(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "https://"+s.Domain+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if s.Token != "" {
		r.Header.Set("Authorization", "Bearer "+s.Token)
	}
	a, err := s.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	out := map[string]any{}
	if a.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s", method, path, a.Status)
	}
	if a.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(a.Body).Decode(&out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return out
}

// furnish makes what the SDK's authors have in their tenant: the usual database connection with usernames, enabled for the client,
// and a page where logins begin.
func (s *Server) furnish(t *testing.T) {
	t.Helper()
	token := s.Call(t, "POST", "/oauth/token", map[string]string{
		"grant_type": "client_credentials", "client_id": s.ClientID, "client_secret": s.ClientSecret, "audience": "https://" + s.Domain + "/api/v2/",
	})
	s.Token, _ = token["access_token"].(string)
	s.Call(t, "PATCH", "/api/v2/tenants/settings", map[string]any{"default_redirection_uri": "https://mycompany.org/login"})     // where invitations lead
	s.Call(t, "PATCH", "/api/v2/tenants/settings", map[string]any{"stagedoor": map[string]bool{"development_inbox": true}})      // where messages stay
	s.Call(t, "PATCH", "/api/v2/tenants/settings", map[string]any{"flags": map[string]bool{"enable_client_connections": false}}) // a test wants a client without
	const name = "Username-Password-Authentication"
	options := map[string]any{"requires_username": true, "brute_force_protection": true}
	found := s.Call(t, "GET", "/api/v2/connections?include_totals=true&name="+url.QueryEscape(name), nil)
	list, _ := found["connections"].([]any)
	id := ""
	if len(list) == 0 {
		made := s.Call(t, "POST", "/api/v2/connections", map[string]any{"name": name, "strategy": "auth0", "options": options})
		id, _ = made["id"].(string)
	} else {
		id, _ = list[0].(map[string]any)["id"].(string)
	}
	s.Call(t, "PATCH", "/api/v2/connections/"+id, map[string]any{"options": options, "enabled_clients": []string{s.ClientID}})
	s.Call(t, "POST", "/dbconnections/signup", map[string]any{ // something for the statistics
		"client_id": s.ClientID, "connection": name, "email": "first@example.com", "username": "first", "password": "Correct-Horse-1",
	})
}

// await waits until the server answers, and trusts its authority.
func (s *Server) await(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	var pem []byte
	for err := error(fs.ErrNotExist); err != nil; pem, err = os.ReadFile(s.CAFile) {
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	s.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
	for ; ; time.Sleep(50 * time.Millisecond) {
		a, err := s.Client.Get("https://" + s.Domain + "/readyz")
		if err == nil {
			a.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
