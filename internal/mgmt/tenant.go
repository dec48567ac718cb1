package mgmt

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/liquid"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

func (a *API) readTenantSettings(c *call, in web.Fields) (any, error) {
	return showTenantSettings(c.store.Tenant().Settings, in)
}

// showTenantSettings returns the settings; those of our own only where one is set, for the wire does not know them.
func showTenantSettings(s stagedoor.TenantSettings, fields web.Fields) (any, error) {
	flags := stagedoor.Flags{}
	for _, name := range stagedoor.EffectiveFlags {
		flags[name] = false
	}
	maps.Copy(flags, s.Flags)
	s.Flags = flags
	encoded, err := web.Encode(s)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &all); err != nil {
		return nil, err
	}
	if s.Local == (stagedoor.LocalSettings{}) {
		delete(all, "stagedoor")
	}
	return fields.Pick(all)
}

type tenantSettingsIn struct {
	_                        struct{}                   `schema:"min=1"`
	FriendlyName             web.Opt[string]            `json:"friendly_name" schema:"max=255"`
	PictureURL               web.Opt[string]            `json:"picture_url" schema:"max=2000"`
	SupportEmail             web.Opt[string]            `json:"support_email" schema:"max=320"`
	SupportURL               web.Opt[string]            `json:"support_url" schema:"max=2000"`
	AllowedLogoutURLs        web.Opt[[]string]          `json:"allowed_logout_urls" schema:"max=200"`
	DefaultAudience          web.Opt[string]            `json:"default_audience" schema:"max=600"`
	DefaultDirectory         web.Opt[string]            `json:"default_directory" schema:"max=128"`
	DefaultRedirectionURI    web.Opt[string]            `json:"default_redirection_uri" schema:"max=2000"`
	ErrorPage                web.Opt[errorPageIn]       `json:"error_page"`
	SessionLifetime          web.Opt[float64]           `json:"session_lifetime" schema:"min=0,max=87600"`
	IdleSessionLifetime      web.Opt[float64]           `json:"idle_session_lifetime" schema:"min=0,max=87600"`
	EphemeralSessionLifetime web.Opt[float64]           `json:"ephemeral_session_lifetime" schema:"min=0,max=87600"`
	IdleEphemeralLifetime    web.Opt[float64]           `json:"idle_ephemeral_session_lifetime" schema:"min=0,max=87600"`
	SessionMinutes           web.Opt[float64]           `json:"session_lifetime_in_minutes" schema:"min=0,max=5256000"`
	IdleSessionMinutes       web.Opt[float64]           `json:"idle_session_lifetime_in_minutes" schema:"min=0,max=5256000"`
	EphemeralMinutes         web.Opt[float64]           `json:"ephemeral_session_lifetime_in_minutes" schema:"min=0,max=5256000"`
	IdleEphemeralMinutes     web.Opt[float64]           `json:"idle_ephemeral_session_lifetime_in_minutes" schema:"min=0,max=5256000"`
	SessionCookie            web.Opt[cookieModeIn]      `json:"session_cookie"`
	OIDCLogout               web.Opt[oidcLogoutIn]      `json:"oidc_logout"`
	SandboxVersion           web.Opt[string]            `json:"sandbox_version" schema:"min=1,max=8"`
	EnabledLocales           web.Opt[[]string]          `json:"enabled_locales" schema:"min=1,max=100,unique"`
	ResourceParameterProfile web.Opt[string]            `json:"resource_parameter_profile" schema:"enum=audience|compatibility"`
	ClientIDMetadata         web.Opt[bool]              `json:"client_id_metadata_document_supported"`
	ClientIDDynamic          web.Opt[bool]              `json:"client_id_metadata_document_dynamic_registration_supported"`
	ChangePassword           web.Opt[ownPageIn]         `json:"change_password"`
	GuardianPage             web.Opt[ownPageIn]         `json:"guardian_mfa_page"`
	DeviceFlow               web.Opt[deviceFlowIn]      `json:"device_flow"`
	Sessions                 web.Opt[sessionsIn]        `json:"sessions"`
	AccessToken              web.Opt[accessTokenIn]     `json:"access_token"`
	MTLS                     web.Opt[mtlsIn]            `json:"mtls"`
	ACRValues                web.Opt[[]string]          `json:"acr_values_supported" schema:"max=100,unique"`
	TokenQuota               web.Opt[tokenQuotasIn]     `json:"default_token_quota"`
	CountryCodes             web.Opt[countryCodesIn]    `json:"country_codes"`
	RegistrationMode         web.Opt[string]            `json:"dynamic_client_registration_security_mode" schema:"enum=strict|permissive"`
	Flags                    web.Opt[map[string]bool]   `json:"flags"`
	Local                    web.Opt[localSettingsIn]   `json:"stagedoor"`
	Rest                     map[string]json.RawMessage `schema:"rest"`
}

// localSettingsIn are the settings that this server adds to the wire's.
type localSettingsIn struct {
	LoopbackIsVerifiable web.Opt[bool]              `json:"loopback_is_verifiable"`
	MaxMetadataBytes     web.Opt[int]               `json:"max_metadata_bytes" schema:"min=0,max=16777216"`
	MaxImportBytes       web.Opt[int]               `json:"max_import_bytes" schema:"min=0,max=1073741824"`
	DevelopmentInbox     web.Opt[bool]              `json:"development_inbox"`
	SuggestLinking       web.Opt[bool]              `json:"suggest_linking"`
	NoFactorMails        web.Opt[bool]              `json:"no_factor_mails"`
	EmbeddedLogin        web.Opt[bool]              `json:"embedded_login"`
	MaxSearchResults     web.Opt[int]               `json:"max_search_results" schema:"min=0,max=1000000000"`
	ManagementRate       web.Opt[int]               `json:"management_rate" schema:"min=0,max=1000000"`
	ManagementBurst      web.Opt[int]               `json:"management_burst" schema:"min=0,max=1000000"`
	AnonymousRate        web.Opt[int]               `json:"anonymous_rate" schema:"min=0,max=1000000"`
	ScriptRuntime        web.Opt[string]            `json:"script_runtime" schema:"enum=auto|embedded|node"`
	ScriptRecording      web.Opt[scriptRecordingIn] `json:"script_recording"`
	ScriptLimits         web.Opt[scriptLimitsIn]    `json:"script_limits"`
	LogRetentionDays     web.Opt[int]               `json:"log_retention_days" schema:"min=0,max=36500"`
	LogMaxBytes          web.Opt[int]               `json:"log_max_bytes" schema:"min=0,max=1099511627776"`
	PrimaryColor         web.Opt[string]            `json:"primary_color" pattern:"^#([0-9A-Fa-f]{3}){1,2}$"`
	Account              web.Opt[accountIn]         `json:"account"`
}

// accountIn are the settings of the account page. They replace those that were there.
type accountIn struct {
	ClientID     string            `json:"client_id" schema:"max=255"`
	Parts        web.Opt[[]string] `json:"parts" schema:"max=100,unique"`
	MetadataKeys web.Opt[[]string] `json:"metadata_keys" schema:"max=100,unique"`
}

func (in *accountIn) check() error {
	for i, part := range in.Parts.Value {
		if !slices.Contains(stagedoor.AccountParts, part) {
			return badProperty("stagedoor.account.parts["+itoa(i)+"]", "No enum match for: "+bounded(part, 100))
		}
	}
	return nil
}

func (in *accountIn) copyTo(o web.Opt[accountIn], s *stagedoor.LocalSettings) {
	switch {
	case o.Null || o.Set && in.ClientID == "":
		s.Account = nil
	case o.Set:
		s.Account = &stagedoor.AccountSettings{ClientID: in.ClientID, Parts: in.Parts.Value, MetadataKeys: in.MetadataKeys.Value}
	}
}

type errorPageIn struct {
	HTML        web.Opt[string] `json:"html"`
	ShowLogLink web.Opt[bool]   `json:"show_log_link"`
	URL         web.Opt[string] `json:"url" schema:"max=2000"`
}

type cookieModeIn struct {
	Mode string `json:"mode" schema:"required,enum=persistent|non-persistent"`
}

type oidcLogoutIn struct {
	EndSessionDiscovery web.Opt[bool] `json:"rp_logout_end_session_endpoint_discovery" schema:"notnull"`
}

// ownPageIn is a page of the older pages that a tenant wrote itself.
type ownPageIn struct {
	Enabled web.Opt[bool]   `json:"enabled"`
	HTML    web.Opt[string] `json:"html"`
}

type deviceFlowIn struct {
	Charset string          `json:"charset" schema:"enum=base20|digits" doc:"Character set used to generate a User Code"`
	Mask    web.Opt[string] `json:"mask" schema:"notnull,max=20" doc:"Mask used to format a generated User Code into a friendly, readable format"`
}

type sessionsIn struct {
	Anonymous    web.Opt[anonymousIn] `json:"anonymous"`
	LogoutPrompt web.Opt[bool]        `json:"oidc_logout_prompt_enabled" schema:"notnull"`
}

type anonymousIn struct {
	Minutes web.Opt[int]  `json:"lifetime_in_minutes" schema:"min=1,max=525600"`
	Cookie  web.Opt[bool] `json:"activate_cookie"`
}

type mtlsIn struct {
	EndpointAliases web.Opt[bool] `json:"enable_endpoint_aliases"`
}

type tokenQuotasIn struct {
	Clients       *tokenQuotaIn `json:"clients"`
	Organizations *tokenQuotaIn `json:"organizations"`
}

type countryCodesIn struct {
	List []string `json:"list" schema:"required,min=1,max=300,unique" pattern:"^[A-Z]{2}$"`
	Mode string   `json:"mode" schema:"required,enum=allow|deny"`
}

// tenantShaped are the settings that are kept as they came, after a look at their shape.
var tenantShaped = []string{
	"change_password", "guardian_mfa_page", "device_flow", "sessions", "access_token", "mtls", "acr_values_supported", "default_token_quota", "country_codes",
	"dynamic_client_registration_security_mode",
}

// tenantStored are the settings that are kept and returned without an effect, with their types.
var tenantStored = map[string]string{
	"legacy_sandbox_version": "string", "universal_login": "object", "security_headers": "object", "dpop_strict_refresh_token_binding": "boolean",
	"customize_mfa_in_postlogin_action": "boolean", "allow_organization_name_in_authentication_api": "boolean",
	"pushed_authorization_requests_supported":              "boolean",
	"authorization_response_iss_parameter_supported":       "boolean",
	"skip_non_verifiable_callback_uri_confirmation_prompt": "boolean",
	"phone_consolidated_experience":                        "boolean", "enable_ai_guide": "boolean", "include_session_metadata_in_tenant_logs": "boolean",
}

// knownFlags are the switches that may be sent (object shapes, section 7).
const knownFlags = ` change_pwd_flow_v1 enable_apis_section disable_impersonation enable_client_connections enable_pipeline2
allow_legacy_delegation_grant_types allow_legacy_ro_grant_types allow_legacy_tokeninfo_endpoint enable_legacy_profile
enable_idtoken_api2 enable_public_signup_user_exists_error enable_sso allow_changing_enable_sso
disable_clickjack_protection_headers no_disclose_enterprise_connections
enforce_client_authentication_on_passwordless_start enable_adfs_waad_email_verification revoke_refresh_token_grant
dashboard_log_streams_next dashboard_insights_view disable_fields_map_fix mfa_show_factor_list_on_enrollment
remove_alg_from_jwks improved_signup_bot_detection_in_classic genai_trial enable_dynamic_client_registration
disable_management_api_sms_obfuscation trust_azure_adfs_email_verified_connection_property custom_domains_provisioning
universal_login new_universal_login_experience_enabled enable_custom_domain_in_emails enable_legacy_logs_search_v2
use_scope_descriptions_for_consent require_pushed_authorization_requests `

// locales are the languages that may be enabled.
const locales = ` am ar ar-EG ar-SA az bg bn bs ca-ES cnr cs cy da de el en en-CA es es-419 es-AR es-MX et eu-ES fa fi fr fr-CA fr-FR
gl-ES gu he hi hr hu hy id is it ja ka kk kn ko lt lv mk ml mn mr ms my nb nl nn no pa pl pt pt-BR pt-PT ro ru sk sl so sq sr
sv sw ta te th tl tr uk ur vi zgh zh-CN zh-HK zh-MO zh-TW `

func (in *tenantSettingsIn) check() error {
	if err := checkStored(in.Rest, tenantStored); err != nil {
		return err
	}
	if err := in.AccessToken.Value.check(); err != nil {
		return err
	}
	var unknown []string
	for _, flag := range slices.Sorted(maps.Keys(in.Flags.Value)) {
		if !slices.Contains(strings.Fields(knownFlags), flag) {
			unknown = append(unknown, flag)
		}
	}
	if len(unknown) > 0 {
		return web.Unknown("flags", unknown...).Body()
	}
	for i, locale := range in.EnabledLocales.Value {
		if !slices.Contains(strings.Fields(locales), locale) {
			return badProperty("enabled_locales["+itoa(i)+"]", "No enum match for: "+locale)
		}
	}
	if err := in.Local.Value.Account.Value.check(); err != nil {
		return err
	}
	if address := in.SupportEmail.Value; address != "" && !strings.Contains(address, "@") {
		return badProperty("support_email", "Object didn't pass validation for format email-or-empty: "+address)
	}
	for name, html := range map[string]string{"change_password.html": in.ChangePassword.Value.HTML.Value, "error_page.html": in.ErrorPage.Value.HTML.Value} {
		if errors.Is(liquid.Check(html), liquid.ErrTooLarge) { // our own page would be shown in its place
			return badProperty(name, "The template is longer than 262144 bytes, or has more than 5000 tags")
		}
	}
	for i, u := range in.AllowedLogoutURLs.Value {
		if !isURL(u) {
			return badProperty("allowed_logout_urls["+itoa(i)+"]", "Object didn't pass validation for format url: "+u)
		}
	}
	for name, u := range map[string]string{
		"picture_url": in.PictureURL.Value, "support_url": in.SupportURL.Value, "default_redirection_uri": in.DefaultRedirectionURI.Value,
		"error_page.url": in.ErrorPage.Value.URL.Value,
	} {
		if u != "" && (!isURL(u) || !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") || name == "default_redirection_uri" && !isSecure(u)) {
			return badProperty(name, "Object didn't pass validation for format absolute-uri-or-empty: "+u)
		}
	}
	return nil
}

func (in *tenantSettingsIn) copyTo(s *stagedoor.TenantSettings) {
	in.FriendlyName.Into(&s.FriendlyName)
	in.PictureURL.Into(&s.PictureURL)
	in.SupportEmail.Into(&s.SupportEmail)
	in.SupportURL.Into(&s.SupportURL)
	in.AllowedLogoutURLs.Into(&s.AllowedLogoutURLs)
	in.DefaultAudience.Into(&s.DefaultAudience)
	in.DefaultDirectory.Into(&s.DefaultDirectory)
	in.DefaultRedirectionURI.Into(&s.DefaultRedirectionURI)
	for _, lifetime := range []struct {
		hours, minutes web.Opt[float64]
		field          *float64
	}{
		{in.SessionLifetime, in.SessionMinutes, &s.SessionLifetime},
		{in.IdleSessionLifetime, in.IdleSessionMinutes, &s.IdleSessionLifetime},
		{in.EphemeralSessionLifetime, in.EphemeralMinutes, &s.EphemeralSessionLifetime},
		{in.IdleEphemeralLifetime, in.IdleEphemeralMinutes, &s.IdleEphemeralLifetime},
	} {
		lifetime.hours.Into(lifetime.field)
		if lifetime.minutes.Has() {
			*lifetime.field = lifetime.minutes.Value / 60
		}
	}
	if in.ErrorPage.Null {
		s.ErrorPage = nil
	} else if page := in.ErrorPage.Value; in.ErrorPage.Set {
		s.ErrorPage = &stagedoor.ErrorPage{HTML: page.HTML.Value, ShowLogLink: page.ShowLogLink.Value, URL: page.URL.Value}
	}
	if in.SessionCookie.Null {
		s.SessionCookie = nil
	} else if in.SessionCookie.Set {
		s.SessionCookie = &stagedoor.CookieMode{Mode: in.SessionCookie.Value.Mode}
	}
	in.OIDCLogout.Value.EndSessionDiscovery.Into(&s.OIDCLogout.EndSessionDiscovery)
	in.SandboxVersion.Into(&s.SandboxVersion)
	in.EnabledLocales.Into(&s.EnabledLocales)
	in.ResourceParameterProfile.Into(&s.ResourceParameterProfile)
	in.ClientIDMetadata.Into(&s.ClientIDMetadataSupported)
	if in.ClientIDDynamic.Null {
		s.ClientIDMetadataDynamic = nil
	} else if in.ClientIDDynamic.Set {
		s.ClientIDMetadataDynamic = &in.ClientIDDynamic.Value
	}
	if in.Flags.Has() && s.Flags == nil {
		s.Flags = stagedoor.Flags{}
	}
	maps.Copy(s.Flags, in.Flags.Value)
	in.Local.Value.LoopbackIsVerifiable.Into(&s.Local.LoopbackIsVerifiable)
	in.Local.Value.MaxMetadataBytes.Into(&s.Local.MaxMetadataBytes)
	in.Local.Value.MaxSearchResults.Into(&s.Local.MaxSearchResults)
	in.Local.Value.ManagementRate.Into(&s.Local.ManagementRate)
	in.Local.Value.ManagementBurst.Into(&s.Local.ManagementBurst)
	in.Local.Value.AnonymousRate.Into(&s.Local.AnonymousRate)
	in.Local.Value.MaxImportBytes.Into(&s.Local.MaxImportBytes)
	in.Local.Value.ScriptRuntime.Into(&s.Local.ScriptRuntime)
	in.Local.Value.copyScripts(&s.Local)
	in.Local.Value.PrimaryColor.Into(&s.Local.PrimaryColor)
	in.Local.Value.Account.Value.copyTo(in.Local.Value.Account, &s.Local)
	in.Local.Value.LogRetentionDays.Into(&s.Local.LogRetentionDays)
	in.Local.Value.LogMaxBytes.Into(&s.Local.LogMaxBytes)
	in.Local.Value.DevelopmentInbox.Into(&s.Local.DevelopmentInbox)
	in.Local.Value.SuggestLinking.Into(&s.Local.SuggestLinking)
	in.Local.Value.NoFactorMails.Into(&s.Local.NoFactorMails)
	in.Local.Value.EmbeddedLogin.Into(&s.Local.EmbeddedLogin)
	keepStored(&s.Stored, in.Rest)
}

func (a *API) updateTenantSettings(c *call, in tenantSettingsIn) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.Local.Value.ScriptRuntime.Value == script.RuntimeNode && a.NodeError != nil {
		if err := a.NodeError(); err != nil {
			return nil, badProperty("stagedoor.script_runtime", err.Error())
		}
	}
	if err := in.Local.Value.ScriptLimits.Value.check(a.ScriptCeilings); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &all); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return !slices.Contains(tenantShaped, name) })
	s, err := c.store.UpdateSettings(c.ctx(), func(s *stagedoor.TenantSettings) error {
		in.copyTo(s)
		keepStored(&s.Stored, all)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showTenantSettings(*s, web.Fields{})
}
