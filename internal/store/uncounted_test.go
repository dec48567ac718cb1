package store_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A page is the same whether or not its caller wants to know of how many; what is not wanted is not counted.
func TestPagesThatAreNotCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		furnish(t, s)
		for name, list := range map[string]func(store.OrganizationQuery) (int, int, error){
			"organizations": func(q store.OrganizationQuery) (int, int, error) {
				page, total, err := s.Organizations(ctx, q)
				return len(page), total, err
			},
			"members": func(q store.OrganizationQuery) (int, int, error) {
				page, total, err := s.Members(ctx, "org acme", "", q)
				return len(page), total, err
			},
			"users of a role": func(q store.OrganizationQuery) (int, int, error) {
				page, total, err := s.RoleUsers(ctx, "rol acme", q)
				return len(page), total, err
			},
			"groups": func(q store.OrganizationQuery) (int, int, error) {
				page, total, err := s.Groups(ctx, store.GroupQuery{OrganizationQuery: q})
				return len(page), total, err
			},
			"log events": func(q store.OrganizationQuery) (int, int, error) {
				s.Log(stagedoor.LogEvent{Type: "s"})
				page, total, err := s.Logs(ctx, store.LogQuery{PerPage: q.PerPage, Uncounted: q.Uncounted})
				return len(page), total, err
			},
		} {
			counted, total, err := list(store.OrganizationQuery{PerPage: 1})
			ok(t, err)
			uncounted, none, err := list(store.OrganizationQuery{PerPage: 1, Uncounted: true})
			ok(t, err)
			if counted != 1 || uncounted != 1 || total == 0 || none != 0 {
				t.Errorf("%s: %d of %d, and %d of %d", name, counted, total, uncounted, none)
			}
		}
	})
}
