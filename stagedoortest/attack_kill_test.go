package stagedoortest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAcknowledgedOverHTTPSurvivesAKill: the real command is killed in the middle of writes; what was answered with 200 is
// there when it starts again.
func TestAcknowledgedOverHTTPSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "stagedoor")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/stagedoor/stagedoor/cmd/stagedoor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := free.Addr().String()
	free.Close()
	data := filepath.Join(dir, "data")
	out, err := exec.CommandContext(t.Context(), binary, "init", "acme", "--domain", host, "--data", data, "--json").Output()
	var credentials map[string]string
	if err != nil || json.Unmarshal(out, &credentials) != nil {
		t.Fatalf("init: %v %s", err, out)
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	call := func(method, path, token string, body any, into any) int {
		b, err := json.Marshal(body)
		if err != nil {
			return 0
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+path, bytes.NewReader(b))
		if err != nil {
			return 0
		}
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := client.Do(r)
		if err != nil {
			return 0 // killed
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0
		}
		if into != nil && json.Unmarshal(text, into) != nil {
			return 0
		}
		return resp.StatusCode
	}
	start := func() (kill func(), token string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, binary, "serve", "--data", data, "--http", host, "--https", "") // ending ctx is kill -9
		var log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill = func() { cancel(); cmd.Wait() } //nolint:errcheck // it was killed
		var got struct {
			AccessToken string `json:"access_token"`
		}
		for range 1200 {
			if call("POST", "/oauth/token", "", map[string]string{"grant_type": "client_credentials", "client_id": credentials["client_id"], "client_secret": credentials["client_secret"], "audience": credentials["audience"]}, &got) == 200 {
				return kill, got.AccessToken
			}
			time.Sleep(50 * time.Millisecond)
		}
		kill()
		t.Fatalf("the server does not answer: %s", log.String())
		return nil, ""
	}

	kill, token := start()
	var connections []map[string]any
	call("GET", "/api/v2/connections", token, nil, &connections)
	call("PATCH", fmt.Sprint("/api/v2/connections/", connections[0]["id"], "/clients"), token, []map[string]any{{"client_id": credentials["client_id"], "status": true}}, nil)
	var user map[string]any
	if status := call("POST", "/api/v2/users", token, map[string]any{"connection": connection, "email": "ada@acme.example", "password": "Engine-No.1", "verify_email": false}, &user); status != 201 {
		t.Fatalf("creating a user: %d %v", status, user)
	}
	path := "/api/v2/users/" + url.PathEscape(user["user_id"].(string))
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	for round := range 3 {
		var wg sync.WaitGroup
		enough := make(chan struct{})
		var once sync.Once
		for i := range 8 {
			wg.Go(func() {
				for n := 0; ; n++ {
					key := fmt.Sprintf("k%d_%d_%d", round, i, n)
					if call("PATCH", path, token, map[string]any{"user_metadata": map[string]any{key: n}}, nil) != 200 {
						return
					}
					mu.Lock()
					acknowledged[key] = true
					if len(acknowledged) >= 150*(round+1) {
						once.Do(func() { close(enough) })
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		kill()
		wg.Wait()
		kill, token = start()
		var kept struct {
			Metadata map[string]any `json:"user_metadata"`
		}
		if status := call("GET", path, token, nil, &kept); status != 200 {
			t.Fatalf("after a kill the user is gone: %d", status)
		}
		for key := range acknowledged {
			if _, there := kept.Metadata[key]; !there {
				t.Errorf("%s was acknowledged and is lost", key)
			}
		}
		t.Logf("round %d: %d acknowledged, %d kept", round+1, len(acknowledged), len(kept.Metadata))
	}
	kill()
	if info, err := os.Stat(filepath.Join(data, "stagedoor.db")); err != nil || info.Mode().Perm() != 0o600 || strings.Contains(readFile(t, filepath.Join(data, "stagedoor.db")), credentials["client_secret"]) {
		t.Errorf("the database: %v %v", info, err)
	}
}
