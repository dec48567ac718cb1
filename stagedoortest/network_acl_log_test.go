package stagedoortest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestNetworkACLsDoNotFillTheDisk: who is kept out asks as often as they like, and says of themselves what they like. The log tells of it, and stays small.
func TestNetworkACLsDoNotFillTheDisk(t *testing.T) {
	start := time.Now()
	var later atomic.Int64
	s := stagedoortest.New(t, stagedoortest.Options{Clock: func() time.Time { return start.Add(time.Duration(later.Load())) }})
	token := s.ManagementToken(t)
	for _, agent := range []string{"bad", "worse"} {
		body := json.RawMessage(`{"description":"` + agent + `","active":true,"rule":{"action":{"block":true},"match":{"hostnames":["` + s.Domain + `"],"user_agents":["` + agent + strings.Repeat("x", 20000) + `"]},"scope":"authentication"}}`)
		if status := s.JSON(t, "POST", s.HTTPSURL+"/api/v2/network-acls", token, body, nil); status != 201 {
			t.Fatal(status)
		}
	}
	ask := func(agent string, times int) {
		t.Helper()
		for range times {
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTPSURL+"/.well-known/openid-configuration", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", agent+strings.Repeat("x", 20000))
			a, err := s.Client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, a.Body)
			a.Body.Close()
			if a.StatusCode != 403 {
				t.Fatalf("%d", a.StatusCode)
			}
		}
	}
	type note struct {
		Type    string `json:"type"`
		Agent   string `json:"user_agent"`
		Details struct {
			ACL struct {
				Description string
				Requests    int
			}
		} `json:"details"`
	}
	notes := func() (rows, requests map[string]int) {
		t.Helper()
		rows, requests = map[string]int{}, map[string]int{}
		for page := range 4 {
			var logs []note
			s.JSON(t, "GET", s.HTTPSURL+"/api/v2/logs?per_page=100&page="+string(rune('0'+page)), token, nil, &logs)
			for _, e := range logs {
				if e.Type != "acls_summary" {
					continue
				}
				if len(e.Agent) > 1024 {
					t.Fatalf("a row holds an agent of %d bytes", len(e.Agent))
				}
				rows[e.Details.ACL.Description]++
				requests[e.Details.ACL.Description] += e.Details.ACL.Requests
			}
		}
		return rows, requests
	}
	ask("bad", 300)
	ask("worse", 3) // another list is told of all the same
	if rows, requests := notes(); rows["bad"] != 60 || requests["bad"] != 60 || rows["worse"] != 3 {
		t.Errorf("%v rows tell of %v requests", rows, requests)
	}
	later.Store(int64(time.Second))
	ask("bad", 1)
	if rows, requests := notes(); rows["bad"] != 61 || requests["bad"] != 301 {
		t.Errorf("%v rows tell of %v requests", rows, requests)
	}
}
