package stagedoortest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// slack is what a busy machine may take on top of a bound.
const slack = 20 * time.Second

// soon waits until it is so, no longer than a bound and the machine's slack.
func soon(t *testing.T, what string, bound time.Duration, so func() bool) {
	t.Helper()
	for start := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > bound+slack {
			t.Fatalf("%s: not after %v", what, time.Since(start))
		}
	}
}

// What is changed at one server the other goes by: at once what is never old, the rest within the stated bound, whether or not the database notifies.
func TestTwoServersSeeChanges(t *testing.T) {
	w := newWorld(t, storetest.Postgres)
	a := w.a
	for name, deaf := range map[string]bool{"with notifications": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			b := a.at(stagedoortest.New(t, stagedoortest.Options{Beside: w.Server, Configure: func(c *config.Config) { c.DatabaseNoNotify = deaf }}))
			before := b.browser().login(a.request()) // the other server has all of it in memory
			if got := b.redeem(before.Get("code")); got.status != 200 {
				t.Fatalf("%+v", got)
			}
			elsewhere := "https://elsewhere.example/cb"
			if got := b.browser().get("/authorize?" + a.request("redirect_uri", elsewhere).Encode()); got.StatusCode == 302 {
				t.Fatalf("%d to an address that is not the client's", got.StatusCode)
			}
			callbacks := func(more ...string) {
				a.want(200, a.api("PATCH", "/clients/"+a.spa, map[string]any{"callbacks": append([]string{callback, "http://localhost:3000/cb"}, more...)}, nil))
			}
			callbacks(elsewhere)
			if got := b.browser().get("/authorize?" + a.request("redirect_uri", elsewhere).Encode()); got.StatusCode != 302 {
				t.Errorf("a client that was changed at the other server: %d", got.StatusCode)
			}
			callbacks()

			rule := a.create("rules", map[string]any{"name": "Refuse " + name, "script": "function (user, context, callback) { callback(new UnauthorizedError('not today')); }"})
			if got := b.browser().login(a.request()); got.Get("error_description") != "not today" {
				t.Errorf("a rule that was made at the other server: %v", got)
			}
			a.want(204, a.api("DELETE", "/rules/"+rule["id"].(string), nil, nil))
			if got := b.browser().login(a.request()); got.Get("code") == "" {
				t.Errorf("a rule that was deleted at the other server: %v", got)
			}

			title := "Stage " + name
			a.settings(map[string]any{"friendly_name": title})
			soon(t, "a setting", store.CacheFor, func() bool { return strings.Contains(b.browser().begin(a.request()).body, title) })

			published := func(h *house) (set struct{ Keys []struct{ Kid string } }) {
				h.w.JSON(t, "GET", h.base+"/.well-known/jwks.json", "", nil, &set)
				return set
			}
			old := published(a)
			a.want(201, a.api("POST", "/keys/signing/rotate", nil, nil))
			soon(t, "a key", store.CacheFor, func() bool {
				return !reflect.DeepEqual(published(b), old) && reflect.DeepEqual(published(b), published(a))
			})
		})
	}
}

// A limit that was used up at one server is so at the other, once they have told each other.
func TestTwoServersOneLimit(t *testing.T) {
	w := newWorld(t, storetest.Postgres)
	a := w.a
	b := a.at(stagedoortest.New(t, stagedoortest.Options{Beside: w.Server}))
	const burst = 10
	start := time.Now()
	a.settings(map[string]any{"stagedoor": map[string]any{"management_rate": 1, "management_burst": burst}})
	time.Sleep(store.CacheFor)
	ask := func(h *house, n int) (served int) {
		for range n {
			switch status := h.api("GET", "/rules-configs", nil, nil); status {
			case http.StatusOK:
				served++
			case http.StatusTooManyRequests:
			default:
				t.Fatalf("status %d", status)
			}
		}
		return served
	}
	served := ask(a, burst+5)
	if served < burst {
		t.Errorf("%d of a burst of %d at one server", served, burst)
	}
	time.Sleep(4 * guard.TellEvery)
	served += ask(b, 1) // which learns by it
	time.Sleep(4 * guard.TellEvery)
	served += ask(b, burst)
	if most := burst + 1 + int(time.Since(start)/time.Second) + 1; served > most {
		t.Errorf("%d at two servers, in a time that allows %d", served, most)
	}
}

// A job that is begun at one server is seen at the other and done once.
func TestTwoServersOneJob(t *testing.T) {
	w := newWorld(t, storetest.Postgres)
	a := w.a
	b := a.at(stagedoortest.New(t, stagedoortest.Options{Beside: w.Server}))
	const users = 300
	type job struct {
		ID, Status string
		Summary    struct{ Failed, Updated, Inserted, Total int }
	}
	var made []job
	for i := range 2 { // as many as a tenant may have at once
		var form bytes.Buffer
		mw := multipart.NewWriter(&form)
		mw.WriteField("connection_id", a.made["connections"])
		file, _ := mw.CreateFormFile("users", "users.json")
		for n := range users {
			fmt.Fprintf(file, `{"email":"u%d-%d@x.test"}`+"\n", i, n)
		}
		mw.Close()
		h := []*house{a, b}[i%2]
		got := h.w.send("POST", h.base+"/api/v2/jobs/users-imports", form.String(), "Authorization", "Bearer "+a.token, "Content-Type", mw.FormDataContentType())
		var j job
		if err := json.Unmarshal([]byte(got.body), &j); err != nil || got.StatusCode != 202 {
			t.Fatalf("%d %s", got.StatusCode, got.body)
		}
		made = append(made, j)
	}
	for i, j := range made {
		h := []*house{b, a}[i%2] // not the one that took it
		soon(t, "a job", time.Minute, func() bool {
			h.want(200, h.api("GET", "/jobs/"+j.ID, nil, &j))
			return j.Status == "completed" || j.Status == "failed"
		})
		if j.Status != "completed" || j.Summary.Inserted != users || j.Summary.Total != users || j.Summary.Failed+j.Summary.Updated != 0 {
			t.Errorf("%+v", j)
		}
	}
	var page struct{ Total int }
	b.want(200, b.api("GET", "/users?include_totals=true&per_page=1", nil, &page))
	if page.Total != 2*users+1 {
		t.Errorf("%d users", page.Total)
	}
}

// What happens at either of two servers reaches a log stream once.
func TestTwoServersOneStream(t *testing.T) {
	var mu sync.Mutex
	came := map[string]int{}
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			var e struct {
				LogID string `json:"log_id"`
				Data  struct{ Type, Description string }
			}
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.Data.Type == "sapi" && e.Data.Description == "Update a User" { // what made the world may be told late
				came[e.LogID]++
			}
		}
	}))
	t.Cleanup(sink.Close)
	allow := []string{strings.TrimPrefix(sink.URL, "http://")}
	w := newWorld(t, storetest.Postgres, func(o *stagedoortest.Options) { o.Allow = allow })
	a := w.a
	b := a.at(stagedoortest.New(t, stagedoortest.Options{Beside: w.Server, Allow: allow}))
	a.want(200, a.api("POST", "/log-streams", map[string]any{"name": "Audit", "type": "http", "sink": map[string]any{
		"httpEndpoint": sink.URL, "httpContentType": "application/json", "httpContentFormat": "JSONLINES",
	}}, nil))
	const events = 60
	for i := range events {
		h := []*house{a, b}[i%2]
		h.want(200, h.api("PATCH", "/users/"+url.PathEscape(a.user), map[string]any{"user_metadata": map[string]any{"n": i}}, nil))
	}
	arrived := func() int { mu.Lock(); defer mu.Unlock(); return len(came) }
	soon(t, "all events", 30*time.Second, func() bool { return arrived() >= events })
	time.Sleep(3 * time.Second) // longer than what another server would take to send them again
	mu.Lock()
	defer mu.Unlock()
	for id, times := range came {
		if times != 1 {
			t.Errorf("%s came %d times", id, times)
		}
	}
	if len(came) != events {
		t.Errorf("%d events of %d", len(came), events)
	}
}
