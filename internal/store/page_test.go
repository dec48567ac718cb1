package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Whoever takes away what a page has shown finds the rest behind it.
func TestPagesGoOnBehindWhatIsGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con", Name: "Users", Strategy: stagedoor.StrategyDatabase}))
		var users []string
		for i := range 5 {
			users = append(users, fmt.Sprint("auth0|", i))
			ok(t, s.CreateUser(ctx, &stagedoor.User{ID: users[i], Connection: "Users", Email: fmt.Sprint(i, "@x.test")}, ""))
			ok(t, s.CreateOrganization(ctx, &stagedoor.Organization{ID: fmt.Sprint("org_", i), Name: fmt.Sprint("org", i), CreatedAt: 7}, nil))
			ok(t, s.CreateGroup(ctx, &stagedoor.Group{ID: fmt.Sprint("grp_", i), Name: fmt.Sprint(i), ConnectionID: "con"}, nil))
		}
		role := &stagedoor.Role{Name: "r"}
		ok(t, s.CreateRole(ctx, role))
		ok(t, s.AddRoleUsers(ctx, role.ID, users))
		ok(t, s.AddMembers(ctx, "org_4", users))
		must(s.UpdateGroup(ctx, "grp_4", func(*stagedoor.Group) (store.MemberChange, error) { return store.MemberChange{Add: users}, nil }))(t)
		for name, list := range map[string]struct {
			page   func(store.OrganizationQuery) ([]store.Position, error)
			remove func(id string) error
		}{
			"members of an organization": {func(q store.OrganizationQuery) ([]store.Position, error) {
				page, _, err := s.Members(ctx, "org_4", "", q)
				return places(page, func(m stagedoor.Membership) store.Position { return store.Position{At: m.AddedAt, ID: m.UserID} }), err
			}, func(id string) error { return s.RemoveMembers(ctx, "org_4", []string{id}) }},
			"members of a group": {func(q store.OrganizationQuery) ([]store.Position, error) {
				page, err := s.GroupMembers(ctx, "grp_4", q)
				return places(page, func(m stagedoor.GroupMember) store.Position { return store.Position{At: m.AddedAt, ID: m.UserID} }), err
			}, func(id string) error {
				_, err := s.UpdateGroup(ctx, "grp_4", func(*stagedoor.Group) (store.MemberChange, error) {
					return store.MemberChange{Remove: []string{id}}, nil
				})
				return err
			}},
			"users of a role": {func(q store.OrganizationQuery) ([]store.Position, error) {
				page, _, err := s.RoleUsers(ctx, role.ID, q)
				return places(page, func(u store.RoleUser) store.Position { return store.Position{At: u.AddedAt, ID: u.UserID} }), err
			}, func(id string) error { return s.RemoveUserRoles(ctx, id, []string{role.ID}) }},
		} {
			var seen []string
			for q := (store.OrganizationQuery{Take: 2}); ; {
				page, err := list.page(q)
				if ok(t, err); len(page) == 0 {
					break
				}
				for _, p := range page {
					seen = append(seen, p.ID)
					ok(t, list.remove(p.ID))
				}
				q.From = page[len(page)-1]
			}
			if slices.Sort(seen); !slices.Equal(seen, users) {
				t.Errorf("%s: %v", name, seen)
			}
		}
		var seen []string
		for q := (store.OrganizationQuery{Take: 2}); ; {
			page, _, err := s.Organizations(ctx, q)
			if ok(t, err); len(page) == 0 {
				break
			}
			for _, o := range page {
				seen, q.From = append(seen, o.ID), store.Position{At: o.CreatedAt, ID: o.ID}
				ok(t, s.DeleteOrganization(ctx, o.ID))
			}
		}
		if len(seen) != 5 {
			t.Errorf("organizations: %v", seen)
		}
		seen = nil
		for q := (store.GroupQuery{OrganizationQuery: store.OrganizationQuery{Take: 2}}); ; {
			page, _, err := s.Groups(ctx, q)
			if ok(t, err); len(page) == 0 {
				break
			}
			for _, g := range page {
				seen, q.From = append(seen, g.ID), store.Position{At: g.CreatedAt.UnixMilli(), ID: g.ID}
				ok(t, s.DeleteGroup(ctx, g.ID))
			}
		}
		if len(seen) != 5 {
			t.Errorf("groups: %v", seen)
		}
	})
}

func places[T any](page []T, place func(T) store.Position) (out []store.Position) {
	for _, one := range page {
		out = append(out, place(one))
	}
	return out
}
