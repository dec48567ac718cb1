package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Scopes that an API gives up are taken from the people who have them in pieces, so that others can write meanwhile, and from roles in one statement, however many they are. A change that
// is refused takes nothing.
func TestScopesThatGoAreTakenInPieces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		const api = "https://api.test/"
		r := &stagedoor.ResourceServer{Identifier: api, Scopes: []stagedoor.APIScope{{Value: "stays"}}}
		var all []stagedoor.Permission
		for i := range 30 {
			name := fmt.Sprint("goes:", i)
			r.Scopes = append(r.Scopes, stagedoor.APIScope{Value: name})
			all = append(all, stagedoor.Permission{API: api, Name: name})
		}
		ok(t, s.CreateResourceServer(ctx, r))
		role := &stagedoor.Role{Name: "all"}
		ok(t, s.CreateRole(ctx, role))
		ok(t, s.AddRolePermissions(ctx, role.ID, all))
		var rows []store.CarriedUser
		for i := range 17 {
			id := fmt.Sprint(i)
			rows = append(rows, store.CarriedUser{User: &stagedoor.User{
				ID: "auth0|" + id, Connection: "Users", Email: id + "@x.test", CreatedAt: time.Now(), UpdatedAt: time.Now(),
				Identities: []stagedoor.Identity{{Connection: "Users", Provider: "auth0", UserID: id}},
			}})
		}
		must(s.CarryUsers(ctx, rows, false))(t)
		for _, row := range rows {
			ok(t, s.AddUserPermissions(ctx, row.User.ID, append([]stagedoor.Permission{{API: api, Name: "stays"}}, all...)))
		}
		left := func() string {
			return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM user_permissions")[0][0] + " " + store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM role_permissions")[0][0]
		}
		less := func(r *stagedoor.ResourceServer) error { r.Scopes = r.Scopes[:1:1]; return nil }
		refused := stagedoor.Errorf(stagedoor.Invalid, "", "no")
		if _, err := s.UpdateResourceServer(ctx, r.ID, func(r *stagedoor.ResourceServer) error { _ = less(r); return refused }); err == nil || left() != "527 30" {
			t.Errorf("refused: %v, left %s", err, left())
		}
		limited, cancel := context.WithCancel(ctx)
		err := store.AfterWrites(db, 1, cancel, func() error { _, err := s.UpdateResourceServer(limited, r.ID, less); return err })
		if err == nil || left() != "27 30" {
			t.Errorf("interrupted: %v, left %s", err, left())
		}
		if most := store.LargestWrite(db, func() { must(s.UpdateResourceServer(ctx, r.ID, less))(t) }); most > 8 || left() != "17 0" {
			t.Errorf("%d statements in one write, left %s", most, left())
		}
	})
}
