package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// scans finds the steps of a plan that read a whole table: SQLite says SCAN, PostgreSQL Seq Scan. What a sweep has chosen is read whole.
var scans = regexp.MustCompile(`(?m)^SCAN (?:[^d]|d[^o])\S*.*$|Seq Scan.*`)

// TestSweepsUseIndexes: no statement that deletes what is over reads a table from its beginning, and everything that can be over is swept.
func TestSweepsUseIndexes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for text, plan := range store.SweepPlans(t, db) {
			for _, found := range scans.FindAllString(plan, -1) {
				if !strings.Contains(found, "USING INDEX") && !strings.Contains(found, "USING COVERING INDEX") || !strings.Contains(text, "ORDER BY") {
					t.Errorf("%s\n%s\n%s", text, found, plan)
				}
			}
			if strings.Contains(plan, "(expires_at=?)") {
				t.Errorf("%s reads all that never expires\n%s", text, plan)
			}
		}
		swept := store.SweptTables()
		tables := store.TablesThatExpire(t, db)
		if len(tables) < 10 {
			t.Fatalf("tables: %v", tables)
		}
		for _, table := range tables {
			if !swept[table] {
				t.Errorf("%s has expires_at, but nobody sweeps it", table)
			}
		}
	})
}

// TestSweepInBatches: many rows go, whoever else sweeps at the time, and what was prolonged stays.
func TestSweepInBatches(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|ada")
		for i := range 450 {
			ok(t, s.CreateSession(ctx, fmt.Sprint("c", i), &stagedoor.Session{ID: fmt.Sprint("s", i), UserID: "auth0|ada", ExpiresAt: clock.in(time.Hour), IdleExpiresAt: clock.in(time.Minute)}))
		}
		ok(t, s.UpdateSession(ctx, "s7", func(v *stagedoor.Session) { v.IdleExpiresAt = clock.in(time.Hour) }))
		before := clock.now
		clock.now = clock.in(2 * time.Minute)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { ok(t, db.Sweep(ctx)) })
		}
		group.Wait()
		clock.now = before
		for i := range 450 {
			_, err := s.Session(ctx, fmt.Sprint("s", i))
			if (i == 7) != (err == nil) {
				t.Fatalf("session %d: %v", i, err)
			}
		}
	}, storetest.WithClock(clock.clock))
}

// A sweep takes a few rows at once, so that nobody waits for it, and leaves alone what somebody else holds: it does not wait either.
func TestSweepHoldsNobodyUp(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, before := storetest.Tenant(t, db, "acme"), t.Context(), clock.now
		newUser(t, s, "auth0|ada")
		defer func() { clock.now = before }()
		for i := range 450 {
			ok(t, s.CreateTicket(ctx, fmt.Sprint("t", i), &stagedoor.Ticket{Kind: stagedoor.TicketVerification, UserID: "auth0|ada", ExpiresAt: clock.in(time.Minute)}))
		}
		clock.now = clock.in(2 * time.Minute)
		left := func() int64 { return store.Number(t, db, "SELECT COUNT(*) FROM tickets") }
		if s.Shared() {
			end := store.Hold(t, db, "SELECT 1 FROM tickets WHERE hash = (SELECT MIN(hash) FROM tickets) FOR UPDATE")
			within, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			if err := db.Sweep(within); err != nil || left() != 1 {
				t.Errorf("beside who holds one: %d are left, %v", left(), err)
			}
			end()
		}
		swept := 0
		for query, args := range store.StatementsOf(db, func() { ok(t, db.Sweep(ctx)) }) {
			if !strings.HasPrefix(query, "WITH doomed") {
				continue
			}
			swept++
			if most, is := args[len(args)-1].(int); !is || most > 200 {
				t.Errorf("%v at once: %s", args[len(args)-1], query)
			}
		}
		if swept < 20 || left() != 0 {
			t.Errorf("%d kinds were swept, %d are left", swept, left())
		}
	}, storetest.WithClock(clock.clock))
}

// TestReuseIsKnownAfterSweeps: a superseded token ends its family whenever it comes back while the family can live; then it is gone.
func TestReuseIsKnownAfterSweeps(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		newUser(t, s, "auth0|ada")
		begin := clock.now
		rotated := func(name string, expires time.Time, idle time.Duration) {
			t.Helper()
			first := &stagedoor.RefreshToken{ID: name, FamilyID: name, UserID: "auth0|ada", ClientID: "c", Audience: "api", ExpiresAt: expires}
			if idle > 0 {
				first.IdleExpiry = clock.in(idle)
			}
			ok(t, s.CreateRefreshToken(ctx, name+"1", first))
			must(rotate(ctx, s, name+"1", name+"2", 0, idle))(t)
		}
		rotated("endless", time.Time{}, 0)
		rotated("ending", clock.in(48*time.Hour), 0)
		rotated("idle", clock.in(1000*time.Hour), time.Hour)
		rotated("other", time.Time{}, 0)

		clock.now = begin.Add(100 * time.Hour)
		ok(t, db.Sweep(ctx))
		reused := func(token string) bool {
			_, err := rotate(ctx, s, token, token+"x", 0, 0)
			return errors.Is(err, store.ErrReused)
		}
		if reused("ending1") || !reused("idle1") || !reused("other1") {
			t.Error("after four days: a family that is over is known, or one that lives is not")
		}
		if _, err := s.RefreshToken(ctx, "other2"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the family lives: %v", err)
		}
		clock.now = begin.Add(366 * 24 * time.Hour)
		ok(t, db.Sweep(ctx))
		clock.now = begin.Add(time.Hour)
		if reused("endless1") {
			t.Error("a superseded token is remembered for ever")
		}
		if _, err := s.RefreshToken(ctx, "endless2"); err != nil {
			t.Errorf("the live token is gone: %v", err)
		}
		clock.now = begin
	}, storetest.WithClock(clock.clock))
}

// TestLogsArePruned: by the tenant's age and size, else by the operator's, the oldest first, and what is known of their size stays true.
func TestLogsArePruned(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, begin := t.Context(), clock.now
		handles := map[string]*store.Store{}
		for name, local := range map[string]stagedoor.LocalSettings{"usual": {}, "short": {LogRetentionDays: 10}, "long": {LogRetentionDays: 90}, "small": {LogMaxBytes: 20_000}} {
			s := storetest.Tenant(t, db, name)
			_, err := s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error { v.Local = local; return nil })
			ok(t, err)
			handles[name] = s
			for day := range 40 {
				for i := range 12 {
					s.Log(stagedoor.LogEvent{ID: fmt.Sprintf("900-%03d-%03d", day, i), Type: "s", Description: "é" + strings.Repeat("x", 40), Date: begin.Add(time.Duration(day) * 24 * time.Hour)})
				}
			}
			_, total, err := s.Logs(ctx, store.LogQuery{PerPage: 1})
			ok(t, err)
			if known, real := store.LogDays(t, s); total != 480 || known != real || known[0] != 480 {
				t.Fatalf("%s: %d events, known %v, there are %v", name, total, known, real)
			}
		}
		clock.now = begin.Add(40 * 24 * time.Hour)
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { ok(t, db.Sweep(ctx)) })
		}
		group.Wait()
		ok(t, db.Sweep(ctx)) // whoever was faster has left nothing
		for name, want := range map[string]int64{"usual": 30 * 12, "short": 10 * 12, "long": 480} {
			if known, real := store.LogDays(t, handles[name]); real[0] != want || known != real {
				t.Errorf("%s: known %v, there are %v, not %d", name, known, real, want)
			}
		}
		known, real := store.LogDays(t, handles["small"])
		if known != real || real[1] > 20_000 || real[1] < 19_000 {
			t.Errorf("small: known %v, there are %v", known, real)
		}
		newest, _, err := handles["small"].Logs(ctx, store.LogQuery{PerPage: 1})
		ok(t, err)
		if newest[0].ID != "900-039-011" {
			t.Errorf("the newest is %s", newest[0].ID)
		}
		clock.now = begin
	}, storetest.WithClock(clock.clock), func(o *store.Options) { o.Retention.LogDays = 30 })
}

// TestLogSearchByTypeAndDate: the conditions that indexes serve find what the exact ones find.
func TestLogSearchByTypeAndDate(t *testing.T) {
	clock := newClock()
	each(t, func(t *testing.T, s *store.Store) {
		for i := range 30 {
			s.Log(stagedoor.LogEvent{Type: []string{"s", "fp", "w"}[i%3], UserID: fmt.Sprint("u", i%2), Description: fmt.Sprint(i), Date: clock.now.Add(time.Duration(i) * time.Hour)})
		}
		day := func(h int) string { return clock.now.Add(time.Duration(h) * time.Hour).UTC().Format(time.RFC3339) }
		for q, want := range map[string]int{
			`type:fp`: 10, `type:fp AND user_id:u1`: 5, `type:(s OR w)`: 20, `NOT type:fp`: 20, `type:f*`: 10, `type:fp OR user_id:u0`: 20, `type:"fp"`: 10, `type:nothing`: 0,
			`date:[` + day(3) + ` TO ` + day(6) + `]`: 4, `type:w AND date:[` + day(3) + ` TO ` + day(8) + `]`: 2, `date:{` + day(27) + ` TO *]`: 2, `_exists_:type`: 30,
		} {
			node, err := lucene.Parse(q)
			ok(t, err)
			e, err := store.LogSchema.Compile(node)
			ok(t, err)
			events, total, err := s.Logs(t.Context(), store.LogQuery{PerPage: 50, Where: e})
			ok(t, err)
			if len(events) != want || total != want {
				t.Errorf("%s: %d of %d, not %d", q, len(events), total, want)
			}
		}
	})
}
