package stagedoortest_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// eventReader reads a tenant's events at a server.
type eventReader struct {
	*bufio.Reader
	version int
}

func readEvents(t *testing.T, s *stagedoortest.Server, base, token string) *eventReader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", base+"/api/v2/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	transport := s.Client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	return &eventReader{bufio.NewReader(resp.Body), resp.ProtoMajor}
}

// until reads on to a line.
func (r *eventReader) until(t *testing.T, prefix string) string {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for %s: %v", prefix, err)
		}
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
}

// A reader gets what happens at any server of the database, at once. One that is still there does not keep a server from stopping, which the end of the test looks at.
func TestEventsOfTwoServers(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			a := stagedoortest.New(t, stagedoortest.Options{Database: storetest.Migrated(t, kind), EventsFor: time.Minute})
			b := a
			if kind == storetest.Postgres {
				b = stagedoortest.New(t, stagedoortest.Options{Beside: a})
			}
			token := a.ManagementToken(t)
			organization := func(s *stagedoortest.Server, name string) {
				t.Helper()
				if status := s.JSON(t, "POST", a.HTTPURL+"/api/v2/organizations", token, map[string]any{"name": name}, nil); status != http.StatusCreated {
					t.Fatalf("status %d", status)
				}
			}
			organization(b, "before") // whose server then keeps in memory that nobody reads
			first, second := readEvents(t, a, a.HTTPURL, token), readEvents(t, a, a.HTTPSURL, token)
			first.until(t, "event: offset-only")
			second.until(t, "event: offset-only")
			if first.version != 1 || second.version != 2 {
				t.Errorf("HTTP/%d and HTTP/%d", first.version, second.version)
			}
			organization(b, "there")
			organization(a, "here")
			for _, r := range []*eventReader{first, second} {
				for _, name := range []string{"there", "here"} {
					r.until(t, "event: organization.created")
					if line := r.until(t, "data: "); !strings.Contains(line, `"name":"`+name+`"`) {
						t.Errorf("not %s: %s", name, line)
					}
				}
			}
		})
	}
}

// How long readers stay says nothing of how fast the server is: it is not among the times that operators are warned by.
func TestReadersOfEventsAreNotSlow(t *testing.T) {
	s := stagedoortest.New(t, stagedoortest.Options{Configure: func(c *config.Config) { c.Admin = "127.0.0.1:0" }})
	token := s.ManagementToken(t)
	r := readEvents(t, s, s.HTTPURL, token)
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	s.JSON(t, "GET", s.HTTPURL+"/api/v2/clients", token, nil, nil)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := s.Client.Get(s.AdminURL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `stagedoor_http_request_duration_seconds_count{method="GET",route="/api/v2/events"}`) {
			t.Fatal("the time of a reader is counted")
		}
		if strings.Contains(string(text), `route="/api/v2/events"`) && strings.Contains(string(text), `stagedoor_http_request_duration_seconds_count{method="GET",route="/api/v2/clients"}`) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s", text)
		}
	}
}
