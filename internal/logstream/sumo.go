package logstream

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// sumo is an HTTP source of Sumo Logic: one event a line, 1 MB of a request. Its address holds its key.
// https://www.sumologic.com/help/docs/send-data/hosted-collectors/http-source/logs-metrics/upload-logs/
type sumo struct {
	plain
	Source string `json:"sumoSourceAddress"`
}

func (*sumo) limits() limits { return limits{request: 900 << 10} }

func (s *sumo) request(_ time.Time, events []json.RawMessage) (*http.Request, error) {
	address := s.Source
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	return post(address, lines(events))
}
