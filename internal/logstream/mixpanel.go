package logstream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// mixpanel is the import of events of Mixpanel: 2,000 events and 2 MB of a request, 1 MB of an event. It knows a repetition by its $insert_id.
// https://docs.mixpanel.com/reference/import-events
type mixpanel struct {
	plain
	Region   string `json:"mixpanelRegion"`
	Project  string `json:"mixpanelProjectId"`
	Username string `json:"mixpanelServiceAccountUsername"`
	Password string `json:"mixpanelServiceAccountPassword"`
	Base     string `json:"stagedoorBaseUrl"`
}

var mixpanelHosts = map[string]string{"us": "https://api.mixpanel.com", "eu": "https://api-eu.mixpanel.com"}

func (*mixpanel) limits() limits { return limits{request: 1800 << 10, event: 900 << 10} }

// What an event of Mixpanel may hold at most.
const (
	mixpanelMembers = 250 // of an object or an array
	mixpanelDepth   = 3   // of objects in one another
)

// shape is what somebody did. An event of nobody has an empty distinct_id.
func (*mixpanel) shape(e entry) any {
	id := sha256.Sum256([]byte(e.LogID)) // a log_id is too long for an $insert_id
	properties := map[string]any{}
	if b, err := json.Marshal(e.Data); err == nil {
		_ = json.Unmarshal(b, &properties) // it was written as an object just now
	}
	properties, _ = slim(properties, mixpanelDepth).(map[string]any)
	properties["log_id"], properties["time"] = e.LogID, e.event.Date.UnixMilli()
	properties["distinct_id"], properties["$insert_id"] = e.event.UserID, hex.EncodeToString(id[:16])
	return map[string]any{"event": e.event.Category(), "properties": properties}
}

// slim cuts what is too long, and writes as a text what is too deep.
func slim(v any, depth int) any {
	switch v := v.(type) {
	case map[string]any:
		if depth < 0 {
			break
		}
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if v[name] = slim(v[name], depth-1); i >= mixpanelMembers {
				delete(v, name)
			}
		}
		return v
	case []any:
		if depth < 0 {
			break
		}
		v = v[:min(len(v), mixpanelMembers)]
		for i := range v {
			v[i] = slim(v[i], depth-1)
		}
		return v
	default:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return string(b)
}

func (s *mixpanel) request(_ time.Time, events []json.RawMessage) (*http.Request, error) {
	query := url.Values{"strict": {"1"}, "project_id": {s.Project}}
	r, err := post(at(s.Base, mixpanelHosts[s.Region])+"/import?"+query.Encode(), list(events))
	if err == nil {
		r.SetBasicAuth(s.Username, s.Password)
	}
	return r, err
}

// took knows that the events which are sound are taken where others are refused: these would be refused again.
func (*mixpanel) took(status int, answer []byte) error {
	var told struct {
		Failed []struct {
			Field string `json:"field"`
		} `json:"failed_records"`
	}
	if status == http.StatusBadRequest && json.Unmarshal(answer, &told) == nil && len(told.Failed) > 0 {
		return &partly{fmt.Sprintf("%d events were refused, the first for its %.40q", len(told.Failed), told.Failed[0].Field)}
	}
	return isTaken(status)
}
