package mgmt

import (
	"strings"

	"github.com/stagedoor/stagedoor"
)

// managementScopes are the scopes of the system API, by noun: r read, c create, u update, d delete (object shapes, section 10).
const managementScopes = `actions(rcud) anomaly_blocks(rd) attack_protection(ru) authentication_methods(rcud) branding(rud)
client_credentials(rcud) client_grants(rcud) client_keys(rcud) clients(rcud) connection_profiles(rcud) connections(rcud)
connections_keys(rcu) connections_options(ru) custom_domains(rcud) custom_signing_keys(rcud) device_credentials(rcud)
directory_provisionings(rcud) email_provider(rcud) email_templates(rcu) encryption_keys(rcud) entitlements(r)
event_deliveries(ru) event_streams(rcud) events(r) experimentation(rcud) federated_connections_tokens(rd) flows(rcud) flows_executions(rd)
flows_vault(r) flows_vault_connections(rcud) forms(rcud) grants(rd) group_members(r) group_roles(rcd) groups(rcud)
guardian_enrollment_tickets(c) guardian_enrollments(rd) guardian_factors(ru) hooks(rcud) insights(r) limits(ru)
log_streams(rcud) logs(r) logs_users(r) mfa_policies(ru) network_acl_keys(rcud) network_acls(rcud)
organization_client_grants(rcd) organization_clients(rcud) organization_connections(rcud)
organization_discovery_domains(rcud) organization_group_roles(rcd) organization_groups(rcud)
organization_invitations(rcud) organization_member_effective_roles(r) organization_member_role_source_groups(r)
organization_member_roles(rcud) organization_members(rcud) organizations(rcud) organizations_summary(r)
passwords_checking_job(cd) phone_providers(rcud) phone_templates(rcud) portals(rcud) prompts(ru) rate_limit_policies(rcud)
refresh_tokens(rud) resource_servers(rcud) role_members(rcd) roles(rcud) rules(rcud) rules_configs(rud) scim_config(rcud)
scim_token(rcd) security_metrics(r) self_service_profile_custom_texts(ru) self_service_profiles(rcud) sessions(rud)
shields(rcud) signing_keys(rcu) sso_access_tickets(cd) stats(r) tenant_settings(ru) token_exchange_profiles(rcud)
triggers(ru) user_attribute_profiles(rcud) user_custom_blocks(rcd) user_effective_permissions(r) user_effective_roles(r)
user_idp_tokens(r) user_permission_source_roles(r) user_role_source_groups(r) user_tickets(c) users(rcud)
users_app_metadata(rcud) vdcs_templates(rcud)`

var verbs = map[rune]string{'r': "read", 'c': "create", 'u': "update", 'd': "delete"}

// SystemAPIName is the name of the API that every tenant has: its Management API.
const SystemAPIName = "Auth0 Management API"

// ManagementScopes returns the scopes of the system API, each with a description.
func ManagementScopes() []stagedoor.APIScope {
	out := []stagedoor.APIScope{}
	for _, entry := range strings.Fields(managementScopes) {
		noun, letters, _ := strings.Cut(strings.TrimSuffix(entry, ")"), "(")
		for _, letter := range letters {
			verb := verbs[letter]
			out = append(out, stagedoor.APIScope{
				Value:       verb + ":" + noun,
				Description: strings.ToUpper(verb[:1]) + verb[1:] + " " + strings.ReplaceAll(noun, "_", " "),
			})
		}
	}
	return append(out, stagedoor.APIScope{Value: "blacklist:tokens", Description: "Blacklist tokens"})
}

// SystemAPI returns the Management API as a new tenant has it; identifier is https://{domain}/api/v2/.
func SystemAPI(identifier string) *stagedoor.ResourceServer {
	return &stagedoor.ResourceServer{
		Name: SystemAPIName, Identifier: identifier, IsSystem: true, Scopes: ManagementScopes(),
		SigningAlgorithm: "RS256", TokenLifetime: 86400, TokenLifetimeForWeb: 7200,
	}
}
