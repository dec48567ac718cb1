package stagedoortest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestReference reads both forms of the reference without a token.
func TestReference(t *testing.T) {
	s := stagedoortest.New(t)
	get := func(path string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTPSURL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, _ := io.ReadAll(a.Body)
		if a.StatusCode != 200 {
			t.Fatalf("%s: %s %s", path, a.Status, text)
		}
		return string(text)
	}
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	spec := get("/api/v2/openapi.json")
	if err := json.Unmarshal([]byte(spec), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Servers[0].URL != s.HTTPSURL+"/api/v2" || doc.Paths["/users/{id}"] == nil || strings.Contains(spec, "issuer.invalid") {
		t.Errorf("servers %v", doc.Servers)
	}
	if page := get("/reference"); !strings.Contains(page, `id="patchUsersId"`) || !strings.Contains(page, s.HTTPSURL+"/api/v2") {
		t.Errorf("the page does not show the operations: %.300s", page)
	}
}
