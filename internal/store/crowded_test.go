package store_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// poorRole makes a role of the database that may have few connections, and returns the database's address for it.
func poorRole(t *testing.T, address, limit string) string {
	t.Helper()
	admin := must(pgx.Connect(t.Context(), address))(t)
	role := "poor_" + stagedoor.NewHexID()
	run := func(statements ...string) {
		for _, one := range statements {
			if _, err := admin.Exec(t.Context(), one); err != nil {
				t.Errorf("%s: %v", one, err)
			}
		}
	}
	run("CREATE ROLE "+role+" LOGIN PASSWORD '"+role+"' CONNECTION LIMIT "+limit, "GRANT ALL ON ALL TABLES IN SCHEMA public TO "+role,
		"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "+role)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		admin := must(pgx.Connect(ctx, address))(t)
		defer admin.Close(ctx)
		for _, one := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := admin.Exec(ctx, one); err != nil {
				t.Errorf("%s: %v", one, err)
			}
		}
	})
	ok(t, admin.Close(t.Context()))
	u := must(url.Parse(address))(t)
	u.User = url.UserPassword(role, role)
	return u.String()
}

// A server that would like more connections than the database gives goes on with those that it has: nobody is refused, and no connection is
// thrown away that works.
func TestFewConnections(t *testing.T) {
	address := storetest.Migrated(t, storetest.Postgres)
	s := storetest.Tenant(t, storetest.OpenURL(t, address), "acme")
	newUser(t, s, "auth0|ada")
	poor := poorRole(t, address, "4")
	var group sync.WaitGroup
	start := make(chan bool)
	server := must(storetest.OpenURL(t, poor).TenantByID(t.Context(), "acme"))(t)
	for range 30 {
		group.Go(func() {
			<-start
			for range 10 {
				if _, err := server.User(t.Context(), "auth0|ada"); err != nil {
					t.Error(err)
					return
				}
				if _, _, err := server.Users(t.Context(), store.UserQuery{PerPage: 10}); err != nil {
					t.Error(err)
					return
				}
				if _, err := server.CountAttempt(t.Context(), stagedoor.Attempts{Identifier: "ada"}, time.Hour); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	close(start)
	group.Wait()
}

// An operator's bound on connections holds, and one is enough for everything.
func TestOneConnection(t *testing.T) {
	address := storetest.Migrated(t, storetest.Postgres)
	s := storetest.Tenant(t, storetest.OpenURL(t, address), "acme")
	newUser(t, s, "auth0|ada")
	db := storetest.OpenURL(t, poorRole(t, address, "2")+"&pool_max_conns=1") // the second one listens
	server := must(db.TenantByID(t.Context(), "acme"))(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := server.UpdateUser(t.Context(), "auth0|ada", func(u *stagedoor.User) error { u.GivenName += "x"; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	ok(t, db.Ready(t.Context()))
	if users, _, err := server.Users(t.Context(), store.UserQuery{PerPage: 10}); err != nil || len(users) != 1 {
		t.Errorf("%d users, error %v", len(users), err)
	}
	if u := must(server.User(t.Context(), "auth0|ada"))(t); len(u.GivenName) != 8 {
		t.Errorf("given name %q", u.GivenName)
	}
}

// A user of the database who may not make tables is told what it takes.
func TestUserWithoutRights(t *testing.T) {
	address := storetest.URL(t, storetest.Postgres)
	db := storetest.OpenURL(t, poorRole(t, address, "4"))
	says(t, db.Migrate(t.Context()), "has to own the database")
}
