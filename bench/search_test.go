package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// searchedUsers is how many users a search is measured among.
const searchedUsers = 100_000

// metadataQuery is a query on nested metadata as an application would ask it.
func metadataQuery(r *rand.Rand) string {
	genre := []string{"jazz", "rock", "pop", "folk", "metal", "soul", "punk", "house", "techno", "opera"}[r.IntN(10)]
	city, from := r.IntN(1000), r.IntN(99_000)
	return []string{
		fmt.Sprintf(`user_metadata.home.city:"City %d"`, city),
		fmt.Sprintf(`user_metadata.genre:%s`, genre),
		fmt.Sprintf(`user_metadata.genre:%s AND user_metadata.home.city:"City %d"`, genre, city),
		fmt.Sprintf(`user_metadata.genre:%s AND app_metadata.plan.level:%d`, genre, r.IntN(5)),
		fmt.Sprintf(`user_metadata.tags:(t%d OR t%d)`, r.IntN(500), r.IntN(500)),
		fmt.Sprintf(`user_metadata.plays:[%d TO %d]`, from, from+500),
		fmt.Sprintf(`user_metadata.plays:[%d TO *] AND user_metadata.genre:%s`, from, genre),
		fmt.Sprintf(`user_metadata.since:[20%02d-03 TO 20%02d-05]`, 10+r.IntN(16), 10+r.IntN(16)),
		fmt.Sprintf(`user_metadata.home.city:City\ %d* AND NOT app_metadata.plan.beta:true`, city),
		fmt.Sprintf(`app_metadata.plan.beta:true AND user_metadata.tags:t%d`, r.IntN(500)),
	}[r.IntN(10)]
}

// searches measures a mix of queries on nested metadata, the first page of 50 over HTTP, and a list without a query.
func searches(t *testing.T, w io.Writer) {
	databases := []string{storetest.SQLite}
	if os.Getenv("STAGEDOOR_TEST_POSTGRES") != "" {
		databases = append(databases, storetest.Postgres)
	}
	for _, kind := range databases {
		var o stagedoortest.Options
		if kind == storetest.Postgres {
			o.Database = storetest.Migrated(t, kind)
		}
		s := stagedoortest.New(t, o)
		st, err := s.DB().TenantByID(context.Background(), s.Tenant)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for batch := range slices.Chunk(storetest.Listeners(searchedUsers), 5000) {
			if err := st.CreateUsers(context.Background(), batch); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(w, "%s: adding %d users of 2 KB, indexed\t%.1f s\t\t\t\n", kind, searchedUsers, time.Since(start).Seconds())
		if kind == storetest.Postgres {
			storetest.Settle(t, o.Database)
		}
		token := s.ManagementToken(t)
		r := rand.New(rand.NewPCG(3, 4))
		call := func(query string) time.Duration {
			start := time.Now()
			if err := post(s.Client, "GET", s.HTTPURL+"/api/v2/users?"+query, token, nil, nil); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		for name, query := range map[string]func() string{
			"q on nested metadata": func() string { return "q=" + url.QueryEscape(metadataQuery(r)) },
			"list of 50 users":     func() string { return fmt.Sprintf("page=%d", r.IntN(20)) },
		} {
			var took []time.Duration
			for range 1000 {
				took = append(took, call(query()))
			}
			slices.Sort(took)
			wanted := "p99 < 20 ms"
			if name != "q on nested metadata" {
				wanted = ""
			}
			fmt.Fprintf(w, "%s: %s among %d\tmedian %.1f ms, p99 %.1f ms\t\t\t%s\n", kind, name, searchedUsers, took[500].Seconds()*1000, took[990].Seconds()*1000, wanted)
		}
	}
}
