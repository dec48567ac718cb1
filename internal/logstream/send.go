package logstream

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
)

// SignatureHeader is the header that holds the time and the signature of a request to a webhook.
const SignatureHeader = "Stagedoor-Signature"

// entry is one event as most receivers get it.
type entry struct {
	LogID string `json:"log_id"`
	Data  any    `json:"data"`

	event stagedoor.LogEvent // what Data tells, without what pii_config hides
}

// deliver sends as many events as the receiver takes at once. It returns the id of the last one that is dealt with: last, if that is all of them.
func (d *Deliverer) deliver(ctx context.Context, now time.Time, stream *stagedoor.LogStream, events []stagedoor.LogEvent, last string) (string, error) {
	if len(events) == 0 {
		return last, nil
	}
	to, err := receiverOf(stream.Type, stream.Sink)
	if err != nil {
		return "", err
	}
	messages, err := pack(to, stream.PII, events)
	if err != nil {
		return "", err
	}
	if n := len(messages); n < len(events) {
		last = events[n-1].ID
	}
	return last, d.send(ctx, now, to, messages)
}

// pack writes the first of some events, as many as go into one request.
func pack(to receiver, pii *stagedoor.PIIConfig, events []stagedoor.LogEvent) ([]json.RawMessage, error) {
	most := to.limits()
	var out []json.RawMessage
	size := 0
	for _, e := range events {
		message, err := write(to, pii, e)
		if err == nil && most.event > 0 && len(message) > most.event {
			e.Details = map[string]any{"truncated": true}
			message, err = write(to, pii, e)
		}
		if err != nil {
			return nil, err
		}
		if size += len(message) + 1; most.request > 0 && size > most.request && len(out) > 0 {
			break
		}
		out = append(out, message)
	}
	return out, nil
}

func write(to receiver, pii *stagedoor.PIIConfig, e stagedoor.LogEvent) (json.RawMessage, error) {
	data, err := veil(e.Wire(), pii)
	if err != nil {
		return nil, err
	}
	return json.Marshal(to.shape(entry{e.ID, data, e}))
}

// send asks a receiver to take events. It returns nil if it did.
func (d *Deliverer) send(ctx context.Context, now time.Time, to receiver, messages []json.RawMessage) error {
	r, err := to.request(now, messages)
	if err != nil {
		return errors.New("the sink has no address") // the error may quote one, with its key
	}
	r.Header.Set("User-Agent", "Stagedoor")
	status, answer, err := outbound.Ask(to.client(d.Client), r.WithContext(ctx), sendTimeout)
	if err != nil {
		return err
	}
	return to.took(status, answer)
}

// Sign returns the value of the signature header for a body that is sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// isTaken tells whether a status says that events were taken. Any other is tried again.
func isTaken(status int) error {
	if status/100 != 2 {
		return fmt.Errorf("status %d", status)
	}
	return nil
}
