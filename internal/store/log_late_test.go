package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// An event that waited for its database comes after those that were written meanwhile: a stream has passed them, and would never see it.
func TestLateLogEvents(t *testing.T) {
	p, s, direct := throughProxy(t, 300*time.Millisecond, "")
	s.Log(stagedoor.LogEvent{Type: "s", Description: "came before"}) // so that the server knows of its own events, and not of the others'
	written(t, s)
	p.Down()
	s.Log(stagedoor.LogEvent{Type: "s", Description: "waited"})
	if _, _, err := s.Logs(t.Context(), store.LogQuery{PerPage: 9}); !stagedoor.IsKind(err, stagedoor.Unavailable) {
		t.Errorf("error %v", err)
	}
	time.Sleep(store.LogLate)
	direct.Log(stagedoor.LogEvent{Type: "s", Description: "came meanwhile"})
	passed, _, err := direct.Logs(t.Context(), store.LogQuery{PerPage: 9})
	ok(t, err)
	p.Up()
	written(t, s)
	events, _, err := direct.Logs(t.Context(), store.LogQuery{From: passed[0].ID, Take: 9})
	ok(t, err)
	same(t, logIDs(events), []string{"waited"})
	if e := events[0]; !e.Date.Before(passed[0].Date) || must(direct.LogEvent(t.Context(), e.ID))(t).ID != e.ID {
		t.Errorf("%+v", e)
	}
}

// Events that may have been written are not written twice, however late it is.
func TestLogEventsOfUnknownOutcome(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	direct := storetest.Tenant(t, storetest.OpenURL(t, url), "acme")
	p := storetest.NewProxy(t, url)
	var steps atomic.Int64
	hasty := func() time.Time { return time.Now().Add(time.Duration(steps.Add(1)) * 2 * store.LogLate) } // everything is late by it
	s := must(storetest.OpenURL(t, p.URL, withWait(300*time.Millisecond), storetest.WithClock(hasty)).TenantByID(t.Context(), "acme"))(t)
	p.Cut(storetest.After, "commit", 1)
	p.Cut(storetest.Before, "RETURNING seq", 1000)
	s.Log(stagedoor.LogEvent{Type: "s", Description: "one"})
	s.Log(stagedoor.LogEvent{Type: "s", Description: "two"})
	written(t, s)
	events, total, err := direct.Logs(t.Context(), store.LogQuery{PerPage: 9, Ascending: true})
	ok(t, err)
	if same(t, logIDs(events), []string{"one", "two"}); total != 2 || p.Left() > 999 {
		t.Errorf("%d events, %d cuts left", total, p.Left())
	}
}

// written waits until all that was logged is written.
func written(t *testing.T, s *store.Store) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, _, err := s.Logs(t.Context(), store.LogQuery{PerPage: 1}); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
