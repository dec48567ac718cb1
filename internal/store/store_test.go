package store_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// newUser adds a user to the connection "Users".
func newUser(t testing.TB, s *store.Store, id string) *stagedoor.User {
	t.Helper()
	u := &stagedoor.User{
		ID: id, Connection: "Users", Email: id[len("auth0|"):] + "@example.com",
		Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: id[len("auth0|"):]}},
	}
	u.FillDefaults()
	if err := s.CreateUser(t.Context(), u, ""); err != nil {
		t.Fatalf("creating %s: %v", id, err)
	}
	return u
}

func TestMigrateTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		newUser(t, s, "auth0|ada")
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.CheckMigrated(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.User(t.Context(), "auth0|ada"); err != nil {
			t.Fatal(err)
		}
	})
}
