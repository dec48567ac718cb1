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

// TestSlowTotalsAreEstimated: a total that takes too long to count is an estimate that says so, with its margin, where that will do; of few users it is exact all
// the same, as all are asked.
func TestSlowTotalsAreEstimated(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) { slowTotals(t, kind) })
	}
}

func slowTotals(t *testing.T, kind string) {
	db := storetest.Open(t, kind)
	s, few := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "globex")
	for i := range 200 {
		u := &stagedoor.User{
			ID: fmt.Sprintf("auth0|%03d", i), Connection: "Users", Email: fmt.Sprintf("u%d@example.com", i), Name: []string{"odd", "even"}[i%2],
			Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprintf("%03d", i)}},
		}
		u.FillDefaults()
		ok(t, s.CreateUser(t.Context(), u, ""))
		if i < 30 {
			ok(t, few.CreateUser(t.Context(), u, ""))
		}
	}
	count := func(s *store.Store, q string, estimate bool) (store.Total, string) {
		t.Helper()
		where := must(store.UserSchema.Compile(must(lucene.Parse(q))(t)))(t)
		why := &store.Explanation{}
		_, total, err := s.UserTexts(t.Context(), store.UserQuery{Where: where, Estimate: estimate, Explain: why})
		ok(t, err)
		return total, why.Total
	}
	store.SlowTotals(db, time.Nanosecond)
	if kind == storetest.Postgres {
		store.SlowTotals(db, 50*time.Millisecond)
		defer store.Hold(t, db, "LOCK TABLE attr IN ACCESS EXCLUSIVE MODE")() // nothing is counted in it, and the estimate does without
	}
	for q, want := range map[string]store.Total{
		"name:[eva TO evz]": {Count: 100, Estimated: true, Margin: 15}, // every other user: so of each block
		"name:[a TO b]":     {Count: 0, Estimated: true, Margin: 15},   // three of the forty who were asked might have matched
	} {
		if got, how := count(s, q, true); got != want || !strings.HasPrefix(how, "40 of 200 users were asked") {
			t.Errorf("%s: %+v (%s), want %+v", q, got, how, want)
		}
	}
	if got, how := count(few, "name:[eva TO evz]", true); got != (store.Total{Count: 15}) || !strings.HasPrefix(how, "30 of 30 users were asked") {
		t.Errorf("of few: %+v (%s)", got, how)
	}
	if kind == storetest.Postgres {
		return
	}
	if got, how := count(s, "name:[eva TO evz]", false); got != (store.Total{Count: 100}) || strings.Contains(how, "asked") {
		t.Errorf("where an estimate will not do: %+v (%s)", got, how)
	}
}

// TestEstimatesSayHowFarOffTheyMayBe: nearly all of many estimates are off by no more than their margin.
func TestEstimatesSayHowFarOffTheyMayBe(t *testing.T) {
	s := storetest.Tenant(t, storetest.Open(t, storetest.SQLite), "acme")
	const all = 400
	for i := range all {
		u := &stagedoor.User{
			ID: fmt.Sprintf("auth0|%03d", i), Connection: "Users", Email: fmt.Sprintf("u%d@example.com", i), Name: []string{"no", "yes"}[min(i*i%all/303, 1)],
			Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprintf("%03d", i)}},
		}
		u.FillDefaults()
		ok(t, s.CreateUser(t.Context(), u, ""))
	}
	where := must(store.UserSchema.Compile(must(lucene.Parse("name:[yes TO yet]"))(t)))(t)
	_, exact, err := s.Users(t.Context(), store.UserQuery{Where: where})
	ok(t, err)
	store.SlowTotals(store.DBOf(s), time.Nanosecond)
	within, sum := 0, 0
	for range 200 {
		_, got, err := s.UserTexts(t.Context(), store.UserQuery{Where: where, Estimate: true})
		ok(t, err)
		if sum += got.Count; !got.Estimated {
			t.Fatalf("%+v", got)
		}
		if off := got.Count - exact; max(off, -off) <= got.Margin {
			within++
		}
	}
	if mean := float64(sum) / 200; within < 160 || mean < 0.85*float64(exact) || mean > 1.15*float64(exact) {
		t.Errorf("%d of 200 estimates of %d are within their margin, %.1f on average", within, exact, mean)
	}
}
