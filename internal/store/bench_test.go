package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

const benchUsers = 1000

// bio is what makes a user's record weigh 2 KB.
var bio = json.RawMessage(`"` + strings.Repeat("lorem ipsum ", 130) + `"`)

func benchStore(b *testing.B, kind string) *store.Store {
	b.Helper()
	s := storetest.Tenant(b, storetest.Open(b, kind), "acme")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := n; i < benchUsers; i += 8 {
				u := newUser(b, s, benchID(i))
				must(s.PatchMetadata(b.Context(), u.ID, stagedoor.Metadata{"bio": bio, "genre": json.RawMessage(`"jazz"`)}, nil, mebibyte))(b)
			}
		})
	}
	wg.Wait()
	return s
}

func benchID(i int) string { return fmt.Sprintf("auth0|u%023d", i%benchUsers) }

// callers runs fn b.N times from n goroutines at once.
func callers(b *testing.B, n int, fn func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				if err := fn(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// BenchmarkBareUpdate is the yardstick: one durable UPDATE a transaction through database/sql and a
// mutex, as one would write it by hand, without reading or merging anything.
func BenchmarkBareUpdate(b *testing.B) {
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("callers=%d", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "bare.db")
			db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
			ok(b, err)
			defer db.Close()
			db.SetMaxOpenConns(1)
			_, err = db.ExecContext(b.Context(), "CREATE TABLE users (id TEXT PRIMARY KEY, metadata TEXT NOT NULL, updated_at BIGINT NOT NULL)")
			ok(b, err)
			text := `{"bio":` + string(bio) + `,"genre":"jazz"}`
			for i := range benchUsers {
				_, err := db.ExecContext(b.Context(), "INSERT INTO users VALUES (?, ?, 0)", benchID(i), text)
				ok(b, err)
			}
			update, err := db.PrepareContext(b.Context(), "UPDATE users SET metadata = ?, updated_at = ? WHERE id = ?")
			ok(b, err)
			var writer sync.Mutex
			callers(b, n, func(i int) error {
				writer.Lock()
				defer writer.Unlock()
				tx, err := db.BeginTx(context.Background(), nil)
				if err != nil {
					return err
				}
				defer tx.Rollback()
				if _, err := tx.StmtContext(context.Background(), update).ExecContext(context.Background(), text, i, benchID(i)); err != nil {
					return err
				}
				return tx.Commit()
			})
		})
	}
}

func BenchmarkPatchMetadata(b *testing.B) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		for _, n := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", kind, n), func(b *testing.B) {
				s := benchStore(b, kind)
				callers(b, n, func(i int) error {
					_, err := s.PatchMetadata(b.Context(), benchID(i), stagedoor.Metadata{"genre": json.RawMessage(fmt.Sprint(i))}, nil, mebibyte)
					return err
				})
			})
		}
	}
}

func BenchmarkUser(b *testing.B) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		for _, n := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/callers=%d", kind, n), func(b *testing.B) {
				s := benchStore(b, kind)
				ctx, cancel := context.WithCancel(b.Context()) // as a request's is
				defer cancel()
				callers(b, n, func(i int) error { _, err := s.User(ctx, benchID(i*7)); return err })
			})
		}
	}
}

func BenchmarkCreateUser(b *testing.B) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		b.Run(kind+"/callers=16", func(b *testing.B) {
			s := storetest.Tenant(b, storetest.Open(b, kind), "acme")
			callers(b, 16, func(i int) error {
				id := fmt.Sprint("auth0|", i)
				return s.CreateUser(b.Context(), &stagedoor.User{ID: id, Connection: "Users", Email: id, UserMetadata: stagedoor.Metadata{"bio": bio}}, "hash")
			})
		})
	}
}

func BenchmarkConsumeCode(b *testing.B) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		b.Run(kind+"/callers=16", func(b *testing.B) {
			clock := newClock()
			s := storetest.Tenant(b, storetest.Open(b, kind, storetest.WithClock(clock.clock)), "acme")
			newUser(b, s, "auth0|ada")
			callers(b, 16, func(i int) error {
				code := fmt.Sprint(i)
				err := s.SaveCode(b.Context(), code, &stagedoor.Code{Authorization: stagedoor.Authorization{UserID: "auth0|ada"}, ExpiresAt: clock.in(1e9)})
				if err == nil {
					_, _, err = s.ConsumeCode(b.Context(), code)
				}
				return err
			})
		})
	}
}
