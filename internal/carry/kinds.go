package carry

import (
	"context"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// table is what is carried, in the order in which one needs the other.
func table() []kind {
	return []kind{
		{asset: "resourceServers", title: "API", carry: carryAll, noun: noun{
			path: "/resource-servers", paged: true, key: "identifier", keeps: true, skip: managementAPI, prepare: prepareAPI, fixed: []string{"identifier"},
			derived: []string{"is_system", "client"},
		}},
		{asset: "userAttributeProfiles", title: "user attribute profile", carry: carryAll, noun: noun{path: "/user-attribute-profiles"}},
		{asset: "connectionProfiles", title: "connection profile", carry: carryAll, noun: noun{path: "/connection-profiles"}},
		{asset: "clients", title: "client", carry: carryAll, noun: noun{
			path: "/clients", paged: true, id: "client_id", keeps: true, shown: true, skip: globalClient, prepare: prepareClient, parts: clientSecret, split: without("client_secret"),
			derived: []string{"client_id", "global", "signing_keys", "callback_url_template", "custom_login_page_preview", "config_route", "owners", "external_metadata_type", "external_metadata_created_by"},
			fixed:   []string{"resource_server_identifier"}, volatile: []string{"signing_keys"},
		}},
		{asset: "actionModules", title: "action module", carry: carryAll, noun: noun{
			path: "/actions/modules", prepare: prepareModule, parts: publishModule, hidden: hiddenModule, fixed: []string{"name"},
			derived:  []string{"all_changes_published", "latest_version_number", "latest_version", "actions_using_module_total", "modules", "published"},
			volatile: []string{"actions_using_module_total", "latest_version", "secrets"},
		}},
		{asset: "actions", title: "action", carry: carryAll, noun: noun{
			path: "/actions/actions", paged: true, keeps: true, prepare: prepareAction, parts: deployAction, hidden: hiddenAction,
			derived:  []string{"status", "deployed", "all_changes_deployed", "installed_integration_id", "deployed_version", "current_version", "integration"},
			volatile: []string{"deployed_version", "current_version", "built_at"},
		}},
		{asset: "databases", title: "database", carry: carryAll, noun: connections},
		{asset: "connections", title: "connection", carry: carryAll, noun: connections},
		{asset: "clientGrants", title: "client grant", carry: carryGrants, noun: noun{path: "/client-grants", paged: true}},
		{asset: "roles", title: "role", carry: carryAll, noun: noun{path: "/roles", paged: true, keeps: true, split: without("permissions"), parts: rolePermissions}},
		{asset: "rulesConfigs", title: "rule setting", carry: carryRulesConfigs},
		{asset: "rules", title: "rule", carry: carryAll, noun: noun{path: "/rules", paged: true, keeps: true, fixed: []string{"stage"}}},
		{asset: "hooks", title: "hook", carry: carryAll, noun: noun{
			path: "/hooks", paged: true, keeps: true, prepare: prepareHook, split: without("secrets"), parts: hookSecrets, hidden: hiddenHook, fixed: []string{"triggerId"},
			derived: []string{"code"},
		}},
		{asset: "triggers", title: "trigger", carry: carryTriggers},
		{asset: "organizations", title: "organization", carry: carryAll, noun: noun{
			path: "/organizations", paged: true, keeps: true, shown: true, split: without("connections", "client_grants", "discovery_domains"), parts: organizationParts,
		}},
		{asset: "emailProvider", title: "e-mail provider", carry: carryEmailProvider},
		{asset: "emailTemplates", title: "e-mail template", carry: carryEmailTemplates},
		{asset: "branding", title: "branding", carry: carryBranding},
		{asset: "themes", title: "theme", carry: carryThemes},
		{asset: "prompts", title: "prompt", carry: carryPrompts},
		{asset: "guardianFactors", title: "factor", carry: carryEach("/guardian/factors/{name}")},
		{asset: "guardianFactorProviders", title: "factor provider", carry: carryEach("/guardian/factors/{name}/providers/{provider}")},
		{asset: "guardianFactorTemplates", title: "factor template", carry: carryEach("/guardian/factors/{name}/templates")},
		{asset: "guardianPolicies", title: "factor policy", carry: carryPolicies},
		{asset: "guardianPhoneFactorMessageTypes", title: "phone factor", carry: carryOne("PUT", "/guardian/factors/phone/message-types", "message types")},
		{asset: "guardianPhoneFactorSelectedProvider", title: "phone factor", carry: carryOne("PUT", "/guardian/factors/phone/selected-provider", "provider")},
		{asset: "phoneProviders", title: "phone provider", carry: carryAll, noun: noun{path: "/branding/phone/providers", derived: []string{"channel"}}},
		{asset: "phoneTemplates", title: "phone template", carry: carryAll, noun: noun{path: "/branding/phone/templates", key: "type", fixed: []string{"type"}, derived: []string{"channel", "customizable"}}},
		{asset: "attackProtection", title: "attack protection", carry: carryMembers(map[string]string{
			"breachedPasswordDetection": "/attack-protection/breached-password-detection", "bruteForceProtection": "/attack-protection/brute-force-protection",
			"suspiciousIpThrottling": "/attack-protection/suspicious-ip-throttling", "botDetection": "/attack-protection/bot-detection", "captcha": "/attack-protection/captcha",
		})},
		{asset: "riskAssessment", title: "risk assessment", carry: carryRisk},
		{asset: "riskAssessments", title: "risk assessment", carry: carryRisk},
		{asset: "supplementalSignals", title: "supplemental signals", carry: carryOne("PATCH", "/supplemental-signals", "settings")},
		{asset: "networkACLs", title: "network ACL", carry: carryAll, noun: noun{path: "/network-acls", paged: true, key: "description"}},
		{asset: "logStreams", title: "log stream", carry: carryAll, noun: noun{path: "/log-streams", fixed: []string{"type"}, prepare: prepareLogStream, parts: logStreamStatus, split: without("status")}},
		{asset: "eventStreams", title: "event stream", carry: carryAll, noun: noun{path: "/event-streams", prepare: prepareEventStream}},
		{asset: "flowVaultConnections", title: "vault connection", carry: carryAll, noun: noun{
			path: "/flows/vault/connections", fixed: []string{"app_id"}, derived: []string{"ready", "refreshed_at", "fingerprint", "environment", "account_name"},
		}},
		{asset: "flows", title: "flow", carry: carryAll, noun: noun{path: "/flows", prepare: prepareFlow}},
		{asset: "forms", title: "form", carry: carryAll, noun: noun{path: "/forms", prepare: prepareForm, derived: []string{"embedded_at", "submitted_at", "flow_count", "links"}}},
		{asset: "selfServiceProfiles", title: "self-service profile", carry: carryAll, noun: noun{path: "/self-service-profiles", prepare: prepareSelfService, split: without("customText"), parts: selfServiceTexts}},
		{asset: "tokenExchangeProfiles", title: "token exchange profile", carry: carryAll, noun: noun{
			path: "/token-exchange-profiles", prepare: prepareExchange, fixed: []string{"action_id", "type"},
		}},
		{asset: "rateLimitPolicies", title: "rate limit policy", carry: carryAll, noun: noun{
			path: "/rate-limit-policies", key: "consumer_selector", prepare: preparePolicy, fixed: []string{"resource", "consumer", "consumer_selector"},
		}},
		{asset: "customDomains", title: "custom domain", carry: carryAll, noun: noun{
			path: "/custom-domains", key: "domain", parts: readyDomain, fixed: []string{"domain", "type", "verification_method"},
			derived: []string{"custom_domain_id", "primary", "status", "origin_domain_name", "verification", "certificate", "is_default"}, id: "custom_domain_id",
		}},
		{asset: "pages", title: "page", carry: carryPages},
		{asset: "tenant", title: "tenant settings", carry: carryTenant},
	}
}

// without makes a function that leaves members out, which have operations of their own.
func without(names ...string) func(map[string]any) map[string]any {
	return func(item map[string]any) map[string]any {
		rest := map[string]any{}
		for name, value := range item {
			if !slices.Contains(names, name) {
				rest[name] = value
			}
		}
		return rest
	}
}

// managementAPI tells whether an API is the tenant's own Management API, which every tenant has.
func managementAPI(_ *run, item map[string]any) bool {
	return item["is_system"] == true || isManagementAudience(textOf(item, "identifier")) && textOf(item, "name") == "Auth0 Management API"
}

func isManagementAudience(s string) bool {
	return strings.HasPrefix(s, "https://") && strings.HasSuffix(s, "/api/v2/") && strings.Count(s, "/") == 5
}

func globalClient(_ *run, item map[string]any) bool { return item["global"] == true }

// clientID is the id of the client that a file calls by its name, or by the id itself.
func (r *run) clientID(name string) (string, error) {
	return r.idOf("/clients", "client_id", "client", name)
}

func (r *run) connectionID(name string) (string, error) {
	return r.idOf("/connections", "id", "connection", name)
}

func (r *run) idOf(path, id, what, name string) (string, error) {
	all, err := r.all(path, true)
	if err != nil {
		return "", err
	}
	for _, member := range []string{id, "name"} {
		for _, one := range all {
			if textOf(one, member) == name && one["global"] != true {
				return textOf(one, id), nil
			}
		}
	}
	return "", stagedoor.Errorf(stagedoor.NotFound, "", "There is no %s %q here.", what, name)
}

// reference replaces the name in a member by the id of what it names, or takes it out and notes that.
func (r *run) reference(o *Object, item map[string]any, member string, id func(string) (string, error)) error {
	name := textOf(item, member)
	if name == "" {
		return nil
	}
	found, err := id(name)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		delete(item, member)
		o.lose(member, stagedoor.AsError(err).Message)
		return nil
	}
	item[member] = found
	return err
}

// among makes a function that finds the id of an object in a list without pages.
func (r *run) among(path, what string) func(string) (string, error) {
	return func(name string) (string, error) {
		all, err := r.all(path, false)
		if err != nil {
			return "", err
		}
		for _, one := range all {
			if textOf(one, "name") == name || textOf(one, "id") == name {
				return textOf(one, "id"), nil
			}
		}
		return "", stagedoor.Errorf(stagedoor.NotFound, "", "There is no %s %q here.", what, name)
	}
}

func prepareAPI(r *run, o *Object, item, _ map[string]any) error {
	if item["client_id"] == nil {
		return nil
	}
	return r.reference(o, item, "client_id", r.clientID)
}

func hiddenAction(r *run, st *store.Store, id string) (any, error) {
	a, err := st.Action(r.ctx, id)
	if err != nil {
		return nil, err
	}
	return stagedoor.SecretValues(a.Sealed), nil
}

func hiddenModule(r *run, st *store.Store, id string) (any, error) {
	m, err := store.ActionModules.Get(r.ctx, st, id)
	if err != nil {
		return nil, err
	}
	return stagedoor.SecretValues(m.Sealed), nil
}

func hiddenHook(r *run, st *store.Store, id string) (any, error) {
	h, err := store.Hooks.Get(r.ctx, st, id)
	if err != nil {
		return nil, err
	}
	return stagedoor.SecretValues(h.Sealed), nil
}

// hiddenSetting is what is kept of a group of settings, secrets included.
func hiddenSetting(ctx context.Context, st *store.Store, name string) (map[string]any, error) {
	m := map[string]any{}
	return m, st.Setting(ctx, name, &m)
}
