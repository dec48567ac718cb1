package myorg_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/token"
)

// Whose token opens the API: a member's, for an organization, through a client that is for it, with what their roles there permit.
func TestTokens(t *testing.T) {
	each(t, func(w *world) {
		w.call("", "GET", "/details", "").fails(401, "A0E-401-0002", "Missing authorization header")
		w.call(w.ManagementToken(t), "GET", "/details", "").fails(401, "A0E-401-0003", "The token is not an access token for the My Organization API.")
		access := w.token("read:my_org:details", "nonsense")
		w.call(access, "GET", "/details", "").is(200, `{"id":"`+w.org.ID+`","name":"acme","display_name":"ACME","metadata":null}`)
		w.call(access, "PATCH", "/details", `{"name":"x"}`).fails(403, "A0E-403-0002", "The token lacks the scope update:my_org:details.")
		w.call(access, "GET", "/nothing", "").is(404, `{"title":"Not Found"}`)
		w.same("no role, no scopes", w.signIn("bob@example.com", w.org.ID)["scope"], "")
		none := w.signIn("ada@example.com", "")
		if access, _ := none["access_token"].(string); access != "" {
			w.call(access, "GET", "/details", "").is(403, "")
		}
		w.same("of another organization", w.signIn("ada@example.com", w.other.ID)["access_token"], nil)

		w.ok(w.st.RemoveMembers(t.Context(), w.org.ID, []string{w.admin}))
		w.call(access, "GET", "/details", "").fails(403, "A0E-403-0001", "The user is no member of the organization.")
		w.ok(w.st.AddMembers(t.Context(), w.org.ID, []string{w.admin}))
		first := func(is bool) {
			_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error { c.IsFirstParty = is; return nil })
			w.ok(err)
		}
		first(false)
		w.call(access, "GET", "/details", "").is(409, `{"title":"Configuration issue"}`)
		first(true)
		w.call(access, "GET", "/details", "").is(200, "")
		w.configure(`null`)
		w.call(access, "GET", "/details", "").is(409, `{"title":"Configuration issue","type":"https://auth0.com/api-errors#A0E-409-0001"}`)
		w.configure(`{"allowed_strategies":[],"connection_deletion_behavior":"allow"}`)
		w.ok(w.st.DeleteOrganization(t.Context(), w.org.ID))
		w.call(access, "GET", "/details", "").fails(404, "A0E-404-0002", "The organization does not exist.")
	})
}

// An API of a tenant's own that happens to have the identifier is not this one.
func TestOtherAPI(t *testing.T) {
	each(t, func(w *world) {
		access := w.token()
		api, err := w.st.ResourceServerByIdentifier(t.Context(), token.MyOrganizationAudience(w.st.Tenant()))
		w.ok(err)
		_, err = w.st.UpdateResourceServer(t.Context(), api.ID, func(r *stagedoor.ResourceServer) error { r.IsSystem = false; return nil })
		w.ok(err)
		w.call(access, "GET", "/details", "").is(404, "")
		w.ok(w.st.DeleteResourceServer(t.Context(), api.ID))
		w.call(access, "GET", "/details", "").is(404, "")
	})
}

func TestDetails(t *testing.T) {
	each(t, func(w *world) {
		access := w.token()
		w.settle()
		w.alone = true
		w.call(access, "PATCH", "/details", `{"id":"`+w.org.ID+`","display_name":"Acme Inc","branding":{"logo_url":"https://acme.test/l.png","colors":{"primary":"#000000","page_background":"#FFFFFF"}}}`).
			is(200, `{"name":"acme","display_name":"Acme Inc","branding":{"logo_url":"https://acme.test/l.png","colors":{"primary":"#000000","page_background":"#FFFFFF"}}}`)
		for body, field := range map[string]string{
			`{"id":"` + w.other.ID + `"}`: "id", `{"metadata":{"plan":"platinum"}}`: "", `{}`: "", `{"display_name":""}`: "display_name", `{"name":null}`: "name", `{"name":"No Name"}`: "name",
			`{"branding":{"logo_url":"http://x.test/"}}`: "branding.logo_url", `{"branding":{"colors":{"primary":"red","page_background":"#fff"}}}`: "branding.colors.primary",
		} {
			got := w.call(access, "PATCH", "/details", body).is(400, `{"title":"Validation Error"}`)
			if v, _ := got.body["validation_errors"].([]any)[0].(map[string]any)["field"].(string); v != field {
				t.Errorf("%s: %s", body, got.text)
			}
		}
		w.call(access, "PATCH", "/details", `{"name":"umbrella"}`).is(409, `{"title":"Duplicate Resource"}`)
		w.logged(strings.Fields("org_details_succeeded" + strings.Repeat(" org_details_failed", 9))...)
		w.call(access, "PATCH", "/details", `{"branding":null}`).is(200, `{"display_name":"Acme Inc","branding":null}`)
		w.call(access, "PATCH", "/details", `{"display_name":null}`).is(200, `{"name":"acme","display_name":null}`)
		w.call(access, "GET", "/details", "").is(200, `{"name":"acme","display_name":null,"branding":null}`)
		w.logged("org_details_succeeded", "org_details_succeeded")
		o, err := w.st.Organization(t.Context(), w.org.ID)
		w.ok(err)
		w.same("what the tenant keeps", o.Metadata["plan"], "gold")
		w.call(access, "GET", "/config", "").is(200, `{"allowed_strategies":["oidc","samlp","adfs","okta"],"connection_deletion_behavior":"allow_if_empty"}`)
		w.call(access, "GET", "/config/identity-providers", "").is(409, "")
		w.logged("config_failed")
		w.alone = false
		w.profiles("optional")
		w.call(access, "GET", "/config/identity-providers", "").is(200, `{"organization":{"can_set_show_as_button":true,"can_set_assign_membership_on_login":false},"strategies":{
			"oidc":{"enabled_features":["provisioning"],"provisioning_methods":["scim"]},"okta":{"enabled_features":["provisioning"],"provisioning_methods":["scim"]},
			"samlp":{"enabled_features":["provisioning"],"provisioning_methods":["scim"]},"adfs":{"enabled_features":[],"provisioning_methods":[]}}}`)
	})
}

func TestMembers(t *testing.T) {
	each(t, func(w *world) {
		stranger := w.person("eve@example.com")
		w.ok(w.st.AddMembers(t.Context(), w.other.ID, []string{stranger}))
		own, theirs, tenants := w.newRole("Editor", w.org.ID), w.newRole("Spy", w.other.ID), w.newRole("Root", "")
		access := w.token()
		first := w.call(access, "GET", "/members?take=1", "").is(200, "")
		second := w.call(access, "GET", "/members?take=1&from="+first.get("next"), "").is(200, "")
		both := strings.Fields(first.list("members", "email") + " " + second.list("members", "email"))
		slices.Sort(both)
		w.same("members", both, []string{"ada@example.com", "bob@example.com"})
		w.call(access, "GET", "/members?from=nonsense", "").is(400, "")
		w.same("without their roles", w.call(w.token("read:my_org:members"), "GET", "/members?take=1", "").body["members"].([]any)[0].(map[string]any)["roles"], nil)
		path := func(id string) string { return "/members/" + strings.ReplaceAll(id, "|", "%7C") }
		w.call(access, "GET", path(w.user), "").is(200, `{"email":"bob@example.com","roles":[],"app_metadata":null,"identities":null}`)
		w.same("fields", w.call(access, "GET", path(w.user)+"?fields=email", "").text, `{"email":"bob@example.com"}`)
		w.call(access, "GET", path(stranger), "").fails(404, "A0E-404-0002", "The member does not exist.")
		w.same("roles", w.call(access, "GET", "/roles", "").text, `{"roles":[{"id":"`+own+`","name":"Editor"}]}`)
		w.same("by name", w.call(access, "GET", "/roles?name=SPY", "").text, `{"roles":[]}`)
		w.settle()

		w.call(access, "POST", path(w.user)+"/roles", `{"role_ids":["`+own+`"]}`).is(204, "")
		w.call(access, "GET", path(w.user)+"/roles", "").is(200, `{"roles":[{"id":"`+own+`","name":"Editor"}]}`)
		w.call(access, "DELETE", path(w.user)+"/roles", `{"role_ids":["`+own+`"]}`).is(204, "")
		w.call(access, "POST", path(w.user)+"/roles", `{"role_ids":["`+own+`"]}`).is(204, "")
		w.call(access, "POST", path(w.user)+"/unassign-roles", `{"role_ids":["`+own+`"]}`).is(204, "")
		w.logged("member_succeeded", "member_succeeded", "member_succeeded", "member_succeeded")
		for _, id := range []string{theirs, tenants, w.role, "rol_0123456789abcdef"} {
			w.call(access, "POST", path(w.user)+"/roles", `{"role_ids":["`+own+`","`+id+`"]}`).fails(404, "A0E-404-0002", "The role does not exist.")
			w.call(access, "DELETE", path(w.admin)+"/roles", `{"role_ids":["`+id+`"]}`).fails(404, "A0E-404-0002", "The role does not exist.")
			w.call(access, "POST", path(w.admin)+"/unassign-roles", `{"role_ids":["`+id+`"]}`).fails(404, "A0E-404-0002", "The role does not exist.")
		}
		w.call(access, "GET", path(w.user)+"/roles", "").is(200, `{"roles":[]}`)
		w.call(access, "POST", path(stranger)+"/roles", `{"role_ids":["`+own+`"]}`).fails(404, "A0E-404-0002", "The member does not exist.")
		w.call(access, "POST", "/delete-memberships", `{"members":["`+stranger+`"]}`).fails(404, "A0E-404-0002", "The member does not exist.")
		w.call(access, "POST", "/delete-memberships", `{"members":["`+w.user+`","`+w.admin+`"]}`).is(400, "")
		w.call(access, "POST", "/delete-memberships", `{"members":["`+w.user+`"]}`).is(204, "")
		w.call(access, "GET", path(w.user), "").is(404, "")
		_, err := w.st.User(t.Context(), w.user)
		w.ok(err)
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(w *world) {
		own, tenants := w.newRole("Editor", w.org.ID), w.newRole("Root", "")
		hidden, shown, off := w.provide(w.org, "hidden", "none"), w.provide(w.org, "shown", "readonly"), w.provide(w.org, "off", "limited")
		w.call(w.token(), "PATCH", "/identity-providers/"+off, `{"is_enabled":false}`).is(200, "")
		access := w.token()
		w.settle()
		got := w.call(access, "POST", "/member-invitations", `{"invitees":[{"email":"Una@Example.com","roles":["`+own+`"]},{"email":"max@example.com"}],"inviter":{"name":"Ada"},"identity_provider_id":"`+shown+`","ttl_sec":3600}`).is(201, "")
		var made []map[string]any
		w.ok(json.Unmarshal([]byte(got.text), &made))
		if len(made) != 2 || asJSON(made[0]["invitee"]) != `{"email":"una@example.com"}` || asJSON(made[0]["roles"]) != `["`+own+`"]` || made[0]["identity_provider_id"] != shown || asJSON(made[0]["inviter"]) != `{"name":"Ada"}` {
			t.Fatalf("%s", got.text)
		}
		id, _ := made[0]["id"].(string)
		v, err := w.st.Invitation(t.Context(), w.org.ID, id)
		w.ok(err)
		for _, text := range []string{got.text, w.call(access, "GET", "/member-invitations", "").text, w.call(access, "GET", "/member-invitations/"+id, "").text} {
			if strings.Contains(text, v.Ticket) || !strings.Contains(text, id) {
				t.Errorf("%s", text) // whoever has the ticket seems to read the invitee's mails
			}
		}
		w.same("roles", w.call(access, "GET", "/member-invitations/"+id+"/roles", "").text, `{"roles":[{"id":"`+own+`","name":"Editor"}]}`)
		w.call(access, "POST", "/member-invitations", `{"invitees":[{"email":"una@example.com"}]}`).is(201, "")
		w.call(access, "GET", "/member-invitations/"+id+"/roles", "").fails(404, "A0E-404-0002", "The invitation does not exist.")
		w.call(access, "GET", "/member-invitations/"+id, "").fails(404, "A0E-404-0002", "The invitation does not exist.")
		w.logged("member_invitation_succeeded", "member_invitation_succeeded")
		first := w.call(access, "GET", "/member-invitations?sort=created_at:1&take=1", "").is(200, "")
		second := w.call(access, "GET", "/member-invitations?sort=created_at:1&take=1&from="+first.get("next"), "").is(200, "")
		if a, b := first.list("invitations", "id"), second.list("invitations", "id"); a == "" || b == "" || a == b {
			t.Errorf("%s %s", first.text, second.text)
		}
		w.same("fields", w.call(access, "GET", "/member-invitations?fields=invitee&take=1&sort=created_at:1", "").body["invitations"], []any{map[string]any{"invitee": map[string]string{"email": "max@example.com"}}})

		for body, why := range map[string]string{
			`{"invitees":[{"email":"x@example.com"},{"email":"y@example.com","roles":["` + tenants + `"]}]}`: "The role does not exist.",
			`{"invitees":[{"email":"x@example.com"}],"identity_provider_id":"` + hidden + `"}`:               "The identity provider does not exist.",
			`{"invitees":[{"email":"x@example.com"}],"identity_provider_id":"` + off + `"}`:                  "The identity provider does not exist.",
			`{"invitees":[{"email":"x@example.com"}],"identity_provider_id":"con_0123456789abcdef"}`:         "The identity provider does not exist.",
		} {
			w.call(access, "POST", "/member-invitations", body).fails(404, "A0E-404-0002", why)
		}
		for _, body := range []string{`{"invitees":[]}`, `{"invitees":[{"email":"x"}]}`, `{"invitees":[{"email":"x@example.com"}],"client_id":"app"}`, `{"invitees":[{"email":"x@example.com"}],"ttl_sec":2592001}`} {
			w.call(access, "POST", "/member-invitations", body).is(400, "")
		}
		theirs := &stagedoor.Invitation{OrganizationID: w.other.ID, ClientID: "app", Invitee: "z@example.com", Ticket: "x", ExpiresAt: v.ExpiresAt}
		w.ok(w.st.CreateInvitation(t.Context(), theirs))
		w.call(access, "GET", "/member-invitations/"+theirs.ID, "").is(404, "")
		w.call(access, "DELETE", "/member-invitations/"+theirs.ID, "").is(404, "")
		a, b := first.list("invitations", "id"), second.list("invitations", "id")
		w.same("no roles", w.call(access, "GET", "/member-invitations/"+b+"/roles", "").text, `{"roles":[]}`)
		w.call(access, "GET", "/member-invitations/"+theirs.ID+"/roles", "").is(404, "")
		w.call(access, "POST", "/delete-member-invitations", `{"invitations":["`+a+`","`+theirs.ID+`"]}`).fails(404, "A0E-404-0002", "The invitation does not exist.")
		w.call(access, "POST", "/delete-member-invitations", `{"invitations":["`+a+`","`+a+`"]}`).is(400, "")
		w.call(access, "POST", "/delete-member-invitations", `{"invitations":[]}`).is(400, "")
		w.call(w.token("read:my_org:member_invitations"), "POST", "/delete-member-invitations", `{"invitations":["`+a+`"]}`).is(403, "")
		w.settle()
		w.call(access, "POST", "/delete-member-invitations", `{"invitations":["`+a+`"]}`).is(204, "")
		w.logged("member_invitation_succeeded")
		w.call(access, "GET", "/member-invitations/"+a, "").is(404, "")
		w.call(access, "DELETE", "/member-invitations/"+b, "").is(204, "")
		for i := range 1000 {
			w.ok(w.st.CreateInvitation(t.Context(), &stagedoor.Invitation{OrganizationID: w.org.ID, ClientID: "app", Invitee: "z@example.com", Ticket: "x" + asJSON(i), ExpiresAt: v.ExpiresAt}))
		}
		w.call(access, "POST", "/member-invitations", `{"invitees":[{"email":"x@example.com"}]}`).fails(403, "A0E-403-0001", "The organization has too many open invitations.")
	})
}

func TestDeleteOrganization(t *testing.T) {
	each(t, func(w *world) {
		access := w.token()
		w.call(w.token("read:my_org:details", "update:my_org:details"), "DELETE", "/", "").is(403, "")
		w.call(access, "GET", "/", "").is(404, "")
		w.settle()
		w.call(access, "DELETE", "/", "").is(204, "")
		w.logged("org_details_succeeded")
		if _, err := w.st.Organization(t.Context(), w.org.ID); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("%v", err)
		}
		_, err := w.st.Organization(t.Context(), w.other.ID)
		w.ok(err)
		_, err = w.st.User(t.Context(), w.user)
		w.ok(err)
		w.call(access, "GET", "/details", "").fails(404, "A0E-404-0002", "The organization does not exist.")
	})
}

// The mails of the tenant are not a member's to send to somebody again and again: neither where the invitation from before is superseded, nor where it is taken back.
func TestAttackMailsByInvitations(t *testing.T) {
	each(t, func(w *world) {
		access := w.token()
		for range 10 {
			w.call(access, "POST", "/member-invitations", `{"invitees":[{"email":"victim@example.com"}]}`).is(201, "")
		}
		made := w.call(access, "GET", "/member-invitations", "").list("invitations", "id")
		w.call(access, "DELETE", "/member-invitations/"+made, "").is(204, "")
		w.call(access, "POST", "/member-invitations", `{"invitees":[{"email":"Victim@example.com"}]}`).is(429, "")
		w.call(access, "POST", "/member-invitations", `{"invitees":[{"email":"other@example.com"}]}`).is(201, "")
	})
}
