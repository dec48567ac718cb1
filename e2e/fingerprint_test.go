package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// TestBrowsersAreKnownAgain: a browser says hello over TLS in another order each time, and JA4 is the same each time.
func TestBrowsersAreKnownAgain(t *testing.T) {
	for range 2 {
		tabIn(t, trusting(t)).open(demo.HTTPSURL + "/authorize?client_id=unknown-to-all")
	}
	var logs []struct {
		Type     string
		Agent    string               `json:"user_agent"`
		Security struct{ JA4 string } `json:"security_context"`
	}
	operatorOf(t).do("GET", "/logs?per_page=20", nil, &logs)
	var seen []string
	for _, e := range logs {
		if e.Type == "f" && strings.Contains(e.Agent, "Chrome/") && e.Security.JA4 != "" {
			seen = append(seen, e.Security.JA4)
		}
	}
	if len(seen) != 2 || seen[0] != seen[1] || !regexp.MustCompile(`^t13d[0-9]{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$`).MatchString(seen[0]) {
		t.Errorf("a browser is %v", seen)
	}
}
