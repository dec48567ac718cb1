package store_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var searchUsers = flag.Int("searchusers", 100000, "users that BenchmarkSearch searches")

// listener makes the i-th user of a data set: 2 KB, most of it metadata of all kinds of spread.
func listener(r *rand.Rand, i int, created time.Time) *stagedoor.User {
	genres := []string{"jazz", "rock", "pop", "folk", "metal", "soul", "punk", "house", "techno", "opera"}
	value := func(format string, args ...any) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(format, args...))
	}
	u := &stagedoor.User{
		ID: fmt.Sprintf("auth0|%024x", r.Uint64()), Connection: "Users", Email: fmt.Sprintf("listener%d@mail%d.example", i, i%50), EmailVerified: i%3 > 0,
		GivenName: fmt.Sprintf("Name%d", r.IntN(2000)), FamilyName: fmt.Sprintf("Family%d", r.IntN(20000)), CreatedAt: created, UpdatedAt: created,
		UserMetadata: stagedoor.Metadata{
			"genre": value(`"%s"`, genres[r.IntN(len(genres))]), "plays": value("%d", r.IntN(100000)), "rare": value(`"r%d"`, r.IntN(50000)), "lang": value(`"%s"`, []string{"en", "en", "en", "fi"}[r.IntN(4)]),
			"home": value(`{"city":"City %d","geo":{"lat":%.4f,"lon":%.4f}}`, r.IntN(1000), r.Float64()*180-90, r.Float64()*360), "since": value(`"20%02d-%02d-%02d"`, 10+r.IntN(16), 1+r.IntN(12), 1+r.IntN(28)),
			"tags": value(`["t%d","t%d","t%d"]`, r.IntN(500), r.IntN(500), r.IntN(500)), "bio": value(`"%s"`, strings.Repeat("lorem ipsum ", 110)),
		},
		AppMetadata: stagedoor.Metadata{"plan": value(`{"level":%d,"beta":%v}`, r.IntN(5), i%100 == 0), "score": value("%.3f", r.Float64())},
	}
	u.Name = u.GivenName + " " + u.FamilyName
	u.Identities = []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: strings.TrimPrefix(u.ID, "auth0|")}}
	u.FillDefaults()
	return u
}

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

func BenchmarkSearch(b *testing.B) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		b.Run(kind, func(b *testing.B) {
			s := storetest.Tenant(b, storetest.Open(b, kind), "acme")
			start := time.Now()
			fillListeners(b, s, *searchUsers)
			fmt.Printf("%s: %d users in %v\n", kind, *searchUsers, time.Since(start).Round(time.Millisecond))
			for _, more := range []store.UserQuery{{NoTotal: true}, {}, {NoTotal: true, Sort: "email"}, {NoTotal: true, Sort: "updated_at", Descending: true}} {
				for _, text := range searchShapes {
					node, err := lucene.Parse(text)
					ok(b, err)
					more.Where, err = store.UserSchema.Compile(node)
					ok(b, err)
					more.PerPage = 50
					var took []time.Duration
					var users []stagedoor.User
					total := 0
					why := &store.Explanation{}
					for range 5 {
						start := time.Now()
						*why = store.Explanation{}
						more.Explain = why
						users, total, err = s.Users(b.Context(), more)
						took = append(took, time.Since(start))
					}
					slices.Sort(took)
					fmt.Printf("%-8s %-12s %v %8.1f %8.1f ms %3d of %6d read %5d %v %s  %v\n", kind, more.Sort, more.NoTotal, took[2].Seconds()*1000, took[4].Seconds()*1000, len(users), total, why.Read, err, text, why.Plan)
				}
			}
		})
	}
}

func fillListeners(b *testing.B, s *store.Store, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	for first := 0; first < n; first += 5000 {
		var users []*stagedoor.User
		for i := first; i < min(n, first+5000); i++ {
			users = append(users, listener(r, i, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*300*time.Second)))
		}
		store.AddUsers(b, s, users)
	}
}
