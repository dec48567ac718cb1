package store_test

import (
	"regexp"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// ofTheTenant finds steps of a plan on SQLite that read what belongs to all of a tenant, in tables that have many rows of many people.
var ofTheTenant = regexp.MustCompile(`(?m)^SEARCH (m|o|t|r|x|p|sessions|user_roles|user_permissions|organization_member_roles|grants|refresh_tokens|access_tokens|linked_identities|authentication_methods|group_members|organization_members)\b.* \(tenant=\?\)$`)

// What is asked of one person, in a login, on the account page or by its id, is found without reading everybody's.
func TestOnePersonIsFoundAmongMany(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
	furnish(t, s)
	const user = "auth0|acme"
	for text, plan := range store.PlansOf(t, db, func() {
		ok(t, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|new", Connection: "Users", Email: "new@x.test"}, ""))
		must(s.UserGroups(ctx, user))(t)
		must(s.GroupsOf(ctx, []string{user, "auth0|new"}))(t)
		must(s.UserOrganizations(ctx, user))(t)
		must(s.Belongings(ctx, user))(t)
		must(s.RolesFor(ctx, user, "org_1"))(t)
		must(s.PermissionsFor(ctx, user, "", "https://api.test/"))(t)
		must(s.PermissionsFor(ctx, user, "org_1", "https://api.test/"))(t)
		must(s.UserPermissions(ctx, user))(t)
		must(s.EffectiveRoles(ctx, user, ""))(t)
		must(s.EffectivePermissions(ctx, user, "https://api.test/"))(t)
		must(s.UserSessions(ctx, user))(t)
		must(s.Grants(ctx, user, "", ""))(t)
		must(s.AuthenticationMethods(ctx, user))(t)
		must(s.AddFactor(ctx, user, &stagedoor.AuthenticationMethod{Type: store.TypePasskey, KeyID: "key"}, nil))(t)
		_, _, _ = s.KeyOwner(ctx, "key")
		ok(t, s.DeleteUserGrants(ctx, user))
		ok(t, s.DeleteGrant(ctx, "none"))
		ok(t, s.DeleteUser(ctx, "auth0|new"))
	}) {
		if found := ofTheTenant.FindString(plan); found != "" {
			t.Errorf("%s\n%s", text, found)
		}
	}
}
