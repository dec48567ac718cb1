package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// people makes a connection with two users, and roles of the tenant and of an organization that both are members of.
func people(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con", Name: "corp", Strategy: "samlp"}))
	for _, id := range []string{"samlp|corp|ada", "samlp|corp|bob"} {
		ok(t, s.CreateUser(ctx, &stagedoor.User{ID: id, Connection: "corp"}, ""))
	}
	ok(t, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|eve", Connection: "Users", Email: "eve@example.com"}, ""))
	ok(t, s.CreateResourceServer(ctx, &stagedoor.ResourceServer{ID: "rs", Identifier: "api", Scopes: []stagedoor.APIScope{{Value: "read"}, {Value: "write"}}}))
	ok(t, s.CreateOrganization(ctx, &stagedoor.Organization{ID: "org", Name: "org"}, nil))
	ok(t, s.AddMembers(ctx, "org", []string{"samlp|corp|ada", "samlp|corp|bob"}))
	for _, r := range []stagedoor.Role{{ID: "reader", Name: "reader", Type: "tenant"}, {ID: "writer", Name: "writer", Type: "tenant"}, {ID: "owned", Name: "owned", Type: "organization", OwnerID: "org"}} {
		ok(t, s.CreateRole(ctx, &r))
	}
	ok(t, s.AddRolePermissions(ctx, "reader", []stagedoor.Permission{{API: "api", Name: "read"}}))
	ok(t, s.AddRolePermissions(ctx, "writer", []stagedoor.Permission{{API: "api", Name: "write"}}))
}

func roleNames(all []stagedoor.Role) (out []string) {
	for _, r := range all {
		out = append(out, r.Name)
	}
	return out
}

// TestGroupRolesCount gives a group roles, which its members have then, and no longer when they leave.
func TestGroupRolesCount(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		people(t, s)
		ok(t, s.CreateGroup(ctx, &stagedoor.Group{ID: "grp", Name: "Team", ExternalID: "x", ConnectionID: "con"}, []string{"samlp|corp|ada"}))
		ok(t, s.AddGroupRoles(ctx, "grp", "", []string{"reader"}))
		ok(t, s.AddGroupRoles(ctx, "grp", "org", []string{"writer", "owned"}))
		if err := s.AddGroupRoles(ctx, "grp", "", []string{"owned"}); !stagedoor.IsKind(err, stagedoor.Invalid) {
			t.Errorf("a role of an organization everywhere: %v", err)
		}
		ok(t, s.AddUserRoles(ctx, "samlp|corp|bob", []string{"reader"}))
		for user, has := range map[string]bool{"samlp|corp|ada": true, "samlp|corp|bob": true, "auth0|eve": false} {
			if b := must(s.Belongings(ctx, user))(t); b != (store.Belongings{Roles: has}) {
				t.Errorf("%s has %+v", user, b)
			}
			if u, b, err := s.UserWith(ctx, user); err != nil || u.ID != user || b != (store.Belongings{Roles: has}) {
				t.Errorf("%s has %+v: %v %v", user, b, u, err)
			}
		}
		for _, c := range []struct {
			user, org, roles, may string
		}{
			{"samlp|corp|ada", "", `["reader"]`, `["read"]`},
			{"samlp|corp|ada", "org", `["owned","reader","writer"]`, `["write"]`},
			{"samlp|corp|bob", "", `["reader"]`, `["read"]`},
			{"samlp|corp|bob", "org", `["reader"]`, `[]`},
			{"auth0|eve", "org", `null`, `[]`},
		} {
			roles, err := s.RolesFor(ctx, c.user, c.org)
			ok(t, err)
			if got := asText(t, roleNames(roles)); got != c.roles {
				t.Errorf("roles of %s in %q: %s, want %s", c.user, c.org, got, c.roles)
			}
			may, err := s.PermissionsFor(ctx, c.user, c.org, "api")
			ok(t, err)
			if got := asText(t, may); got != c.may {
				t.Errorf("permissions of %s in %q: %s, want %s", c.user, c.org, got, c.may)
			}
		}
		ok(t, s.AddUserRoles(ctx, "samlp|corp|ada", []string{"reader", "writer"}))
		effective, err := s.EffectiveRoles(ctx, "samlp|corp|ada", "")
		ok(t, err)
		if len(effective) != 2 || asText(t, effective[0].Sources) != `["direct","groups"]` || asText(t, effective[1].Sources) != `["direct"]` {
			t.Errorf("effective: %+v", effective)
		}
		granting, err := s.GroupsGranting(ctx, "samlp|corp|ada", "org", "owned")
		ok(t, err)
		if len(granting) != 1 || granting[0].ID != "grp" || granting[0].AddedAt == 0 {
			t.Errorf("granting: %+v", granting)
		}
		_, err = s.UpdateGroup(ctx, "grp", func(*stagedoor.Group) (store.MemberChange, error) {
			return store.MemberChange{Replace: true, Add: []string{"samlp|corp|bob"}}, nil
		})
		ok(t, err)
		if roles, _ := s.RolesFor(ctx, "samlp|corp|ada", "org"); asText(t, roleNames(roles)) != `["reader","writer"]` {
			t.Errorf("who left has still %v", roleNames(roles))
		}
	})
}

// TestGroupsGo deletes what groups hang on, one after the other.
func TestGroupsGo(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		people(t, s)
		create := func() {
			ok(t, s.CreateGroup(ctx, &stagedoor.Group{ID: "grp", Name: "Team", ConnectionID: "con"}, []string{"samlp|corp|ada", "samlp|corp|bob"}))
		}
		create()
		if err := s.CreateGroup(ctx, &stagedoor.Group{Name: "Team", ConnectionID: "con"}, nil); !stagedoor.IsKind(err, stagedoor.Conflict) {
			t.Errorf("a second group of that name: %v", err)
		}
		if err := s.CreateGroup(ctx, &stagedoor.Group{Name: "Other", ConnectionID: "con"}, []string{"auth0|eve"}); !stagedoor.IsKind(err, stagedoor.Invalid) {
			t.Errorf("a member of another connection: %v", err)
		}
		ok(t, s.DeleteUser(ctx, "samlp|corp|bob"))
		members, err := s.GroupMembers(ctx, "grp", store.OrganizationQuery{Take: 10})
		ok(t, err)
		if len(members) != 1 || members[0].UserID != "samlp|corp|ada" {
			t.Errorf("members: %+v", members)
		}
		ok(t, s.AddGroupRoles(ctx, "grp", "", []string{"reader"}))
		ok(t, s.AddGroupRoles(ctx, "grp", "org", []string{"owned"}))
		ok(t, s.DeleteOrganization(ctx, "org"))
		ok(t, s.DeleteRole(ctx, "reader"))
		for _, org := range []string{"", "org"} {
			if roles, err := s.GroupRoles(ctx, "grp", org); err != nil || len(roles) > 0 {
				t.Errorf("roles in %q: %v %v", org, roles, err)
			}
		}
		ok(t, s.DeleteConnection(ctx, "con"))
		if _, err := s.Group(ctx, "grp"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("the group of a connection that is gone: %v", err)
		}
	})
}

// TestSearchGroups: a part of a name is found in any case, also of letters that are not ASCII.
func TestSearchGroups(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		people(t, s)
		for _, name := range []string{"Ärzte 100%", "ΔΟΜΗ", "Büro_West", "Buerozwest"} {
			ok(t, s.CreateGroup(ctx, &stagedoor.Group{Name: name, ConnectionID: "con"}, nil))
		}
		for part, want := range map[string]string{
			"ärzte": "Ärzte 100%", "Ärzte": "Ärzte 100%", "ÄRZTE": "Ärzte 100%", "δομή"[:4]: "ΔΟΜΗ", "ΔΟ": "ΔΟΜΗ", "0%": "Ärzte 100%", "0_": "", "o_w": "Büro_West", "BÜRO": "Büro_West", `\`: "",
		} {
			page, total, err := s.Groups(ctx, store.GroupQuery{Search: part, OrganizationQuery: store.OrganizationQuery{PerPage: 10}})
			ok(t, err)
			var names []string
			for _, g := range page {
				names = append(names, g.Name)
			}
			if got := strings.Join(names, " "); got != want || total != len(page) {
				t.Errorf("%q: %q of %d, not %q", part, got, total, want)
			}
		}
	})
}

// TestProvisionUser makes, takes over, blocks and refuses.
func TestProvisionUser(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		people(t, s)
		row := func(name string) *stagedoor.ProvisionedUser {
			return &stagedoor.ProvisionedUser{ConnectionID: "con", UserName: name, ExternalID: name, Doc: json.RawMessage(`{"userName":"` + name + `"}`)}
		}
		_, err := s.ProvisionUser(ctx, row("Cy"), &stagedoor.User{ID: "samlp|corp|cy", Connection: "corp"}, nil)
		ok(t, err)
		for _, again := range []string{"samlp|corp|cy", "samlp|corp|other"} {
			if _, err := s.ProvisionUser(ctx, row("cY"), &stagedoor.User{ID: again, Connection: "corp"}, func(*stagedoor.User) error { return nil }); !stagedoor.IsKind(err, stagedoor.Conflict) {
				t.Errorf("again as %s: %v", again, err)
			}
		}
		if _, err := s.ProvisionUser(ctx, row("eve"), &stagedoor.User{ID: "auth0|eve", Connection: "corp"}, nil); !stagedoor.IsKind(err, stagedoor.Conflict) {
			t.Errorf("a user of another connection: %v", err)
		}
		access(t, s, "samlp|corp|ada", time.Now().Add(time.Hour))
		u, err := s.ProvisionUser(ctx, row("ada"), &stagedoor.User{ID: "samlp|corp|ada", Connection: "corp"}, func(u *stagedoor.User) error { u.Name = "Ada"; return nil })
		ok(t, err)
		if u.Name != "Ada" {
			t.Errorf("taken over: %+v", u)
		}
		_, _, err = s.UpdateProvisionedUser(ctx, "con", "samlp|corp|ada", func(_ *stagedoor.ProvisionedUser, u *stagedoor.User) error {
			blocked := true
			u.Blocked = &blocked
			return nil
		})
		ok(t, err)
		if left, err := s.UserRefreshTokens(ctx, "samlp|corp|ada"); err != nil || len(left) > 0 {
			t.Errorf("refresh tokens of who is blocked: %v %v", left, err)
		}
		page, users, total, err := s.ProvisionedUsers(ctx, store.ProvisionedQuery{ConnectionID: "con", UserName: "CY", Take: 5})
		ok(t, err)
		if total != 1 || len(page) != 1 || users["samlp|corp|cy"] == nil {
			t.Errorf("by name: %d %v %v", total, page, users)
		}
		ok(t, s.DeleteUser(ctx, "samlp|corp|cy"))
		if _, _, err := s.ProvisionedUser(ctx, "con", "samlp|corp|cy"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("who is deleted: %v", err)
		}
	})
}

func asText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	ok(t, err)
	return string(b)
}

// However many members come and go at once, each is told of once, in the order in which they were named.
func TestManyMembersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		people(t, s)
		g := &stagedoor.Group{ID: "grp", ConnectionID: "con", Name: "all"}
		ok(t, s.CreateGroup(ctx, g, []string{"samlp|corp|bob", "samlp|corp|ada", "samlp|corp|bob"}))
		members := func() (out []string) {
			for _, m := range must(s.GroupMembers(ctx, "grp", store.OrganizationQuery{}))(t) {
				out = append(out, m.UserID)
			}
			return out
		}
		change := func(c store.MemberChange) error {
			_, err := s.UpdateGroup(ctx, "grp", func(*stagedoor.Group) (store.MemberChange, error) { return c, nil })
			return err
		}
		same(t, members(), []string{"samlp|corp|ada", "samlp|corp|bob"})
		for _, stranger := range []string{"auth0|eve", "samlp|corp|nobody", "samlp|corp|a\x00b"} {
			if err := change(store.MemberChange{Add: []string{"samlp|corp|ada", stranger}}); !stagedoor.HasCode(err, "invalid_member") {
				t.Errorf("%q: %v", stranger, err)
			}
		}
		ok(t, change(store.MemberChange{Remove: []string{"samlp|corp|ada", "samlp|corp|a\x00b", "samlp|corp|ada", "nobody"}}))
		same(t, members(), []string{"samlp|corp|bob"})
		ok(t, change(store.MemberChange{Replace: true, Add: []string{"samlp|corp|ada"}}))
		same(t, members(), []string{"samlp|corp|ada"})
		ok(t, change(store.MemberChange{Replace: true}))
		same(t, len(members()), 0)
	})
}

// What many people have goes with its role, its organization, its group and its API, however many they are.
func TestManyGoAlong(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		people(t, s)
		var ids []string
		for i := range 1100 {
			id := fmt.Sprintf("samlp|corp|%04d", i)
			ok(t, s.CreateUser(ctx, &stagedoor.User{ID: id, Connection: "corp"}, ""))
			ids = append(ids, id)
		}
		ok(t, s.CreateGroup(ctx, &stagedoor.Group{ID: "grp", ConnectionID: "con", Name: "all"}, ids))
		ok(t, s.AddRoleUsers(ctx, "reader", ids))
		ok(t, s.AddMembers(ctx, "org", ids))
		for _, id := range ids[:600] {
			ok(t, s.AddMemberRoles(ctx, "org", id, []string{"reader"}))
			ok(t, s.AddUserPermissions(ctx, id, []stagedoor.Permission{{API: "api", Name: "write"}}))
		}
		one := ids[3]
		ok(t, s.DeleteRole(ctx, "reader"))
		same(t, len(must(s.UserRoles(ctx, one))(t))+len(must(s.MemberRoles(ctx, "org", one))(t)), 0)
		same(t, must(s.IsMember(ctx, "org", one))(t), true)
		ok(t, s.DeleteOrganization(ctx, "org"))
		same(t, must(s.IsMember(ctx, "org", one))(t), false)
		ok(t, s.DeleteGroup(ctx, "grp"))
		same(t, len(must(s.UserGroups(ctx, one))(t)), 0)
		same(t, len(must(s.UserPermissions(ctx, one))(t)), 1)
		ok(t, s.DeleteResourceServer(ctx, "rs"))
		same(t, len(must(s.UserPermissions(ctx, one))(t)), 0)
	})
}
