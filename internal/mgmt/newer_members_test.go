package mgmt

import "testing"

// Members that the newest SDKs write: what has no effect is kept, and what would promise something is refused where it is switched on.
func TestNewerMembers(t *testing.T) {
	each(t, func(h *house) {
		all := h.machine("acme")
		client := "/clients/" + h.call(all, "POST", "/clients", `{"name":"x","anonymous_sessions":{"active":false}}`).is(201, "").text("client_id")
		api := "/resource-servers/" + h.call(all, "POST", "/resource-servers", `{"identifier":"urn:songs"}`).is(201, "").text("id")
		connection := "/connections/" + h.connectionID()
		org := "/organizations/" + h.call(all, "POST", "/organizations", `{"name":"band"}`).is(201, "").text("id")
		profile := "/connection-profiles/" + h.call(all, "POST", "/connection-profiles", `{"name":"p","provisioning":{"google_workspace":{"sync_users":true}}}`).is(201, "").text("id")
		acl := "/network-acls/" + h.call(all, "POST", "/network-acls", `{"description":"a","active":false,"rule":{"action":{"log":true},"scope":"tenant","match":{"http_message_signature":{"keys":{"allow":["k"]}}}}}`).is(201, "").text("id")
		h.call(all, "POST", org+"/connections", `{"connection_id":"`+h.connectionID()+`","organization_member_access_level":"readonly"}`).is(201, "")
		for _, row := range []struct {
			path, body, member string
			status             int
		}{
			{client, `{"enforce_anon_session_transfer_network_binding":"asn"}`, "enforce_anon_session_transfer_network_binding", 200},
			{client, `{"b2b_integration_configuration":{"sso_profiles":["x"],"integration_type":"application"}}`, "b2b_integration_configuration", 200},
			{client, `{"b2b_integration_configuration":{"integration_type":"other"}}`, "", 400},
			{client, `{"oidc_support":{"is_allowed":true,"allow_all_scopes":true}}`, "oidc_support", 200},
			{client, `{"oidc_support":{"is_allowed":false}}`, "", 501},
			{client, `{"oidc_support":{"is_allowed":true,"allowed_scopes":["openid"]}}`, "", 501},
			{client, `{"anonymous_sessions":{"active":true}}`, "anonymous_sessions", 200},
			{client, `{"anonymous_sessions":{}}`, "", 400},
			{api, `{"token_lifetime_for_anonymous_access_tokens":60,"require_consent_non_repudiation":false}`, "token_lifetime_for_anonymous_access_tokens", 200},
			{api, `{"access_token":{"claims_mapping":{"custom_claims":[]}}}`, "access_token", 200},
			{api, `{"subject_type_authorization":{"anonymous_user":{"policy":"deny_all"}}}`, "subject_type_authorization", 200},
			{api, `{"subject_type_authorization":{"anonymous_user":{"policy":"require_client_grant"}}}`, "subject_type_authorization", 200},
			{api, `{"subject_type_authorization":{"anonymous_user":{"policy":"allow_all"}}}`, "", 400},
			{api, `{"allow_anonymous_access":true}`, "allow_anonymous_access", 200},
			{api, `{"access_token":{"claims_mapping":{"custom_claims":[{"name":"country","expression":"anonymous_session.metadata.country"}]}}}`, "access_token", 200},
			{api, `{"access_token":{"claims_mapping":{"custom_claims":[{"name":"SUB","expression":"anonymous_session.session_id"}]}}}`, "", 400},
			{api, `{"access_token":{"claims_mapping":{"custom_claims":[{"name":"country","expression":"user.email"}]}}}`, "", 400},
			{api, `{"access_token":{"claims_mapping":{"custom_claims":[{"name":"a","expression":"anonymous_session.a"},{"name":"a","expression":"anonymous_session.b"}]}}}`, "", 400},
			{api, `{"require_consent_non_repudiation":true}`, "", 501},
			{"/tenants/settings", `{"sessions":{"anonymous":{"lifetime_in_minutes":60,"activate_cookie":false}}}`, "sessions", 200},
			{"/tenants/settings", `{"stagedoor":{"anonymous_rate":5}}`, "stagedoor", 200},
			{"/tenants/settings", `{"sessions":{"anonymous":{"lifetime_in_minutes":525601}}}`, "", 400},
			{"/tenants/settings", `{"access_token":{"claims_mapping":{"custom_claims":[{"name":"cart","expression":"anonymous_session.metadata.cart"}]}}}`, "access_token", 200},
			{"/tenants/settings", `{"access_token":{"claims_mapping":{"custom_claims":[{"name":"exp","expression":"anonymous_session.metadata.cart"}]}}}`, "", 400},
			{"/tenants/settings", `{"dpop_strict_refresh_token_binding":true}`, "dpop_strict_refresh_token_binding", 200},
			{"/tenants/settings", `{"client_id_metadata_document_dynamic_registration_supported":false}`, "client_id_metadata_document_dynamic_registration_supported", 200},
			{connection, `{"connected_accounts":{"active":true,"allow_missing_user_id":false}}`, "connected_accounts", 200},
			{connection, `{"connected_accounts":{"active":true,"allow_missing_user_id":true}}`, "", 501},
			{profile, `{"cross_app_access_resource_app":{"status":{"default_value":"disabled"}}}`, "cross_app_access_resource_app", 200},
			{org + "/connections/" + h.connectionID(), `{"organization_member_access_level":"full"}`, "organization_member_access_level", 200},
			{"/attack-protection/brute-force-protection", `{"form_submission_mode":"auto"}`, "form_submission_mode", 200},
			{"/attack-protection/brute-force-protection", `{"form_submission_mode":"never"}`, "", 400},
			{acl, `{"active":true}`, "", 501},
			{acl, `{"rule":{"action":{"log":true},"scope":"tenant","match_all":true}}`, "rule", 200},
			{acl, `{"active":true}`, "rule", 200},
			{acl, `{"rule":{"action":{"log":true},"scope":"tenant","match_all":true,"match":{"user_agents":["x"]}}}`, "", 400},
			{acl, `{"rule":{"action":{"log":true},"scope":"tenant","match_all":false}}`, "", 400},
		} {
			got := h.call(all, "PATCH", row.path, row.body).is(row.status, "")
			if row.member != "" && got.get(row.member) == nil {
				t.Errorf("PATCH %s %s: %s", row.path, row.body, got.body)
			}
		}
	})
}
