package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

func TestMain(m *testing.M) { stagedoortest.Main(m) }

// TestWhatNoDoorServes: an endpoint that is not there says so, and none pretends a success.
func TestWhatNoDoorServes(t *testing.T) {
	s := stagedoortest.New(t)
	for path, want := range map[string]int{
		"/nowhere": http.StatusNotFound, "/u/nowhere": http.StatusNotFound, "/authorize/nowhere": http.StatusNotFound,
	} {
		var body struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		if status := s.JSON(t, "POST", s.HTTPURL+path, "", map[string]string{}, &body); status != want {
			t.Errorf("%s answers %d, want %d", path, status, want)
		}
		if wantCode := map[int]string{501: "not_supported", 404: "not_found"}[want]; body.Error != wantCode || body.Description == "" {
			t.Errorf("%s: %+v", path, body)
		}
	}
	if status := s.JSON(t, "PATCH", s.HTTPURL+"/api/v2/tenants/settings", s.ManagementToken(t), map[string]any{"enabled_locales": []string{"en", "fr"}}, nil); status != http.StatusOK {
		t.Fatal(status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.HTTPURL+"/nowhere", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "fr")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if text, err := io.ReadAll(w.Body); err != nil || w.StatusCode != http.StatusNotFound || !strings.Contains(string(text), "rien à cette adresse") {
		t.Errorf("%d %v %s", w.StatusCode, err, text)
	}
}
