// Package compat runs real clients against a real server: official SDKs of several generations and
// every request that the published scenario "User Data Storage" shows. It is a module of its own, so that no
// SDK becomes a dependency of the product.
//
// One demo serves all tests of a run, on ports that were free and a database in a temporary directory.
// Nothing is told to the clients but its domain, credentials, and where its certificate authority is.
package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// demo is what the running demo tells about itself in its demo.json.
var demo struct {
	HTTPURL    string `json:"http_url"`
	HTTPSURL   string `json:"https_url"`
	Domain     string `json:"domain"`
	CAFile     string `json:"ca_file"`
	Tenant     string `json:"tenant"`
	MixtapeURL string `json:"mixtape_url"`
	Management struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		Audience     string `json:"audience"`
	} `json:"management"`
	Clients []client `json:"clients"`
	Users   []user   `json:"users"`
}

// binary is the path of the server that was built for this run, data the directory of what it keeps.
var binary, data string

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

func TestMain(m *testing.M) {
	code, err := withDemo(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withDemo builds the server, starts its demo, runs the tests, and stops it. A demo that does not stop
// clean fails the run.
func withDemo(run func() int) (code int, err error) {
	directory, err := os.MkdirTemp("", "stagedoor-compat-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(directory)
	binary = filepath.Join(directory, "stagedoor")
	build := exec.Command("go", "build", "-o", binary, "./cmd/stagedoor")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the server: %w\n%s", err, out)
	}

	addresses, err := freeAddresses(4)
	if err != nil {
		return 1, err
	}
	data = filepath.Join(directory, "data")
	var output bytes.Buffer
	server := exec.Command(binary, "demo", "--data", data, "--http", addresses[0], "--https", addresses[1],
		"--mixtape", addresses[2], "--mixtape-api", addresses[3])
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		return 1, err
	}
	exited := make(chan error, 1)
	go func() { exited <- server.Wait() }()
	stop := func() error {
		_ = server.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-exited:
			return err
		case <-time.After(20 * time.Second):
			_ = server.Process.Kill()
			<-exited
			return errors.New("it did not stop within 20 seconds")
		}
	}

	file := filepath.Join(data, "demo.json")
	if err := awaitDemo(file, exited); err != nil {
		_ = server.Process.Kill()
		return 1, fmt.Errorf("start the demo: %w\n%s", err, &output)
	}
	os.Setenv("STAGEDOOR_DEMO", file)
	os.Setenv("SSL_CERT_FILE", demo.CAFile) // Go, Python, Ruby; read before the first connection
	os.Setenv("NODE_EXTRA_CA_CERTS", demo.CAFile)
	os.Setenv("CURL_CA_BUNDLE", demo.CAFile)

	code = run()
	if err := stop(); err != nil {
		return 1, fmt.Errorf("stop the demo: %w\n%s", err, &output)
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "what the demo printed:\n%s\n", tail(output.Bytes(), 20_000))
	}
	return code, nil
}

// awaitDemo waits for demo.json, which the demo writes when everything answers.
func awaitDemo(file string, exited <-chan error) error {
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-exited:
			return fmt.Errorf("it ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
		if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &demo) == nil {
			return nil
		}
	}
	return errors.New("no demo.json within 90 seconds")
}

func freeAddresses(n int) (addresses []string, err error) {
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // all stay taken until all are chosen
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// need returns the path of a program; without it the test skips at home and fails in CI.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, program+" is not installed")
	}
	return path
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what + "; scripts/install installs it")
	}
	t.Skip(what + "; scripts/install installs it")
}

// program runs a command to its end and returns what it printed.
func program(t *testing.T, directory string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = directory
	command.Env = append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	return string(out), err
}

func tail(text []byte, n int) []byte { return text[max(0, len(text)-n):] }
