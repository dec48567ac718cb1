package logstream

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/stagedoor/stagedoor"
)

// datadog is the intake of logs of Datadog: 1,000 entries and 5 MB of a request, 1 MB of an entry.
// https://docs.datadoghq.com/api/latest/logs/#send-logs
type datadog struct {
	plain
	Key    string `json:"datadogApiKey"`
	Region string `json:"datadogRegion"`
	Base   string `json:"stagedoorBaseUrl"`
}

var datadogHosts = map[string]string{"us": "datadoghq.com", "eu": "datadoghq.eu", "us3": "us3.datadoghq.com", "us5": "us5.datadoghq.com"}

func (*datadog) limits() limits { return limits{request: 4 << 20, event: 900 << 10} }

// shape names the source by which Datadog finds how the events are to be read. Its message is JSON, which it takes apart.
func (*datadog) shape(e entry) any {
	message, err := json.Marshal(struct {
		Date string `json:"date"` // else the time is that at which the event comes in
		entry
	}{stagedoor.FormatTime(e.event.Date), e})
	if err != nil {
		message = []byte(e.LogID) // it was written by us, and can be written
	}
	return map[string]any{"ddsource": "auth0", "service": "stagedoor", "ddtags": "tenant:" + e.event.Tenant, "hostname": e.event.Hostname, "message": string(message)}
}

func (s *datadog) request(_ time.Time, events []json.RawMessage) (*http.Request, error) {
	r, err := post(at(s.Base, "https://http-intake.logs."+datadogHosts[s.Region])+"/api/v2/logs", list(events))
	if err == nil {
		r.Header.Set("DD-API-KEY", s.Key)
	}
	return r, err
}
