package mail

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

// PushSignature is the header of a notification by which its receiver knows who sent it: "t=SECONDS,v1=HEX", where HEX is the HMAC-SHA256 of "SECONDS.BODY" with
// the secret of both. A receiver refuses what is older than a few minutes.
const PushSignature = "Stagedoor-Signature"

// PushWebhook hands notifications to a server of the tenant's own, which brings them to people's devices.
type PushWebhook struct {
	URL, Secret string
	HTTP        *http.Client
}

// Send posts a notification. It is handed on when the server answers 2xx.
func (s PushWebhook) Send(ctx context.Context, body []byte, now time.Time) error {
	if s.HTTP == nil {
		return fmt.Errorf("%w: this server makes no outbound calls", ErrNoSender)
	}
	r, err := http.NewRequest(http.MethodPost, s.URL, bytes.NewReader(body)) //nolint:noctx // Send adds it
	if err != nil {
		return fmt.Errorf("%w: the address of the sender of notifications", ErrInvalid)
	}
	r.Header.Set("Content-Type", "application/json")
	mac := hmac.New(sha256.New, []byte(s.Secret))
	fmt.Fprintf(mac, "%d.%s", now.Unix(), body)
	r.Header.Set(PushSignature, fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(mac.Sum(nil))))
	status, err := outbound.Send(s.HTTP, r.WithContext(ctx), textTimeout)
	if err != nil {
		return fmt.Errorf("mail: the sender of notifications does not answer: %w", err)
	}
	if status >= http.StatusMultipleChoices {
		return fmt.Errorf("the sender of notifications answered %d", status)
	}
	return nil
}
