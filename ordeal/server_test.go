//go:build unix

package ordeal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// domain is the name under which the tenant answers, whichever server is asked.
const domain = "ordeal.localhost"

// binary builds the program once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "stagedoor-ordeal-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "stagedoor")
	build := exec.Command("go", "build", "-o", path, "github.com/stagedoor/stagedoor/cmd/stagedoor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binaryIfBuilt(); err == nil && path != "" {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

var built bool

func binaryIfBuilt() (string, error) {
	if !built {
		return "", nil
	}
	return binary()
}

func program(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("STAGEDOOR_ORDEAL_BINARY"); path != "" {
		return path
	}
	built = true
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// freeAddress returns an address of the loopback that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A process is one running server.
type process struct {
	address string
	command func() *exec.Cmd
	cmd     *exec.Cmd
	log     *lines
	exited  chan struct{}
}

// lines keep the end of a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 {
		l.b.Next(1 << 19)
	}
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (p *process) start(t testing.TB) {
	t.Helper()
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }() //nolint:errcheck // most are killed
	p.cmd, p.exited = cmd, exited
}

// kill ends the process as kill -9 does, and waits until it is gone.
func (p *process) kill() {
	if p.cmd != nil {
		p.cmd.Process.Signal(syscall.SIGKILL)
		<-p.exited
	}
}

// stop ends the process as an operator does.
func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.kill()
	}
}

// A world is a database, servers on it, and the tenant that is written to.
type world struct {
	testing.TB
	data, database string // database is empty for the file in data
	servers        []*process
	client         *http.Client
	machine        struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Audience     string `json:"audience"`
	}
	tokens    sync.Mutex
	token     string
	app       string // the client that people log in to
	violation func(format string, args ...any)
	extra     []string             // flags of serve
	as        *syscall.SysProcAttr // who runs the program
}

// newWorld makes a tenant in a fresh database, with a client and an API for logins, behind n servers.
func newWorld(t testing.TB, database string, n int, serve ...string) *world {
	t.Helper()
	return newWorldIn(t, filepath.Join(t.TempDir(), "data"), database, n, serve...)
}

// newWorldIn is newWorld with a directory of one's choice.
func newWorldIn(t testing.TB, data, database string, n int, serve ...string) *world {
	t.Helper()
	w := &world{TB: t, data: data, database: database, extra: serve, client: &http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext},
	}}
	w.violation = t.Errorf
	out, err := w.run(program(t), "init", "ordeal", "--domain", domain, "--json")
	if err != nil || json.Unmarshal(out, &w.machine) != nil {
		t.Fatalf("init: %v %s", err, out)
	}
	for range n {
		w.addServer()
	}
	for _, p := range w.servers {
		p.start(t)
	}
	t.Cleanup(func() {
		for _, p := range w.servers {
			p.stop()
		}
	})
	w.ready(0, 60*time.Second)
	w.furnish()
	return w
}

func (w *world) flags() []string {
	flags := []string{"--data", w.data}
	if w.database != "" {
		flags = append(flags, "--database", w.database)
	}
	return flags
}

// run runs the program on the world's database and returns what it prints.
func (w *world) run(name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, append(args, w.flags()...)...)
	cmd.SysProcAttr = w.as
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, errs.Bytes())
	}
	return out.Bytes(), err
}

func (w *world) addServer() *process {
	p := &process{address: freeAddress(w), log: &lines{}}
	p.command = func() *exec.Cmd {
		args := append([]string{"serve", "--http", p.address, "--https", ""}, w.flags()...)
		return exec.Command(program(w), append(args, w.extra...)...)
	}
	w.servers = append(w.servers, p)
	return p
}

// call sends a request to one of the servers and returns the status, 0 when there was no answer.
func (w *world) call(server int, method, path, token string, body, into any) int {
	status, text, err := w.exchange(server, method, path, token, body)
	if err != nil || into != nil && json.Unmarshal(text, into) != nil {
		return 0
	}
	return status
}

func (w *world) exchange(server int, method, path, token string, body any) (int, []byte, error) {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		payload = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, "http://"+w.servers[server%len(w.servers)].address+path, payload)
	if err != nil {
		return 0, nil, err
	}
	r.Host = domain
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}

// manage calls the Management API.
func (w *world) manage(server int, method, path string, body, into any) int {
	w.tokens.Lock()
	token := w.token
	w.tokens.Unlock()
	return w.call(server, method, "/api/v2"+path, token, body, into)
}

// ready waits until a server gives a token and takes it, and returns how long that took.
func (w *world) ready(server int, most time.Duration) time.Duration {
	w.Helper()
	began := time.Now()
	for time.Since(began) < most {
		var got struct {
			AccessToken string `json:"access_token"`
		}
		status := w.call(server, "POST", "/oauth/token", "", map[string]string{
			"grant_type": "client_credentials", "client_id": w.machine.ClientID, "client_secret": w.machine.ClientSecret, "audience": w.machine.Audience,
		}, &got)
		if status == 200 {
			w.tokens.Lock()
			w.token = got.AccessToken
			w.tokens.Unlock()
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.Fatalf("no server within %v:\n%s", most, w.servers[server].log)
	return 0
}

// furnish makes what logins need.
func (w *world) furnish() {
	w.Helper()
	var connections []struct{ ID string }
	var client struct {
		ClientID string `json:"client_id"`
	}
	want := func(status, got int) {
		w.Helper()
		if got != status {
			w.Fatalf("status %d, want %d\n%s", got, status, w.servers[0].log)
		}
	}
	want(200, w.manage(0, "GET", "/connections", nil, &connections))
	want(201, w.manage(0, "POST", "/resource-servers", map[string]any{"name": "API", "identifier": "https://api.ordeal.test/", "allow_offline_access": true, "skip_consent_for_verifiable_first_party_clients": true}, nil))
	want(201, w.manage(0, "POST", "/clients", map[string]any{
		"name": "App", "app_type": "native", "token_endpoint_auth_method": "none", "oidc_conformant": true,
		"callbacks": []string{callback}, "grant_types": []string{"authorization_code", "refresh_token"},
		"refresh_token": map[string]any{"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0, "token_lifetime": 86400, "idle_token_lifetime": 43200},
	}, &client))
	w.app = client.ClientID
	enable := []map[string]any{{"client_id": w.machine.ClientID, "status": true}, {"client_id": w.app, "status": true}}
	want(204, w.manage(0, "PATCH", "/connections/"+connections[0].ID+"/clients", enable, nil))
}

// check runs the program's own look at the database.
func (w *world) check() error {
	out, err := w.run(program(w), "check", "--json")
	var found struct {
		Faults []struct{ Tenant, Where, What string }
	}
	if bad := json.Unmarshal(out, &found); bad != nil {
		return errors.Join(err, bad)
	}
	if len(found.Faults) > 0 {
		return fmt.Errorf("%d faults, such as %+v", len(found.Faults), found.Faults[0])
	}
	return err
}
