package store_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var searchUsers = flag.Int("searchusers", 100000, "users that BenchmarkSearch searches")

// searchShapes are queries of every kind, the adverse ones too.
var searchShapes = []string{
	`user_metadata.home.city:"City 7"`, `user_metadata.genre:jazz`, `user_metadata.genre:jazz AND user_metadata.home.city:"City 7"`, `user_metadata.genre:jazz AND app_metadata.plan.level:3`,
	`user_metadata.genre:jazz AND user_metadata.genre:rock`, `user_metadata.rare:r77`, `user_metadata.tags:t42`, `user_metadata.tags:(t42 OR t43 OR t44)`, `app_metadata.plan.beta:true AND user_metadata.lang:fi`,
	`user_metadata.plays:[500 TO 600]`, `user_metadata.plays:[50000 TO *]`, `user_metadata.plays:[10000 TO 25000]`, `user_metadata.plays:[50000 TO *] AND user_metadata.genre:jazz`,
	`user_metadata.plays:[50000 TO *] AND app_metadata.score:[0.5 TO 1]`, `user_metadata.since:[2024-01 TO 2024-03]`, `user_metadata.home.city:City\ 99*`, `user_metadata.rare:r1*`,
	`email:listener7777@*`, `email:*7777@mail27*`, `name:*ame19*`, `name:name1*`, `email.domain:mail7.example`, `NOT user_metadata.genre:jazz`, `NOT _exists_:user_metadata.genre`, `_exists_:user_metadata.genre`,
	`user_metadata.genre:jazz AND NOT email_verified:true`, `created_at:[2025-06 TO 2025-07]`, `updated_at:[2025-12-30 TO *]`, `listener500@mail0.example`, `*`, `blocked:true`, `name:*zzz*`,
	`user_metadata.home.geo.lat:[10 TO 11] AND user_metadata.home.geo.lon:[10 TO 20]`,
}

// BenchmarkSearch tells what the first page of each shape costs, without and with the total: the median in ms/page, and the
// slowest.
func BenchmarkSearch(b *testing.B) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			s := storetest.Tenant(b, storetest.Open(b, kind), "acme")
			for batch := range slices.Chunk(storetest.Listeners(*searchUsers), 5000) {
				ok(b, s.CreateUsers(b.Context(), batch))
			}
			for _, text := range searchShapes {
				for name, noTotal := range map[string]bool{"page": true, "total": false} {
					b.Run(fmt.Sprintf("%s/%s", name, text), func(b *testing.B) {
						node, err := lucene.Parse(text)
						ok(b, err)
						where, err := store.UserSchema.Compile(node)
						ok(b, err)
						var took []time.Duration
						for b.Loop() {
							start := time.Now()
							_, _, err := s.Users(b.Context(), store.UserQuery{Where: where, PerPage: 50, NoTotal: noTotal})
							took = append(took, time.Since(start))
							ok(b, err)
						}
						slices.Sort(took)
						b.ReportMetric(took[len(took)/2].Seconds()*1000, "median-ms")
						b.ReportMetric(took[len(took)-1].Seconds()*1000, "max-ms")
					})
				}
			}
		})
	}
}
