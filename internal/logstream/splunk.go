package logstream

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

// splunk is an HTTP Event Collector: JSON objects one after the other, of which Splunk Cloud takes 1 MB at a time.
// https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data/format-events-for-http-event-collector
type splunk struct {
	plain
	Domain string `json:"splunkDomain"`
	Port   string `json:"splunkPort"`
	Token  string `json:"splunkToken"`
	Secure bool   `json:"splunkSecure"` // false: whatever certificate the server shows, such as one that it signed itself
}

func (*splunk) limits() limits { return limits{request: 900 << 10, event: 800 << 10} }

// shape leaves index, source and source type to what the token says.
func (*splunk) shape(e entry) any {
	out := map[string]any{"time": float64(e.event.Date.UnixMilli()) / 1000, "event": e}
	if e.event.Hostname != "" {
		out["host"] = e.event.Hostname
	}
	return out
}

func (s *splunk) request(_ time.Time, events []json.RawMessage) (*http.Request, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(s.Domain, "https://"), "/")
	if s.Port != "" {
		host = net.JoinHostPort(strings.Trim(host, "[]"), s.Port)
	}
	r, err := post("https://"+host+"/services/collector/event", lines(events))
	if err == nil {
		r.Header.Set("Authorization", "Splunk "+s.Token)
	}
	return r, err
}

func (s *splunk) client(usual *http.Client) *http.Client {
	if s.Secure {
		return usual
	}
	return outbound.WithTLS(usual, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}) //nolint:gosec // the setting says so
}
