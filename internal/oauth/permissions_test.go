package oauth

import (
	"testing"

	"github.com/stagedoor/stagedoor"
)

// A person's scopes at an API that enforces roles are those that their roles and they themselves have, now: a refresh looks again.
func TestPermissionsDecideScopes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		permission := func(name string) []stagedoor.Permission {
			return []stagedoor.Permission{{API: apiAudience, Name: name}}
		}
		editor := &stagedoor.Role{Name: "Editor", Type: stagedoor.RoleOfTenant}
		ok(t, w.st.CreateRole(ctx, editor))
		ok(t, w.st.AddRolePermissions(ctx, editor.ID, permission("edit:songs")))
		ok(t, w.st.AddUserRoles(ctx, ada, []string{editor.ID}))
		w.rule(`function (user, context, callback) { context.idToken['https://a.test/roles'] = context.authorization.roles; callback(null, user, context); }`)
		w.api(func(rs *stagedoor.ResourceServer) { rs.EnforcePolicies, rs.TokenDialect = true, "access_token_authz" })

		login := func() *tokenAnswer {
			return w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid offline_access read:songs edit:songs")).got().Get("code")).good()
		}
		a := login()
		same(t, "by a role", []any{a.Scope, w.claims(a.AccessToken)["permissions"], w.claims(a.IDToken)["https://a.test/roles"]},
			[]any{"openid offline_access edit:songs", []string{"edit:songs"}, []string{"Editor"}})

		ok(t, w.st.AddUserPermissions(ctx, ada, permission("read:songs")))
		a = login()
		same(t, "by both", []any{a.Scope, w.claims(a.AccessToken)["permissions"]}, []any{"openid offline_access read:songs edit:songs", []string{"edit:songs", "read:songs"}})
		narrow := w.redeem(site, w.browser().login(request(site, "audience", apiAudience, "scope", "openid")).got().Get("code")).good()
		same(t, "whatever is asked for", w.claims(narrow.AccessToken)["permissions"], []string{"edit:songs", "read:songs"})

		ok(t, w.st.RemoveUserRoles(ctx, ada, []string{editor.ID}))
		next := w.refresh(site, a.RefreshToken).good()
		same(t, "after the role is gone", []any{next.Scope, w.claims(next.AccessToken)["permissions"], w.claims(next.IDToken)["https://a.test/roles"]},
			[]any{"openid offline_access read:songs", []string{"read:songs"}, []any{}})

		w.api(func(rs *stagedoor.ResourceServer) {
			rs.EnforcePolicies, rs.TokenDialect = false, "rfc9068_profile_authz"
		})
		a = login()
		same(t, "not enforced", []any{a.Scope, w.claims(a.AccessToken)["permissions"]}, []any{"openid offline_access read:songs edit:songs", []string{"read:songs"}})

		w.api(func(rs *stagedoor.ResourceServer) { rs.EnforcePolicies = true })
		w.rule(`function (user, context, callback) { context.accessToken.scope = ['openid', 'edit:songs']; callback(null, user, context); }`)
		same(t, "a rule's word", login().Scope, "openid edit:songs")
	})
}
