package logstream

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
)

// SignatureHeader is the header that holds the time and the signature of a request.
const SignatureHeader = "Stagedoor-Signature"

// entry is one event as receivers get it.
type entry struct {
	LogID string `json:"log_id"`
	Data  any    `json:"data"`
}

// send posts events to an http sink. It returns nil if the receiver took them, or if there is nothing to take.
func (d *Deliverer) send(ctx context.Context, now time.Time, stream *stagedoor.LogStream, events []stagedoor.LogEvent) error {
	if len(events) == 0 {
		return nil
	}
	sink, err := stream.HTTPSink()
	if err != nil {
		return errors.New("the sink cannot be read")
	}
	body, err := encode(sink.ContentFormat, stream.PII, events)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, sink.Endpoint, bytes.NewReader(body))
	if err != nil {
		return errors.New("the endpoint is not an address")
	}
	for _, h := range sink.CustomHeaders {
		r.Header.Set(h.Header, h.Value)
	}
	contentType := sink.ContentType
	if contentType == "" {
		contentType = "application/json"
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "Stagedoor")
	if sink.Authorization != "" {
		r.Header.Set("Authorization", sink.Authorization)
	}
	if sink.SigningSecret != "" {
		r.Header.Set(SignatureHeader, Sign(sink.SigningSecret, now, body))
	}
	status, err := outbound.Send(d.Client, r, sendTimeout)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("status %d", status)
	}
	return err
}

// Sign returns the value of the signature header for a body that is sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// encode writes events in a content format: a list, one a line, or an object around the list.
func encode(format string, pii *stagedoor.PIIConfig, events []stagedoor.LogEvent) ([]byte, error) {
	entries := make([]entry, len(events))
	for i, e := range events {
		data, err := veil(e.Wire(), pii)
		if err != nil {
			return nil, err
		}
		entries[i] = entry{e.ID, data}
	}
	switch format {
	case "JSONARRAY":
		return json.Marshal(entries)
	case "JSONOBJECT":
		return json.Marshal(map[string]any{"logs": entries})
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, e := range entries {
		if err := encoder.Encode(e); err != nil {
			return nil, err
		}
	}
	return lines.Bytes(), nil
}
