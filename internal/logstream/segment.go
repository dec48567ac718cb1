package logstream

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor"
)

// segment is the tracking API of Segment: 500 KB of a request, 32 KB of an event. It knows a repetition by its messageId.
// https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api
type segment struct {
	plain
	WriteKey string `json:"segmentWriteKey"`
	Base     string `json:"stagedoorBaseUrl"`
}

func (*segment) limits() limits { return limits{request: 450 << 10, event: 30 << 10} }

// shape is what somebody did. Who is nobody is the client, or the tenant: each other name would count as a person.
func (*segment) shape(e entry) any {
	out := map[string]any{
		"type": "track", "event": e.event.Category(), "messageId": e.LogID, "timestamp": stagedoor.FormatTime(e.event.Date), "properties": e.Data,
		"context": map[string]any{"ip": e.event.IP, "userAgent": e.event.UserAgent},
	}
	switch {
	case e.event.UserID != "":
		out["userId"] = e.event.UserID
	case e.event.ClientID != "":
		out["anonymousId"] = e.event.ClientID
	default:
		out["anonymousId"] = e.event.Tenant
	}
	return out
}

func (s *segment) request(now time.Time, events []json.RawMessage) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{"batch": events, "sentAt": stagedoor.FormatTime(now)})
	if err != nil {
		return nil, err
	}
	r, err := post(at(s.Base, "https://api.segment.io")+"/v1/batch", body)
	if err == nil {
		r.SetBasicAuth(s.WriteKey, "")
	}
	return r, err
}
