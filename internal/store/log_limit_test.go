package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Of the networks whose events were left out some are counted, and the others as one: whoever has many does not fill the memory.
func TestNetworksThatAreLeftOutAreBounded(t *testing.T) {
	clock := newClock()
	db := storetest.Open(t, storetest.SQLite, storetest.WithClock(clock.clock))
	s := storetest.Tenant(t, db, "acme")
	for i := range 4000 {
		s.Log(stagedoor.LogEvent{Type: "fp", IP: fmt.Sprintf("2001:db8:%x:1::1", i)})
	}
	if n := store.LeftOutNetworks(db, "acme"); n < 900 || n > 1001 {
		t.Errorf("%d networks are counted", n)
	}
}

// A database that is away for long does not fill the memory with what is to be written.
func TestLogEventsThatWaitAreBounded(t *testing.T) {
	p, s, _ := throughProxy(t, 50*time.Millisecond, "")
	p.Down()
	most := 0
	for range 11_000 {
		s.Log(stagedoor.LogEvent{Type: "s"})
		most = max(most, store.Queued(s))
	}
	if most > 10_000 || most < 9000 {
		t.Errorf("%d events wait", most)
	}
	p.Up()
}

// Who fails without end fills no log: so many of each type are written in a minute, of a network and of all; the log says what it lacks.
func TestFailuresInTheLogAreBounded(t *testing.T) {
	clock := newClock()
	start := clock.now
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock.now = start
		s, other := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
		fail := func(s *store.Store, kind, ip string, times int) {
			for range times {
				s.Log(stagedoor.LogEvent{Type: kind, IP: ip})
			}
		}
		count := func(s *store.Store, kind string, want int) {
			t.Helper()
			_, n, err := s.Logs(t.Context(), store.LogQuery{PerPage: 1, Type: kind})
			ok(t, err)
			if n != want {
				t.Errorf("%d of %s in %s, not %d", n, kind, s.Tenant().ID, want)
			}
		}
		fail(s, "feacft", "203.0.113.7", 250)
		fail(s, "feacft", "198.51.100.1", 3)
		fail(s, "fp", "203.0.113.7", 20)
		fail(other, "feacft", "203.0.113.7", 20)
		fail(s, "s", "203.0.113.7", 150)
		fail(s, "fcoa", "", 150) // our own doing
		count(s, "feacft", 103)
		count(s, "fp", 20)
		count(other, "feacft", 20)
		count(s, "s", 150)
		count(s, "fcoa", 150)
		for i := range 150 { // one network, whatever the address
			fail(s, "fu", fmt.Sprintf("2001:db8::%x", i), 1)
		}
		count(s, "fu", 100)
		for i := range 2000 {
			fail(s, "fsa", fmt.Sprintf("10.0.%d.%d", i/250, i%250), 1)
		}
		count(s, "fsa", 1500)
		for i := range 150 {
			s.Log(stagedoor.LogEvent{Type: "w", IP: "203.0.113.7", UserID: "auth0|ada"})
			s.Log(stagedoor.LogEvent{Type: "fapi", IP: "203.0.113.7", ClientID: "c"})
			s.Log(stagedoor.LogEvent{Type: "w", IP: "198.51.100.1", ClientID: "c"}) // which is public
			s.Log(stagedoor.LogEvent{Type: []string{"w", "fapi"}[i%2], IP: "203.0.113.7", Description: "a stranger's"})
		}
		count(s, "w", 150+75+100)
		count(s, "fapi", 150+75)

		clock.now = clock.in(time.Minute)
		fail(s, "feacft", "203.0.113.7", 101)
		count(s, "feacft", 203)
		store.TellLeftOut(db)
		store.TellLeftOut(db)
		events, _, err := s.Logs(t.Context(), store.LogQuery{PerPage: 1, Type: "w"})
		ok(t, err)
		count(s, "w", 150+75+100+1)
		count(other, "w", 0)
		told, err := json.Marshal(events[0].Details["left_out"])
		ok(t, err)
		want := `{"networks":{"10.0.6.0":1,"10.0.6.1":1,"10.0.6.10":1,"10.0.6.100":1,"10.0.6.101":1,"10.0.6.102":1,"10.0.6.103":1,"198.51.100.1":50,"2001:db8::":50,"203.0.113.7":151},` +
			`"since":"` + stagedoor.FormatTime(start) + `","total":751,"types":{"feacft":151,"fsa":500,"fu":50,"w":50}}`
		if string(told) != want || events[0].Description != "751 events are not in the log, because there were too many that anybody can cause: most of them came from 203.0.113.7." {
			t.Errorf("%s\n%s", told, events[0].Description)
		}
	}, storetest.WithClock(clock.clock))
}

// However long what somebody sends is, an event of it is short. What is told of people and programs that are known is not cut where it may be of use.
func TestEventsOfStrangersAreShort(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, long := storetest.Tenant(t, db, "acme"), strings.Repeat("é", 50_000)
		for _, kind := range []string{"f", "s"} {
			s.Log(stagedoor.LogEvent{
				Type: kind, IP: "203.0.113.7", Description: long, Connection: long, ConnID: long, ClientID: long, ClientName: long, UserAgent: long, Hostname: long, UserID: long, UserName: long, Audience: long, Scope: long,
				Strategy: long, OrgID: long, OrgName: long,
				Details: map[string]any{"error": map[string]any{"message": long, "n": 7}, "lines": []map[string]any{{"text": long}}, "more": []any{long, true}},
			})
		}
		events, _, err := s.Logs(t.Context(), store.LogQuery{PerPage: 2})
		ok(t, err)
		for i, most := range []int{350_000, 32_000} {
			doc, err := json.Marshal(events[i])
			ok(t, err)
			if len(doc) > most || len(events[i].UserAgent) > 1030 || len(events[i].Description) > 4100 {
				t.Errorf("%s: %d bytes", events[i].Type, len(doc))
			}
		}
		if got := fmt.Sprint(events[1].Details["error"].(map[string]any)["n"], len(events[1].Details["lines"].([]any)), events[1].Details["more"].([]any)[1]); got != "7 1 true" {
			t.Error(got)
		}
	})
}

// What is not told yet when the server stops is told then.
func TestWhatTheLogLacksIsToldAtTheEnd(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		s := storetest.Tenant(t, db, "acme")
		for range 101 {
			s.Log(stagedoor.LogEvent{Type: "f", IP: "203.0.113.7"})
		}
		ok(t, db.Close())
		again := storetest.OpenURL(t, url)
		_, n, err := must(again.TenantByID(t.Context(), "acme"))(t).Logs(t.Context(), store.LogQuery{PerPage: 1, Type: "w"})
		if err != nil || n != 1 {
			t.Error(n, err)
		}
	})
}
