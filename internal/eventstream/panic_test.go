package eventstream_test

import (
	"net/http"
	"testing"
)

// odd is an outside at one of whose addresses something goes wrong that nobody has thought of.
type odd string

func (host odd) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == string(host) {
		panic("nobody has thought of it")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A panic while a stream is served ends its turn alone: others go on, and so does the server.
func TestPanic(t *testing.T) {
	each(t, func(h *house) {
		h.d.Client = &http.Client{Transport: odd("odd.example")}
		r := newReceiver(h.T)
		h.stream(`{"type":"webhook","configuration":{"webhook_endpoint":"https://odd.example","webhook_authorization":{"method":"bearer","token":"t"}}}`, "user.created")
		h.stream(webhook(r), "user.created")
		h.user("ada")
		h.round()
		if got := r.types(); len(got) != 1 {
			h.Errorf("the other stream got %v", got)
		}
	})
}
