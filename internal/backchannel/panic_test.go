package backchannel_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// odd is an outside at one of whose addresses something goes wrong that nobody has thought of.
type odd string

func (host odd) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == string(host) {
		panic("nobody has thought of it")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestPanic: a panic while a client is told ends this try alone: the others are told, and the server goes on.
func TestPanic(t *testing.T) {
	each(t, func(w *world) {
		w.d.Client = &http.Client{Transport: odd(strings.TrimPrefix(w.all.URL, "http://"))}
		w.session("one")
		ok(t, w.st.DeleteSession(w.Context(), "one", stagedoor.LogoutByClient))
		if all, some := w.round(); len(all) != 0 || len(some) != 1 {
			w.Errorf("told: %d and %d", len(all), len(some))
		}
	})
}
