package job

import (
	"runtime"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// BenchmarkImport imports users without passwords; each operation is 10,000 of them.
func BenchmarkImport(b *testing.B) {
	const users = 10000
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			var took time.Duration
			for range b.N {
				db := storetest.Open(b, kind, storetest.WithClock(time.Now))
				st := storetest.Tenant(b, db, "acme")
				ok(b, st.CreateConnection(b.Context(), &stagedoor.Connection{ID: "con_0123456789abcdef", Name: "Users", Strategy: "auth0"}))
				j := submit(b, st, users)
				start := time.Now()
				_, err := newRunner(db).Once(b.Context())
				ok(b, err)
				took += time.Since(start)
				if n := count(b, st); n != users {
					b.Fatalf("%d users, job %s", n, j.ID)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(users*b.N)/took.Seconds(), "users/s")
			b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MB-heap")
		})
	}
}
