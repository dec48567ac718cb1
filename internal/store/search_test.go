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

	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var (
	searches   = flag.Int("searches", 500, "pairs of data and query that TestSearch tries on each database")
	searchSeed = flag.Uint64("searchseed", 0, "seed of TestSearch; 0: of the time")
)

// searchesPerSet is how many queries TestSearch asks of one set of data.
const searchesPerSet = 250

// Whatever the data and the query: both databases find what a naive evaluator finds, in the same order, and count the same, on
// any page.
func TestSearch(t *testing.T) {
	clock := newClock()
	seed := *searchSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		start, told := time.Now(), time.Now()
		hits, refused := 0, 0
		for set := range uint64((*searches + searchesPerSet - 1) / searchesPerSet) {
			store.SmallSearch(db)
			r := random{rand.New(rand.NewPCG(seed, set))}
			if set%4 == 3 {
				store.UsualSearch(db)
			}
			s := storetest.Tenant(t, db, fmt.Sprint("t", set))
			all := fill(t, s, r, clock, 5+r.IntN(60))
			for range min(searchesPerSet, *searches) {
				n, fine := compareSearch(t, s, r, all)
				if hits += n; !fine {
					refused++
				}
				if t.Failed() {
					t.Fatalf("seed %d, data set %d", seed, set)
				}
			}
			ok(t, db.DeleteTenant(t.Context(), s.Tenant().ID, nil))
			if time.Since(told) > 10*time.Second {
				told = time.Now()
				fmt.Printf("%s: %d of %d pairs agree\n", t.Name(), (set+1)*searchesPerSet, *searches)
			}
		}
		t.Logf("%d pairs agree, %d hits in all, %d queries too short to be asked, in %s", *searches, hits, refused, time.Since(start).Round(time.Millisecond))
		if refused > *searches/10 || hits < *searches {
			t.Error("the queries ask too little")
		}
	}, storetest.WithClock(clock.clock))
}

var sorts = []string{
	"", "", "", "created_at", "email", "email_verified", "username", "name", "nickname", "given_name", "family_name", "user_id", "phone_number", "phone_verified", "blocked", "updated_at", "last_login",
	"last_ip", "logins_count", "last_password_reset",
}

// compareSearch compares one query, and returns how many users it has to find and whether it could be asked.
func compareSearch(t *testing.T, s *store.Store, r random, all []*naive) (int, bool) {
	t.Helper()
	a := r.query(3)
	node, err := lucene.Parse(a.text)
	if err != nil {
		t.Errorf("%s: %v", a.text, err)
		return 0, false
	}
	where, err := store.UserSchema.Compile(node)
	if err != nil {
		if !strings.Contains(err.Error(), "leading wildcard") {
			t.Errorf("%s: %v", a.text, err)
		}
		return 0, false
	}
	uq := store.UserQuery{Where: where, Sort: r.of(sorts...), Descending: r.IntN(3) == 0, Explain: &store.Explanation{}, NoTotal: r.IntN(4) == 0}
	ids := naively(all, a.holds, uq.Sort, uq.Descending)
	uq.PerPage = 1 + r.IntN(12)
	uq.Page = r.IntN(2 + len(ids)/uq.PerPage)
	want := ids[min(uq.Page*uq.PerPage, len(ids)):min((uq.Page+1)*uq.PerPage, len(ids))]
	users, total, err := s.Users(t.Context(), uq)
	got := []string{}
	for _, u := range users {
		got = append(got, u.ID)
	}
	if err != nil || total != len(ids) && !uq.NoTotal || !slices.Equal(got, want) {
		why, _ := json.MarshalIndent(uq.Explain, "", " ")
		t.Errorf("q=%s\n%q\nsort %q, descending %v, page %d of %d\n got %d %q, error %v\nwant %d %q\n%s", a.text, a.text, uq.Sort, uq.Descending, uq.Page, uq.PerPage, total, got, err, len(ids), want, why)
	}
	return len(ids), true
}
