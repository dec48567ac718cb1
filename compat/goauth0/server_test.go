package goauth0

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// server is a stagedoor process with a tenant as new ones are, and the database connection that the SDK's tests take for granted.
type server struct {
	Domain       string `json:"domain"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	caFile       string
	client       *http.Client
	token        string
}

// build compiles the server.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "stagedoor")
	run(t, "../..", nil, "go", "build", "-o", binary, "./cmd/stagedoor")
	return binary
}

func run(t *testing.T, dir string, env []string, argv ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &errs, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(argv[:2], " "), err, out.String(), errs.String())
	}
	return out.String()
}

// start starts a server that stops with the test.
func start(t *testing.T, binary, database string) *server {
	t.Helper()
	dir := t.TempDir()
	port := freePort(t)
	flags := []string{"--data", dir, "--https", fmt.Sprintf("127.0.0.1:%d", port), "--http", "", "--log-level", "error"}
	if database != "" {
		flags = append(flags, "--database", database)
	}
	domain := fmt.Sprintf("localhost:%d", port)
	tenant := fmt.Sprintf("go-auth0-%d", time.Now().UnixNano())
	s := &server{}
	text := run(t, ".", nil, append([]string{binary, "init", tenant, "--domain", domain, "--json"}, flags...)...)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	cmd := exec.Command(binary, append([]string{"serve"}, flags...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	s.caFile = filepath.Join(dir, "ca", "ca.pem")
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

// call sends JSON to the Management API, or to an address elsewhere on the server.
func (s *server) call(t *testing.T, method, path string, body any) map[string]any {
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
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	a, err := s.client.Do(r)
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
func (s *server) furnish(t *testing.T) {
	t.Helper()
	token := s.call(t, "POST", "/oauth/token", map[string]string{
		"grant_type": "client_credentials", "client_id": s.ClientID, "client_secret": s.ClientSecret, "audience": "https://" + s.Domain + "/api/v2/",
	})
	s.token, _ = token["access_token"].(string)
	s.call(t, "PATCH", "/api/v2/tenants/settings", map[string]any{"default_redirection_uri": "https://mycompany.org/login"})     // where invitations lead
	s.call(t, "PATCH", "/api/v2/tenants/settings", map[string]any{"flags": map[string]bool{"enable_client_connections": false}}) // a test wants a client without
	const name = "Username-Password-Authentication"
	options := map[string]any{"requires_username": true, "brute_force_protection": true}
	found := s.call(t, "GET", "/api/v2/connections?include_totals=true&name="+url.QueryEscape(name), nil)
	list, _ := found["connections"].([]any)
	id := ""
	if len(list) == 0 {
		made := s.call(t, "POST", "/api/v2/connections", map[string]any{"name": name, "strategy": "auth0", "options": options})
		id, _ = made["id"].(string)
	} else {
		id, _ = list[0].(map[string]any)["id"].(string)
	}
	s.call(t, "PATCH", "/api/v2/connections/"+id, map[string]any{"options": options, "enabled_clients": []string{s.ClientID}})
	s.call(t, "POST", "/dbconnections/signup", map[string]any{ // something for the statistics
		"client_id": s.ClientID, "connection": name, "email": "first@example.com", "username": "first", "password": "Correct-Horse-1",
	})
}
