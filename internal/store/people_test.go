package store_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// ofTheTenant finds steps of a plan on SQLite that read what belongs to all of a tenant, in tables that have many rows of many people.
var ofTheTenant = regexp.MustCompile(`(?m)^SEARCH (u|g|m|o|t|r|x|p|users|device_credentials|client_grants|sessions|user_roles|user_permissions|organization_member_roles|grants|refresh_tokens|access_tokens|linked_identities|authentication_methods|group_members|organization_members)\b.* \(tenant=\?\)$|^SEARCH linked_identities .*\(tenant=\? AND connection=\?\)$`)

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
		must(s.CountUserSessions(ctx, user))(t)
		must(s.UserGrants(ctx, user, ""))(t)
		grantsOf(t, s, user, "", "")
		must(s.UsersByEmail(ctx, "new@x.test"))(t)
		_, _, _ = s.UserByLinked(ctx, "Users", "new@x.test")
		devicesOf(t, s, user, "")
		devicesOf(t, s, user, "app")
		must(s.AuthenticationMethods(ctx, user))(t)
		must(s.AddFactor(ctx, user, &stagedoor.AuthenticationMethod{Type: store.TypePasskey, KeyID: "key"}, nil))(t)
		_, _, _ = s.KeyOwner(ctx, "key")
		ok(t, s.DeleteUserGrants(ctx, user))
		ok(t, s.DeleteGrant(ctx, "none"))
		ok(t, s.DeleteUser(ctx, "auth0|new"))
	}) {
		if strings.HasPrefix(text, "SELECT") && strings.Contains(plan, "role_permissions_api") {
			t.Errorf("%s\n%s", text, plan)
		}
		if found := ofTheTenant.FindString(plan); found != "" {
			t.Errorf("%s\n%s", text, found)
		}
	}
}

// What is one client's, one API's or one organization's is found, and deleted with it, without reading what is all of the tenant's.
func TestOneClientIsFoundAmongMany(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
	furnish(t, s)
	for text, plan := range store.PlansOf(t, db, func() {
		grantsOf(t, s, "", "app", "")
		grantsOf(t, s, "", "", "https://api.test/")
		devicesOf(t, s, "", "app")
		must(s.ClientGrantOrganizations(ctx, "cgr_1"))(t)
		must(s.OrganizationGrants(ctx, "org_1"))(t)
		for _, oldestFirst := range []bool{false, true} {
			must(s.Invitations(ctx, "org_1", oldestFirst, store.OrganizationQuery{PerPage: 10}))(t)
		}
		must(s.RevokeRefreshTokens(ctx, store.RefreshTokensOf{ClientID: "app"}))(t)
		ok(t, s.DeleteClient(ctx, "app"))
		ok(t, s.DeleteResourceServer(ctx, "none"))
		for _, missing := range []error{s.DeleteRole(ctx, "none"), s.DeleteOrganization(ctx, "none"), s.DeleteGroup(ctx, "none")} {
			if !stagedoor.IsKind(missing, stagedoor.NotFound) {
				t.Errorf("%v", missing)
			}
		}
	}) {
		if strings.Contains(text, " OFFSET ?") && strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("a page is sorted: %s\n%s", text, plan)
		}
		if found := ofTheTenant.FindString(plan); found != "" {
			t.Errorf("%s\n%s", text, found)
		}
	}
}

// What goes along with something is found by an index that has all columns of the reference.
func TestReferencesHaveAnIndex(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	for text, plan := range store.ReferencePlans(t, db) {
		if strings.Contains(text, " AND ") && (!strings.HasPrefix(plan, "SEARCH") || strings.HasSuffix(plan, "(tenant=?)")) {
			t.Errorf("%s\n%s", text, plan)
		}
	}
}

// A search with organizations reads those of the people that it has found.
func TestOrganizationsOfAPageAreFoundByTheirMembers(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
	furnish(t, s)
	for text, plan := range store.PlansOf(t, db, func() {
		must(store.OrganizationsOf(ctx, s, []string{"auth0|acme"}))(t)
	}) {
		if strings.HasSuffix(strings.SplitN(plan, "\n", 2)[0], "(tenant=?)") {
			t.Errorf("%s\n%s", text, plan)
		}
	}
}

// grantsOf are those of the first page.
func grantsOf(t testing.TB, s *store.Store, user, client, audience string) []stagedoor.Grant {
	t.Helper()
	page, _, err := s.Grants(t.Context(), user, client, audience, store.OrganizationQuery{PerPage: 10})
	ok(t, err)
	return page
}

func devicesOf(t testing.TB, s *store.Store, user, client string) []stagedoor.DeviceCredential {
	t.Helper()
	page, _, err := s.DeviceCredentials(t.Context(), user, client, store.OrganizationQuery{PerPage: 10})
	ok(t, err)
	return page
}

// The client that stands for the tenant is found without the documents of the others.
func TestTheGlobalClientIsFoundAmongMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		for text, plan := range store.PlansOf(t, db, func() { _, _ = s.GlobalClient(ctx) }) {
			if strings.Contains(text, "FROM clients") && !strings.Contains(plan, "clients_global") {
				t.Errorf("%s\n%s", text, plan)
			}
		}
	})
}

// Whether something is signed with PS256 is known without the documents of all clients and APIs.
func TestWhatSignsPS256IsFoundAmongMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s, other := t.Context(), storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "app", Name: "App"}))
		ok(t, s.CreateResourceServer(ctx, &stagedoor.ResourceServer{ID: "songs", Identifier: "https://songs.example", SigningAlgorithm: "RS256"}))
		for text, plan := range store.PlansOf(t, db, func() { must(s.SignsPS256(ctx))(t) }) {
			if strings.Contains(text, "PS256") && (!strings.Contains(plan, "clients_ps256") || !strings.Contains(plan, "resource_servers_ps256")) {
				t.Errorf("%s\n%s", text, plan)
			}
		}
		signs := func(want bool) {
			t.Helper()
			for _, s := range []*store.Store{s, other} {
				if got := must(s.SignsPS256(ctx))(t); got != (want && s != other) {
					t.Errorf("%s: %t", s.Tenant().ID, got)
				}
			}
		}
		client := func(change func(*stagedoor.Client)) {
			must(s.UpdateClient(ctx, "app", func(c *stagedoor.Client) error { change(c); return nil }))(t)
		}
		api := func(alg string) {
			must(s.UpdateResourceServer(ctx, "songs", func(rs *stagedoor.ResourceServer) error { rs.SigningAlgorithm = alg; return nil }))(t)
		}
		signs(false)
		api("PS256")
		signs(true)
		api("RS256")
		signs(false)
		client(func(c *stagedoor.Client) { c.JWTConfiguration.Algorithm = "PS256" })
		signs(true)
		client(func(c *stagedoor.Client) {
			c.JWTConfiguration.Algorithm, c.Stored = "", map[string]json.RawMessage{"userinfo_signed_response_alg": json.RawMessage(`"PS256"`)}
		})
		signs(true)
		client(func(c *stagedoor.Client) { c.Stored = nil })
		signs(false)
	})
}

// What of a family of refresh tokens can still be used is found without all those that were superseded: each rotation leaves one.
func TestUsableTokensAreFoundAmongMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		newUser(t, s, "auth0|ada")
		token := func(i int) string { return fmt.Sprint("token ", i) }
		ok(t, s.CreateRefreshToken(ctx, token(0), &stagedoor.RefreshToken{ID: "rt", FamilyID: "family", UserID: "auth0|ada", ClientID: "app", Counter: 1}))
		mine := func(*stagedoor.RefreshToken) bool { return true }
		for i := range 5 {
			must(s.RotateRefreshToken(ctx, token(i), token(i+1), nil, time.Hour, 0))(t)
		}
		looked := 0
		for text, plan := range store.PlansOf(t, db, func() {
			must(s.ChangeRefreshTokens(ctx, "rt", func(t *stagedoor.RefreshToken) error { t.Metadata = map[string]any{"a": "b"}; return nil }))(t)
			must(s.PresentRefreshToken(ctx, token(4), time.Hour, mine))(t)
		}) {
			if !strings.Contains(text, "MAX(counter)") {
				continue
			}
			looked++
			for line := range strings.Lines(plan) {
				if line = strings.TrimSpace(line); strings.HasSuffix(line, "USING INDEX refresh_tokens_family (tenant=? AND family=?)") {
					t.Errorf("%s\n%s", text, plan)
				}
			}
			if !strings.Contains(plan, "refresh_tokens_unused") {
				t.Errorf("%s\n%s", text, plan)
			}
		}
		if looked != 2 {
			t.Errorf("%d statements were looked at", looked)
		}
		for i, changed := range []bool{false, false, false, false, true, true} {
			if now := must(s.RefreshToken(ctx, token(i)))(t); (now.Metadata != nil) != changed {
				t.Errorf("token %d: %v", i, now.Metadata)
			}
		}
	})
}
