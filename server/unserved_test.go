package server_test

import (
	"net/http"
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
}
