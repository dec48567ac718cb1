// Package e2e tells the story of Mixtape and holds each of its promises with a test that is named after
// it, against the real server: over HTTP where a protocol is enough, and in headless Chromium where a person
// would look. It is a module of its own, so that no browser driver becomes a dependency of the product.
//
// One demo serves all tests of a run, on ports that were free and with its data in a temporary directory.
// The tests of a promise may change the demo's tenant as an operator would; they put back what others rely on.
//
// With -screenshots DIR, every page and screen is kept as a picture.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demo is what the running demo tells about itself in its demo.json.
var demo demoInfo

// binary is the path of the server that was built for this run; scratch a directory that is deleted at its end.
var binary, scratch string

type demoInfo struct {
	HTTPURL    string `json:"http_url"`
	HTTPSURL   string `json:"https_url"`
	Domain     string `json:"domain"`
	CAFile     string `json:"ca_file"`
	Tenant     string `json:"tenant"`
	Management struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Audience     string `json:"audience"`
	} `json:"management"`
	Clients       []client `json:"clients"`
	Users         []user   `json:"users"`
	MixtapeURL    string   `json:"mixtape_url"`
	MixtapeAPIURL string   `json:"mixtape_api_url"`
}

type client struct {
	Name         string `json:"name"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

type user struct {
	UserID   string `json:"user_id"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

func TestMain(m *testing.M) {
	code, err := withDemo(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withDemo builds the server, starts its demo, runs the tests, and stops it. A demo that does not stop clean
// fails the run.
func withDemo(run func() int) (code int, err error) {
	if scratch, err = os.MkdirTemp("", "stagedoor-e2e-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(scratch)
	binary = filepath.Join(scratch, "stagedoor")
	if err := build(binary, "./cmd/stagedoor"); err != nil {
		return 1, err
	}
	p, info, err := startDemo(filepath.Join(scratch, "data"), demoFlags())
	if err != nil {
		return 1, err
	}
	demo = *info
	code = run()
	closeChromium()
	if err := p.stop(); err != nil {
		return 1, fmt.Errorf("stop the demo: %w\n%s", err, p.tail())
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "what the demo printed:\n%s\n", p.tail())
	}
	return code, nil
}

// build compiles a command of the product, without cgo.
func build(path, command string) error {
	b := exec.Command("go", "build", "-o", path, command)
	b.Dir = ".."
	b.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := b.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return nil
}

// demoFlags are addresses for a demo that were free a moment ago.
func demoFlags() []string {
	a := freeAddresses(4)
	return []string{"--http", a[0], "--https", a[1], "--mixtape", a[2], "--mixtape-api", a[3]}
}

// startDemo starts a demo and returns when it has written demo.json, which it does when everything answers.
func startDemo(data string, flags []string) (*process, *demoInfo, error) {
	file := filepath.Join(data, "demo.json")
	before, _ := os.Stat(file)
	p, err := start(exec.Command(binary, append([]string{"demo", "--data", data}, flags...)...))
	if err != nil {
		return nil, nil, err
	}
	info := &demoInfo{}
	err = p.await(func() bool {
		now, err := os.Stat(file)
		if err != nil || before != nil && os.SameFile(before, now) {
			return false
		}
		text, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(text, info) == nil
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start the demo: %w\n%s", err, p.tail()), p.stop())
	}
	return p, info, nil
}

// A process is a program that runs beside the tests.
type process struct {
	command *exec.Cmd
	output  buffer
	exited  chan struct{}
	err     error // of its end
}

func start(command *exec.Cmd) (*process, error) {
	p := &process{command: command, exited: make(chan struct{})}
	if command.Stdout == nil {
		command.Stdout = &p.output
	}
	command.Stderr = &p.output
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// await waits until ready, for as long as a slow machine may take.
func (p *process) await(ready func() bool) error {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		select {
		case <-p.exited:
			return fmt.Errorf("it ended: %v", p.err)
		case <-time.After(10 * time.Millisecond):
		}
		if ready() {
			return nil
		}
	}
	return errors.New("it was not ready within a minute")
}

// awaitURL waits until the address answers 200.
func (p *process) awaitURL(url string) error {
	return p.await(func() bool {
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// stop asks the program to stop; one that does not, or does so with an error, is an error.
func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		return p.err
	case <-time.After(time.Minute):
		_ = p.command.Process.Kill()
		<-p.exited
		return errors.New("it did not stop within a minute")
	}
}

func (p *process) tail() []byte {
	text := p.output.bytes()
	return text[max(0, len(text)-20_000):]
}

// running starts a program for the length of a test, and returns when the address answers.
func running(t *testing.T, url string, command *exec.Cmd) *process {
	t.Helper()
	p, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("stop %s: %v\n%s", command.Args, err, p.tail())
		}
	})
	if err := p.awaitURL(url); err != nil {
		t.Fatalf("%s: %v\n%s", command.Args, err, p.tail())
	}
	return p
}

// A buffer may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes())
}

func freeAddresses(n int) (addresses []string) {
	for len(addresses) < n {
		// below the ports that the system gives to connections: one of those may be taken before the program that is told listens
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(15000))))
		if err != nil {
			continue // somebody else's
		}
		defer l.Close() // all stay taken until all are chosen
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

func port(address string) string {
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	return p
}

// missing ends a test that lacks a tool: it skips at home and fails in CI.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what + " is missing; scripts/install installs it")
	}
	t.Skip(what + " is missing; scripts/install installs it")
}

// clientNamed and userNamed find what the demo made.
func clientNamed(t *testing.T, name string) client {
	t.Helper()
	for _, c := range demo.Clients {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("the demo has no client named %q: %+v", name, demo.Clients)
	return client{}
}

func userNamed(t *testing.T, name string) user {
	t.Helper()
	for _, u := range demo.Users {
		if u.Email == name+"@mixtape.example" {
			return u
		}
	}
	t.Fatalf("the demo has no listener named %q: %+v", name, demo.Users)
	return user{}
}
