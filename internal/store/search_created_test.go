package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// The beginning of a time finds what begins so and nothing else, however the search runs: of users and of log events.
func TestSearchBeginningOfTime(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		store.SmallSearch(db) // sixty users are many
		s := storetest.Tenant(t, db, "acme")
		start := clock.now
		first := time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)
		for i := range 60 {
			clock.now = first.Add(time.Duration(i) * time.Minute)
			ok(t, s.CreateUser(t.Context(), &stagedoor.User{ID: fmt.Sprintf("auth0|%02d", i), Connection: "Users", Email: fmt.Sprintf("u%d@example.com", i)}, ""))
		}
		clock.now = start // events are written beside the test, which reads the clock
		for i := range 60 {
			s.Log(stagedoor.LogEvent{Date: first.Add(time.Duration(i) * time.Minute), Type: "s", UserID: fmt.Sprint("auth0|", i)})
		}
		for text, want := range map[string]int{
			"2026*": 30, "2026-12*": 30, "2026-12-31T23:3*": 10, "2026-12-31T23:5*": 10, "2027*": 30, "202*": 60, "2*": 60, "2027-01-01T00:0*": 10, "x*": 0, "2026-12-31T23:59:00.000*": 1,
			"2026-13*": 0, "1*": 0,
		} {
			for _, path := range []string{"created_at", "date"} {
				node, err := lucene.Parse(path + ":" + strings.ReplaceAll(text, ":", `\:`))
				ok(t, err)
				if path == "created_at" {
					where := must(store.UserSchema.Compile(node))(t)
					for _, desc := range []bool{false, true} {
						users, total, err := s.Users(t.Context(), store.UserQuery{Where: where, PerPage: 100, Descending: desc})
						if err != nil || len(users) != want || total != want {
							t.Errorf("%s: %d of %d users, want %d: %v", text, len(users), total, want, err)
						}
					}
					continue
				}
				where := must(store.LogSchema.Compile(node))(t)
				events, total, err := s.Logs(t.Context(), store.LogQuery{Where: where, PerPage: 100})
				if err != nil || len(events) != want || total != want {
					t.Errorf("logs, %s: %d of %d, want %d: %v", text, len(events), total, want, err)
				}
			}
		}
	}, storetest.WithClock(clock.clock))
}
