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

func logIDs(events []stagedoor.LogEvent) (out []string) {
	for _, e := range events {
		out = append(out, e.Description)
	}
	return out
}

func TestLogs(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var ids []string
		for i := range 10 {
			e := stagedoor.LogEvent{
				ID: s.NewLogID(), Type: []string{"s", "f"}[i%2], Description: fmt.Sprint(i), UserID: fmt.Sprint("u", i%5), ClientID: fmt.Sprint("c", i/5),
				Details: map[string]any{"n": i},
			}
			ids = append(ids, e.ID)
			s.Log(e)
		}
		for _, q := range []struct {
			query store.LogQuery
			want  []string
			total int
		}{
			{store.LogQuery{PerPage: 3}, []string{"9", "8", "7"}, 10},
			{store.LogQuery{PerPage: 3, Page: 3}, []string{"0"}, 10},
			{store.LogQuery{PerPage: 3, Ascending: true}, []string{"0", "1", "2"}, 10},
			{store.LogQuery{PerPage: 9, UserID: "u3"}, []string{"8", "3"}, 2},
			{store.LogQuery{PerPage: 9, Type: "f", ClientID: "c1"}, []string{"9", "7", "5"}, 3},
			{store.LogQuery{PerPage: 9, Type: "f", ClientID: "c1", UserID: "u0"}, []string{"5"}, 1},
			{store.LogQuery{PerPage: 9, UserID: "u\x00"}, nil, 0},
			{store.LogQuery{PerPage: 3, Page: 1, Uncounted: true}, []string{"6", "5", "4"}, 0},
			{store.LogQuery{Take: 2}, []string{"0", "1"}, 0},
			{store.LogQuery{Take: 9, From: ids[7]}, []string{"8", "9"}, 0},
			{store.LogQuery{Take: 9, From: ids[9]}, nil, 0},
		} {
			events, total, err := s.Logs(ctx, q.query)
			ok(t, err)
			same(t, logIDs(events), q.want)
			if total != q.total {
				t.Errorf("%+v: total %d", q.query, total)
			}
		}
		e := must(s.LogEvent(ctx, ids[4]))(t)
		if e.Description != "4" || !e.Date.Equal(clock.now) || fmt.Sprint(e.Details["n"]) != "4" {
			t.Errorf("%+v", e)
		}
		_, err := s.LogEvent(ctx, "900")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}

// TestLogsAreCompleted: what an event leaves out of its client and its connection is known to the database.
func TestLogsAreCompleted(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "app", Name: "Mix\"tape"}))
		users := &stagedoor.Connection{Name: "Users", Strategy: "auth0"}
		ok(t, s.CreateConnection(ctx, users))
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{Name: "corp", Strategy: "samlp"}))
		for _, e := range []stagedoor.LogEvent{
			{Type: "fp", ClientID: "app", Connection: "Users", Hostname: "acme.test:8443", UserAgent: "Mozilla/5.0 (iPhone) Mobile/1"},
			{Type: "s", ClientID: "app", ClientName: "As it was", Connection: "corp", Strategy: "samlp", Hostname: "acme.test"},
			{Type: "f", ClientID: "gone", Connection: "gone"},
			{Type: "cs", Connection: "email", ConnID: "con_1", Strategy: "email"},
			{Type: "slo", Connection: "google", ConnID: "con_2", Strategy: "google-oauth2"},
			{Type: "w"},
		} {
			s.Log(e)
		}
		events, _, err := s.Logs(ctx, store.LogQuery{Take: 9})
		ok(t, err)
		var got []string
		for _, e := range events {
			got = append(got, fmt.Sprint(e.Type, " ", e.ClientName, " ", e.ConnID == users.ID, " ", e.Strategy, " ", e.StrategyType, " ", e.Hostname, " ", e.IsMobile, " ", e.Tenant != ""))
		}
		same(t, got, []string{
			`fp Mix"tape true auth0 database acme.test true true`, "s As it was false samlp enterprise acme.test false true", "f  false    false true",
			"cs  false email passwordless  false true", "slo  false google-oauth2 social  false true", "w  false    false true",
		})
		if corp := must(s.ConnectionByName(ctx, "corp"))(t); events[1].ConnID != corp.ID {
			t.Errorf("%+v", events[1])
		}
		wire := string(must(json.Marshal(events[5].Wire()))(t))
		for _, member := range []string{`"description":""`, `"client_name":""`, `"ip":""`, `"details":{}`, `"audience":""`, `"strategy":""`, `"strategy_type":""`, `"tenant_name":"` + events[5].Tenant + `"`} {
			if strings.Count(wire, member) != 1 {
				t.Errorf("no %s in %s", member, wire)
			}
		}
	})
}

// Events are written in their order, in batches, and those still waiting when the database is closed too.
func TestLogsSurviveClose(t *testing.T) {
	const count = 1234
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		ok(t, db.Migrate(t.Context()))
		s := storetest.Tenant(t, db, "acme")
		for i := range count {
			s.Log(stagedoor.LogEvent{Type: "s", Description: fmt.Sprint(i)})
		}
		ok(t, db.Close())
		s.Log(stagedoor.LogEvent{Type: "s", Description: "too late"})
		again := must(storetest.OpenURL(t, url).TenantByID(t.Context(), "acme"))(t)
		events, total, err := again.Logs(t.Context(), store.LogQuery{PerPage: count + 1, Ascending: true})
		ok(t, err)
		if total != count {
			t.Errorf("%d events", total)
		}
		for i, e := range events {
			if e.Description != fmt.Sprint(i) {
				t.Fatalf("event %d is %s", i, e.Description)
			}
		}
	})
}

// One event that cannot be stored does not take the others of its batch with it.
func TestHostileLogEvents(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		s.Log(stagedoor.LogEvent{Type: "s", Description: "first"})
		s.Log(stagedoor.LogEvent{ID: "twice", Type: "s", Description: "a\x00b \xff \\u0000", UserID: "u\x00\xff", ClientID: "\x00"})
		s.Log(stagedoor.LogEvent{ID: "twice", Type: "s", Description: "the id is taken"})
		s.Log(stagedoor.LogEvent{Type: "s", Description: "no JSON", Details: map[string]any{"f": func() {}}})
		var deep any = "the end"
		for range 600 {
			deep = []any{deep}
		}
		s.Log(stagedoor.LogEvent{ID: "deep", Type: "s", Description: "deep", Details: map[string]any{"body": deep}})
		s.Log(stagedoor.LogEvent{ID: "large", Type: "s", Description: "large", Details: map[string]any{"n": json.Number("1e999")}})
		s.Log(stagedoor.LogEvent{Type: "s", Description: "last"})
		events, total, err := s.Logs(t.Context(), store.LogQuery{PerPage: 10})
		ok(t, err)
		if total != 5 {
			t.Errorf("%d events: %v", total, logIDs(events))
		}
		for _, id := range []string{"deep", "large"} {
			if e := must(s.LogEvent(t.Context(), id))(t); e.Description != id || e.Details["omitted"] == nil {
				t.Errorf("%+v", e)
			}
		}
		s.Log(stagedoor.LogEvent{ID: "long", Type: "f", UserAgent: strings.Repeat("é", 30000) + " Mobile", Hostname: strings.Repeat("h", 60000)})
		if e := must(s.LogEvent(t.Context(), "long"))(t); e.UserAgent != strings.Repeat("é", 512) || len(e.Hostname) != 255 || !e.IsMobile {
			t.Errorf("an agent of %d bytes at a host of %d", len(e.UserAgent), len(e.Hostname))
		}
		if e := must(s.LogEvent(t.Context(), "twice"))(t); e.UserID != "u\ufffd\ufffd" || e.Description == "the id is taken" {
			t.Errorf("%+v", e)
		}
	})
}

func TestLogsAreWrittenWithoutBeingAskedFor(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		s.Log(stagedoor.LogEvent{ID: "x", Type: "s"})
		for end := time.Now().Add(time.Minute); store.Queued(s) > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d events still wait", store.Queued(s))
			}
		}
	})
}

func TestMails(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if mails := must(s.Mails(ctx))(t); len(mails) != 0 {
			t.Errorf("%v", mails)
		}
		var first *stagedoor.Mail
		for i := range 203 {
			m := &stagedoor.Mail{To: "ada@example.com", Subject: fmt.Sprint(i), Text: "<b>", SentAt: clock.now}
			ok(t, s.SaveMail(ctx, m))
			if i == 0 {
				first = m
			}
		}
		mails := must(s.Mails(ctx))(t)
		if len(mails) != 200 || mails[0].Subject != "202" || mails[199].Subject != "3" {
			t.Errorf("%d mails", len(mails))
		}
		same(t, must(s.Mail(ctx, mails[0].ID))(t), mails[0])
		_, err := s.Mail(ctx, first.ID)
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(clock.clock))
}
