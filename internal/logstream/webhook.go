package logstream

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor"
)

// webhook is an address of the operator's.
type webhook struct {
	plain
	stagedoor.HTTPSink
}

func (h *webhook) request(now time.Time, events []json.RawMessage) (*http.Request, error) {
	body := lines(events)
	switch h.ContentFormat {
	case "JSONARRAY":
		body = list(events)
	case "JSONOBJECT":
		body = append(append([]byte(`{"logs":`), list(events)...), '}')
	}
	r, err := post(h.Endpoint, body)
	if err != nil {
		return nil, err
	}
	for _, own := range h.CustomHeaders {
		r.Header.Set(own.Header, own.Value)
	}
	r.Header.Set("Content-Type", "application/json")
	if h.ContentType != "" {
		r.Header.Set("Content-Type", h.ContentType)
	}
	if h.Authorization != "" {
		r.Header.Set("Authorization", h.Authorization)
	}
	if h.SigningSecret != "" {
		r.Header.Set(SignatureHeader, Sign(h.SigningSecret, now, body))
	}
	return r, nil
}
