package outbound

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What is sent goes to the one address, and errors do not tell it.
func TestSend(t *testing.T) {
	var elsewhere, got string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere = r.Method + r.Header.Get("X-Key") }))
	defer other.Close()
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		w.Header().Set("Location", other.URL)
		w.WriteHeader(status)
	}))
	defer server.Close()
	send := func(to string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader("what happened"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Key", "secret")
		return Send(http.DefaultClient, r, time.Second)
	}
	for _, status = range []int{204, 302, 303, 307, 308, 400, 500} {
		if answered, err := send(server.URL); err != nil || answered != status || got != "what happened" || elsewhere != "" {
			t.Errorf("%d: %d, %v; it got %q and the other %q", status, answered, err, got, elsewhere)
		}
	}
	server.Close()
	if _, err := send(server.URL + "/?key=secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an error that tells the address: %v", err)
	}
}
