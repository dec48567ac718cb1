package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestSearchWalksTheRarerValue: of two values, the one that fewer have is walked, and counted, in whichever order they are asked for: a page of the other one
// may lie behind most of its rows.
func TestSearchWalksTheRarerValue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		store.SmallSearch(db)
		s := storetest.Tenant(t, db, "acme")
		const often, seldom = 40, 6
		for i := range often {
			u := &stagedoor.User{
				ID: fmt.Sprintf("auth0|%02d", i), Connection: "Users", Email: fmt.Sprintf("u%d@example.com", i),
				Identities:   []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: fmt.Sprintf("%02d", i)}},
				UserMetadata: stagedoor.Metadata{"genre": json.RawMessage(`"opera"`)},
			}
			if i >= often-seldom {
				u.UserMetadata["city"] = json.RawMessage(`"Oulu"`)
			}
			u.FillDefaults()
			if err := s.CreateUser(t.Context(), u, ""); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range []string{"user_metadata.genre:opera AND user_metadata.city:Oulu", "user_metadata.city:Oulu AND user_metadata.genre:opera"} {
			node, err := lucene.Parse(q)
			if err != nil {
				t.Fatal(err)
			}
			where, err := store.UserSchema.Compile(node)
			if err != nil {
				t.Fatal(err)
			}
			why := &store.Explanation{}
			users, total, err := s.Users(t.Context(), store.UserQuery{Where: where, PerPage: 3, Explain: why})
			if err != nil || len(users) != 3 || total != seldom {
				t.Fatalf("%s: %d users of %d, %v", q, len(users), total, err)
			}
			if len(why.Plan) == 0 || !strings.HasPrefix(why.Plan[0], "walk user_metadata.city") || !strings.HasPrefix(why.Total, "the places were counted") {
				t.Errorf("%s: %q, total: %s", q, why.Plan, why.Total)
			}
		}
	})
}
