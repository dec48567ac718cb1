package store_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// BenchmarkSweep deletes expired sessions, a million by STAGEDOOR_SWEEP_ROWS, while eight callers patch metadata, and prints how long a patch
// takes without and with it: `make bench-sweep`.
func BenchmarkSweep(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("STAGEDOOR_SWEEP_ROWS"), "20000"))
	if err != nil {
		b.Fatal(err)
	}
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			address := storetest.Migrated(b, kind)
			db := storetest.OpenURL(b, address)
			s, ctx := storetest.Tenant(b, db, "acme"), context.Background()
			newUser(b, s, "auth0|ada")
			var patchers sync.WaitGroup
			for g := range 8 {
				newUser(b, s, fmt.Sprint("auth0|u", g))
			}
			ok(b, store.FillExpired(ctx, s, "auth0|ada", rows))
			if kind == storetest.Postgres {
				storetest.Settle(b, address)
			}
			patch := func(stop func() bool) (p50, p99 time.Duration, n int) {
				var mu sync.Mutex
				var took []time.Duration
				for g := range 8 {
					patchers.Go(func() {
						for i := 0; !stop(); i++ {
							start := time.Now()
							_, err := s.PatchMetadata(ctx, fmt.Sprint("auth0|u", g), stagedoor.Metadata{"n": []byte(strconv.Itoa(i))}, nil, mebibyte)
							if err != nil {
								b.Error(err)
								return
							}
							mu.Lock()
							took = append(took, time.Since(start))
							mu.Unlock()
						}
					})
				}
				patchers.Wait()
				slices.Sort(took)
				return took[len(took)/2], took[len(took)*99/100], len(took)
			}
			b.ResetTimer()
			until := time.Now().Add(5 * time.Second)
			quiet50, quiet99, _ := patch(func() bool { return time.Now().After(until) })
			done := make(chan struct{})
			start := time.Now()
			go func() {
				defer close(done)
				ok(b, db.Sweep(ctx))
			}()
			busy50, busy99, n := patch(func() bool {
				select {
				case <-done:
					return true
				default:
					return false
				}
			})
			b.Logf("%s: %d rows swept in %v beside %d patches by 8 callers; a patch: alone p50 %v p99 %v, meanwhile p50 %v p99 %v (p99 × %.2f)", kind, rows, time.Since(start).Round(time.Millisecond), n,
				quiet50.Round(time.Microsecond), quiet99.Round(time.Microsecond), busy50.Round(time.Microsecond), busy99.Round(time.Microsecond), float64(busy99)/float64(quiet99))
		})
	}
}
