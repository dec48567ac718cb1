package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// openWriter returns a SQLite database with a tenant and a table of numbers.
func openWriter(t *testing.T) (*DB, *sqliteEngine) {
	t.Helper()
	db, err := Open(t.Context(), Options{URL: filepath.Join(t.TempDir(), "new", "a b%?#.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	err = db.write(t.Context(), func(q querier) error {
		_, err := q.exec(t.Context(), "CREATE TABLE numbers (n BIGINT PRIMARY KEY)")
		if err == nil {
			_, err = q.exec(t.Context(), "CREATE TABLE "+versionsTable+" (version_id BIGINT)") // without it, it would be another program's file
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return db, db.bare.(*sqliteEngine)
}

func insertNumber(db *DB, ctx context.Context, n int, then func() error) error {
	return db.write(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO numbers (n) VALUES (?)", n); err != nil {
			return err
		}
		return then()
	})
}

func numbers(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.reader().row(t.Context(), "SELECT COUNT(*) FROM numbers", nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// hold keeps the writer busy until release is called, so that what follows becomes one group.
func hold(t *testing.T, db *DB, e *sqliteEngine, waiting int) (release func()) {
	t.Helper()
	held, letGo := make(chan struct{}), make(chan struct{})
	go db.write(t.Context(), func(querier) error { close(held); <-letGo; return nil })
	<-held
	return func() {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			e.mu.Lock()
			n := len(e.queue)
			e.mu.Unlock()
			if n == waiting || time.Now().After(deadline) {
				break
			}
		}
		close(letGo)
	}
}

var errStop = errors.New("stop")

// In one group some writes succeed, fail, panic, clash or belong to callers who gave up: each has its
// own outcome.
func TestWritesOfAGroupAreApart(t *testing.T) {
	db, e := openWriter(t)
	cancelled, cancel := context.WithCancel(t.Context())
	kinds := []struct {
		kept bool
		run  func(n int) error
	}{
		{true, func(n int) error { return insertNumber(db, t.Context(), n, func() error { return nil }) }},
		{false, func(n int) error { return insertNumber(db, t.Context(), n, func() error { return errStop }) }},
		{false, func(n int) error { return insertNumber(db, t.Context(), n, func() error { panic("oh no") }) }},
		{false, func(n int) error {
			return db.write(t.Context(), func(q querier) error {
				for range 2 {
					if _, err := q.exec(t.Context(), "INSERT INTO numbers (n) VALUES (?)", n); err != nil {
						return err
					}
				}
				return nil
			})
		}},
		// The caller goes away in the middle of the write; the write is carried out and answered.
		{true, func(n int) error {
			return db.write(cancelled, func(q querier) error {
				cancel()
				_, err := q.exec(cancelled, "INSERT INTO numbers (n) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000) SELECT ? FROM c LIMIT 1", n)
				return err
			})
		}},
	}
	const each = 8
	var wg sync.WaitGroup
	wanted := 0
	// A cancelled caller is refused before it queues, so only one of the last kind is there.
	release := hold(t, db, e, each*4+1)
	for i, kind := range kinds {
		count := each
		if i == 4 {
			count = 1
		}
		if kind.kept {
			wanted += count
		}
		for j := range count {
			wg.Go(func() {
				err := kind.run(i*100 + j)
				if (err == nil) != kind.kept {
					t.Errorf("kind %d: error %v", i, err)
				}
				if i == 2 && !strings.Contains(fmt.Sprint(err), "oh no") {
					t.Errorf("a panic became %v", err)
				}
			})
		}
	}
	release()
	wg.Wait()
	if n := numbers(t, db); n != wanted {
		t.Errorf("%d numbers were kept, want %d", n, wanted)
	}
	if err := insertNumber(db, t.Context(), 999, func() error { return nil }); err != nil {
		t.Errorf("the writer does not go on: %v", err)
	}
}

// A write that ends the transaction under the others fails all of them, and no part of any stays.
func TestTransactionThatEndsByItself(t *testing.T) {
	db, e := openWriter(t)
	var wg sync.WaitGroup
	var failed atomic.Int32
	release := hold(t, db, e, 9)
	for i := range 9 {
		wg.Go(func() {
			err := db.write(t.Context(), func(q querier) error {
				if _, err := q.exec(t.Context(), "INSERT INTO numbers (n) VALUES (?)", i); err != nil {
					return err
				}
				if i == 4 { // as SQLite does by itself when the disk is full
					q.exec(t.Context(), "ROLLBACK")
					return errStop
				}
				return nil
			})
			if err != nil {
				failed.Add(1)
			}
		})
	}
	release()
	wg.Wait()
	if n := numbers(t, db); int(failed.Load()) != 9-n || n != 0 {
		t.Errorf("%d failed, but %d were kept", failed.Load(), n)
	}
	if err := insertNumber(db, t.Context(), 99, func() error { return nil }); err != nil {
		t.Errorf("the writer does not go on: %v", err)
	}
}

// While the database is closed under way, each write is either refused or kept, and none hangs.
func TestCloseRace(t *testing.T) {
	for range 20 {
		db, _ := openWriter(t)
		path := db.bare.(*sqliteEngine).path
		var accepted atomic.Int32
		var wg sync.WaitGroup
		for i := range 32 {
			wg.Go(func() {
				for j := range 20 {
					if insertNumber(db, context.Background(), i*1000+j, func() error { return nil }) != nil {
						return
					}
					accepted.Add(1)
				}
			})
		}
		time.Sleep(2 * time.Millisecond)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		again, err := Open(t.Context(), Options{URL: path})
		if err != nil {
			t.Fatal(err)
		}
		if n := numbers(t, again); n != int(accepted.Load()) {
			t.Errorf("%d writes were acknowledged, %d were kept", accepted.Load(), n)
		}
		again.Close()
	}
}

func TestStorableJSON(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, `{"a":"\u0041\\u0000\"\n"}`: true, `"\ud83c\udfb8"`: true, `[1e308,-1.5E-300,0,10]`: true, `"1e999 [[["`: true, `true`: true,
		`"\u0000"`: false, `{"\u0000":1}`: false, `"\ud83c"`: false, `"\ud83cx"`: false, `"\ud83c\u0041"`: false, `"\udfb8"`: false,
		`[1e309]`: false, `[1e-0309]`: false, `1e+00308`: true, "\"\x00\"": false, "\"\xff\"": false,
		strings.Repeat("[", 512) + strings.Repeat("]", 512): true, strings.Repeat("[", 513) + strings.Repeat("]", 513): false,
		strings.Repeat("1", 400): true, strings.Repeat("1", 401): false,
	} {
		if got := storableJSON(text); got != want {
			t.Errorf("storableJSON(%.40q) = %v", text, got)
		}
	}
}

func FuzzStorableJSON(f *testing.F) {
	f.Add(`{"a":"\u0000"}`)
	f.Add(`"\ud83c\u`)
	f.Fuzz(func(t *testing.T, text string) { storableJSON(text) }) // must not panic, whatever comes
}

// A group that is refused at its COMMIT fails as a whole, and leaves the writer able to go on.
func TestCommitThatFails(t *testing.T) {
	db, e := openWriter(t)
	exec := func(queries ...string) error {
		return db.write(t.Context(), func(q querier) error {
			for _, query := range queries {
				if _, err := q.exec(t.Context(), query); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := exec("CREATE TABLE parts (n BIGINT REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED)"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var failed atomic.Int32
	release := hold(t, db, e, 9)
	for i := range 9 {
		wg.Go(func() {
			query := fmt.Sprintf("INSERT INTO numbers (n) VALUES (%d)", i)
			if i == 4 {
				query = "INSERT INTO parts (n) VALUES (1000)" // of a number that is not there, which is found out in the end
			}
			if exec(query) != nil {
				failed.Add(1)
			}
		})
	}
	release()
	wg.Wait()
	if n := numbers(t, db); int(failed.Load()) != 9 || n != 0 {
		t.Errorf("%d failed, and %d were kept", failed.Load(), n)
	}
	if err := insertNumber(db, t.Context(), 99, func() error { return nil }); err != nil {
		t.Errorf("the writer does not go on: %v", err)
	}
}

// What waits when the database is closed is carried out and answered, also if it is more than a group.
func TestCloseAnswersAll(t *testing.T) {
	const writes = 3 * groupSize
	db, e := openWriter(t)
	path := e.path
	var wg sync.WaitGroup
	var kept atomic.Int32
	release := hold(t, db, e, writes)
	for i := range writes {
		wg.Go(func() {
			if insertNumber(db, t.Context(), i, func() error { return nil }) == nil {
				kept.Add(1)
			}
		})
	}
	closed := make(chan error, 1)
	go func() {
		for e.mu.Lock(); len(e.queue) < writes; e.mu.Lock() {
			e.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		e.closed = true // as close does, which waits then
		e.mu.Unlock()
		release()
		closed <- db.Close()
	}()
	answered := make(chan struct{})
	go func() { wg.Wait(); close(answered) }()
	select {
	case <-answered:
	case <-time.After(time.Minute):
		t.Fatalf("%d of %d writes were answered", kept.Load(), writes)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Options{URL: path})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n := numbers(t, again); n != writes || kept.Load() != writes {
		t.Errorf("%d of %d writes were acknowledged, and %d kept", kept.Load(), writes, n)
	}
}
