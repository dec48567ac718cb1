package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A search reads few users at once where they have much metadata, of which people may write a megabyte each; what it finds is the same.
func TestSearchOfLargeUsers(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
	const users = 300
	for i := range users {
		ok(t, s.CreateUser(ctx, &stagedoor.User{
			ID: fmt.Sprintf("auth0|%03d", i), Connection: "Users", Email: fmt.Sprintf("u%03d@x.test", users-i),
			UserMetadata: stagedoor.Metadata{"plan": []byte(`"gold"`), "much": []byte(`"` + strings.Repeat("x", 1000) + `"`)},
		}, ""))
	}
	for _, text := range []string{"user_metadata.plan:gold", "user_metadata.much:*xxx* AND user_metadata.plan:gold"} {
		node, err := lucene.Parse(text)
		ok(t, err)
		where := must(store.UserSchema.Compile(node))(t)
		for _, sort := range []string{"", "email"} {
			var page []stagedoor.User
			total := 0
			most := store.MostIDs(db, 10_000, func() {
				page, total, err = s.Users(ctx, store.UserQuery{Where: where, Page: 2, PerPage: 50, Sort: sort})
				ok(t, err)
			})
			first := "u200@x.test"
			if sort == "email" {
				first = "u101@x.test"
			}
			if most > 100 || total != users || len(page) != 50 || page[0].Email != first || len(page[0].UserMetadata["much"]) != 1002 {
				t.Errorf("%s by %q: %d at once, %d users of %d, %q first", text, sort, most, len(page), total, page[0].Email)
			}
		}
	}
}
