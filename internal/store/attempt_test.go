package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Whoever guesses from many networks makes a row for each: a login reads its own alone, and a list no more than people can look through.
func TestAttemptsOfManyNetworks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		fail := func(connection, place string, times int) {
			for range times {
				_, err := s.CountAttempt(ctx, stagedoor.Attempts{Connection: connection, Identifier: "ada", IP: place}, time.Hour)
				ok(t, err)
			}
		}
		for i := range 1100 {
			fail("Users", fmt.Sprintf("2001:db8:%04x::", i), 1)
		}
		fail("Users", "", 3)
		fail("Staff", "2001:db8:0007::", 4)
		fail("Users", "2001:db8:0007::", 1)
		var got []string
		for _, a := range must(s.AttemptsFrom(ctx, "ada", "Users", "2001:db8:0007::"))(t) {
			got = append(got, fmt.Sprintf("%s %s %s %d", a.Identifier, a.Connection, a.IP, a.Count))
		}
		if len(got) != 2 || got[0] != "ada Users  3" || got[1] != "ada Users 2001:db8:0007:: 2" {
			t.Errorf("%q", got)
		}
		same(t, len(must(s.AttemptsFrom(ctx, "ada", "Other", "2001:db8:0007::"))(t)), 0)
		same(t, len(must(s.Attempts(ctx, 2, "ada", "bob"))(t)), 3)
		same(t, len(must(s.Attempts(ctx, 1, "ada"))(t)), 1000)
	})
}
