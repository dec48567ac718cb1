package stagedoortest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestImportSurvivesAKill: the real command is killed in the middle of an import; when it starts again the import goes on, and in
// the end each user is there once.
func TestImportSurvivesAKill(t *testing.T) {
	const users = 12000
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
	host, data := free.Addr().String(), filepath.Join(dir, "data")
	free.Close()
	out, err := exec.CommandContext(t.Context(), binary, "init", "acme", "--domain", host, "--data", data, "--json").Output()
	var credentials map[string]string
	if err != nil || json.Unmarshal(out, &credentials) != nil {
		t.Fatalf("init: %v %s", err, out)
	}
	token := ""
	call := func(method, path, contentType string, body io.Reader, into any) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+path, body)
		if err != nil {
			return 0
		}
		r.Header.Set("Content-Type", contentType)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0
		}
		defer resp.Body.Close()
		if json.NewDecoder(resp.Body).Decode(into) != nil {
			return 0
		}
		return resp.StatusCode
	}
	start := func() (kill func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, binary, "serve", "--data", data, "--http", host, "--https", "") // ending ctx is kill -9
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill = func() { cancel(); cmd.Wait() } //nolint:errcheck // it was killed
		ask, _ := json.Marshal(map[string]string{"grant_type": "client_credentials", "client_id": credentials["client_id"], "client_secret": credentials["client_secret"], "audience": credentials["audience"]})
		for range 1200 {
			var got struct {
				AccessToken string `json:"access_token"`
			}
			if call("POST", "/oauth/token", "application/json", bytes.NewReader(ask), &got) == 200 {
				token = got.AccessToken
				return kill
			}
			time.Sleep(50 * time.Millisecond)
		}
		kill()
		t.Fatal("the server does not answer")
		return nil
	}

	kill := start()
	var connections []map[string]any
	call("GET", "/api/v2/connections", "application/json", nil, &connections)
	if status := call("PATCH", "/api/v2/tenants/settings", "application/json", strings.NewReader(`{"stagedoor":{"max_import_bytes":50000000}}`), &map[string]any{}); status != 200 {
		t.Fatalf("settings: %d", status)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("connection_id", connections[0]["id"].(string))
	file, _ := w.CreateFormFile("users", "users.json")
	for i := range users {
		fmt.Fprintf(file, `{"email":"u%06d@x.test","user_metadata":{"n":%d}}`+"\n", i, i)
	}
	w.Close()
	type job struct {
		ID, Status string
		Percentage int `json:"percentage_done"`
		Summary    struct{ Failed, Updated, Inserted, Total int }
	}
	var j job
	if status := call("POST", "/api/v2/jobs/users-imports", w.FormDataContentType(), &form, &j); status != 202 {
		t.Fatalf("import: %d", status)
	}
	kills := 0
	for end := time.Now().Add(3 * time.Minute); j.Status != "completed" && j.Status != "failed" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		j.Percentage = 0
		if call("GET", "/api/v2/jobs/"+j.ID, "application/json", nil, &j); kills == 0 && j.Percentage > 30 {
			kill()
			kills++
			t.Logf("killed at %d %%", j.Percentage)
			kill = start()
		}
	}
	defer func() { kill() }()
	if j.Status != "completed" || j.Summary.Inserted != users || j.Summary.Total != users || j.Summary.Failed != 0 || kills == 0 {
		t.Errorf("%+v after %d kills", j, kills)
	}
	var page struct{ Total int }
	if call("GET", "/api/v2/users?include_totals=true&per_page=1", "application/json", nil, &page); page.Total != users {
		t.Errorf("%d users are there", page.Total)
	}
}
