package eventstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/store"
)

// try hands an event to the destination of its stream. It returns nil if that took it.
func (d *Deliverer) try(ctx context.Context, st *store.Store, stream *stagedoor.EventStream, e *stagedoor.EventDelivery) error {
	if !stream.Enabled() && !e.Forced {
		return refusal{errors.New("the stream is disabled")}
	}
	switch to := stream.Destination; to.Type {
	case "webhook":
		return d.post(ctx, to.Configuration, e.Event)
	case "action":
		return d.Act(ctx, st, to.Configuration.ActionID, e.Event)
	default:
		return refusal{fmt.Errorf("destinations of the type %s are not served", to.Type)}
	}
}

// post sends an event to a webhook.
func (d *Deliverer) post(ctx context.Context, to stagedoor.EventConfiguration, event json.RawMessage) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Endpoint, bytes.NewReader(event))
	if err != nil {
		return refusal{errors.New("the endpoint is not an address")}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Stagedoor")
	if a := to.Authorization; a != nil {
		switch a.Method {
		case "basic":
			r.SetBasicAuth(a.Username, a.Password)
		case "bearer":
			r.Header.Set("Authorization", "Bearer "+a.Token)
		case "custom_header":
			r.Header.Set(a.HeaderKey, a.HeaderValue)
		}
	}
	status, err := outbound.Send(d.Client, r, sendTimeout)
	switch {
	case err != nil:
		return err
	case status/100 == 2:
		return nil
	case status/100 == 4:
		return refusal{fmt.Errorf("status %d", status)}
	}
	return fmt.Errorf("status %d", status)
}
