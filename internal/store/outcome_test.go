package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What is acknowledged is on the disk: neither database says so before.
func TestWritesReachTheDisk(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	if n := store.Number(t, db, "PRAGMA synchronous"); n != 2 {
		t.Errorf("synchronous is %d, not FULL", n)
	}
	if mode := store.Text(t, db, "PRAGMA journal_mode"); mode != "wal" {
		t.Errorf("the journal is %s", mode)
	}
	db = storetest.Open(t, storetest.Postgres) // a test's database may say otherwise of itself, a connection may not
	if n := store.Number(t, db, "SELECT COUNT(*) FROM pg_settings WHERE name = 'synchronous_commit' AND source IN ('session', 'client')"); n != 0 {
		t.Error("connections say of themselves that commits do not wait for the disk")
	}
}

// A write that was found not to have been carried out can never be so later: whatever of it is still on its way somewhere is refused, before the write is tried
// again and after.
func TestLateWritesAreRefused(t *testing.T) {
	db, ctx := storetest.Open(t, storetest.Postgres), t.Context()
	w := store.Begin(db)
	defer w.Over()
	for range 2 { // the first of the slot, and one of which there are marks
		if done, err := w.Ask(ctx); done || err != nil {
			t.Fatalf("a write that never came was carried out: %v", err)
		}
		if w.Arrive(ctx, 0) == nil {
			t.Error("a write was carried out that was said not to have been, before it was tried again")
		}
		w.Again()
		ok(t, w.Arrive(ctx, 0))
		if done, err := w.Ask(ctx); !done || err != nil {
			t.Errorf("a write that was carried out was not: %v", err)
		}
		w.Again()
	}
	ok(t, w.Arrive(ctx, 0))
	for before := range int64(3) {
		if w.Arrive(ctx, before) == nil {
			t.Errorf("a write was carried out that came behind the one %d after it", before)
		}
	}
	if done, err := w.Ask(ctx); !done || err != nil {
		t.Errorf("the last write is not known any more: %v", err)
	}
}

// A write that meets an older one of its slot that came late is tried again under another number.
func TestWriteMeetsALateOne(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	statement := func(exec store.ExecFunc) error {
		return exec("INSERT INTO tenants (id, settings, created_at) VALUES (?, '{}', 0)", stagedoor.NewHexID())
	}
	for name, write := range map[string]func() error{
		"a transaction": func() error { return store.Write(t.Context(), db, statement) },
		"one statement": func() error { return store.WriteOne(t.Context(), db, statement) },
	} {
		ok(t, write())
		store.OnEach(t, db, 1, "UPDATE write_marks SET seq = seq + 1")
		if err := write(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What another transaction, or a failover, kept from being done is done again, by itself.
func TestContendedWritesAreTriedAgain(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	for _, code := range []string{"40001", "40P01", "57P01", "57P02", "57P03", "08006", "25006", "53300"} {
		raise := "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" + code + "'; END $$"
		runs := 0
		err := store.Write(t.Context(), db, func(exec store.ExecFunc) error {
			if runs++; runs == 1 {
				return exec(raise)
			}
			return exec("SELECT 1")
		})
		if err != nil || runs != 2 {
			t.Errorf("%s: %d runs, error %v", code, runs, err)
		}
	}
	for _, code := range []string{"40001", "40P01"} { // as COMMIT is refused
		runs := 0
		ok(t, store.Write(t.Context(), db, func(exec store.ExecFunc) error {
			name := "late" + stagedoor.NewHexID()
			if runs++; runs > 1 {
				return exec("SELECT 1")
			}
			for _, s := range []string{
				"CREATE TABLE " + name + " (n INT)",
				"CREATE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" + code + "'; END $$",
				"CREATE CONSTRAINT TRIGGER late AFTER INSERT ON " + name + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION " + name + "()",
				"INSERT INTO " + name + " VALUES (1)",
			} {
				if err := exec(s); err != nil {
					return err
				}
			}
			return nil
		}))
		if runs != 2 {
			t.Errorf("%s at COMMIT: %d runs", code, runs)
		}
	}
	runs := 0
	err := store.Write(t.Context(), db, func(exec store.ExecFunc) error { runs++; return exec("SELECT 1/0") })
	if err == nil || runs != 1 {
		t.Errorf("what no other try would mend ran %d times: %v", runs, err)
	}
}

// Only what a server says of one statement, and is certain of, means that a write had no effect.
func TestRefusalsOfAServer(t *testing.T) {
	for _, c := range []struct {
		severity, code string
		refused        bool
	}{
		{"ERROR", "23505", true},
		{"ERROR", "40001", true},
		{"ERROR", "40003", false}, // statement_completion_unknown
		{"ERROR", "08006", false},
		{"ERROR", "08007", false}, // transaction_resolution_unknown
		{"FATAL", "57P01", false}, // may have come behind COMMIT
		{"PANIC", "XX000", false},
	} {
		if got := store.Refused(fmt.Errorf("wrapped: %w", store.Says(c.severity, c.code))); got != c.refused {
			t.Errorf("%s %s: %v", c.severity, c.code, got)
		}
	}
	if store.Refused(errors.New("broken pipe")) || store.Refused(nil) {
		t.Error("no word of a server")
	}
}

// A write that passes over an error of one of its statements is none: PostgreSQL undoes all of it.
func TestErrorsThatArePassedOver(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	err := store.Write(t.Context(), db, func(exec store.ExecFunc) error {
		if err := exec("INSERT INTO tenants (id, settings, created_at) VALUES ('lost', '{}', 0)"); err != nil {
			return err
		}
		_ = exec("SELECT 1/0")
		return nil
	})
	if err == nil {
		t.Error("a write that was undone was acknowledged")
	}
}

// Where one connection leads to a server that takes no writes any more, the others do, too: none of them is tried one after the other.
func TestFormerPrimaryIsLeft(t *testing.T) {
	db := storetest.OpenURL(t, storetest.Migrated(t, storetest.Postgres), withWait(5*time.Second))
	store.OnEach(t, db, 4, "SET default_transaction_read_only = on")
	storetest.Tenant(t, db, "acme")
}

// A database that takes reads only is not taken for one that is written to, unless its address says so.
func TestReadOnlyServerIsRefused(t *testing.T) {
	url := storetest.Migrated(t, storetest.Postgres)
	statement(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
	if db, err := store.Open(t.Context(), store.Options{URL: url}); err == nil {
		db.Close()
		t.Error("a server that takes no writes was taken for the primary")
	}
	db, err := store.Open(t.Context(), store.Options{URL: url + "&target_session_attrs=any", NoNotify: true})
	ok(t, err)
	ok(t, db.Close())
}

// The address says how many connections there are.
func TestPoolOfAnAddress(t *testing.T) {
	if n := store.MostConnections(t, "postgres://db.test/x"); n < 16 {
		t.Errorf("%d connections", n)
	}
	if n := store.MostConnections(t, "postgres://db.test/x?pool_max_conns=8"); n != 8 {
		t.Errorf("%d connections, not 8", n)
	}
}

// A read that breaks off is begun again only while nothing of it was used: no row comes twice.
func TestRowsComeOnce(t *testing.T) {
	p, s, _ := throughProxy(t, 5*time.Second, "")
	var seen []int64
	err := store.EachNumber(t.Context(), store.DBOf(s), "SELECT n FROM generate_series(1, 3000000) AS n", func(n int64) {
		if seen = append(seen, n); n == 1 {
			p.Down()
			p.Up()
		}
	})
	if !stagedoor.HasCode(err, store.CodeUnavailable) {
		t.Errorf("error %v", err)
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(seen)))); n != len(seen) {
		t.Errorf("%d of %d rows came again", len(seen)-n, len(seen))
	}
	runs := 0
	err = store.Searching(t.Context(), store.DBOf(s), func(exec store.ExecFunc) error {
		if runs++; runs == 1 {
			p.Down()
			p.Up()
		}
		return exec("SELECT 1")
	})
	if !stagedoor.HasCode(err, store.CodeUnavailable) || runs != 1 {
		t.Errorf("a search that had begun ran %d times: %v", runs, err)
	}
}

// The wait for a database begins when it is found to be away, however long what broke off took until then.
func TestWaitBeginsWhenTheDatabaseGoes(t *testing.T) {
	p, s, _ := throughProxy(t, 2*time.Second, "")
	runs := 0
	err := store.Write(t.Context(), store.DBOf(s), func(exec store.ExecFunc) error {
		if err := exec("SELECT 1"); err != nil {
			return err
		}
		if runs++; runs == 1 {
			time.Sleep(2500 * time.Millisecond)
			p.Down()
			p.Up()
		}
		return exec("SELECT 1")
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, error %v", runs, err)
	}
}

// Marks of writes outlive a sweep as long as somebody may ask for them; those of servers that are gone do not.
func TestMarksAreKept(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres)
	storetest.Tenant(t, db, "acme")
	for server, age := range map[string]time.Duration{"gone": 25 * time.Hour, "away": 23 * time.Hour} {
		store.Exec(t, db, "INSERT INTO write_marks (server, slot, seq, fence, at) VALUES (?, 1, 1, 0, ?)", server, time.Now().Add(-age).UnixMilli())
	}
	before := store.Number(t, db, "SELECT COUNT(*) FROM write_marks")
	ok(t, db.Sweep(t.Context()))
	if n := store.Number(t, db, "SELECT COUNT(*) FROM write_marks WHERE server = 'gone'"); n != 0 {
		t.Error("the marks of a server stay that is gone")
	}
	if n := store.Number(t, db, "SELECT COUNT(*) FROM write_marks"); n < before-1 {
		t.Errorf("%d marks of %d are left", n, before)
	}
}
