package mgmt

import (
	"encoding/json"
	"net/netip"
	"slices"

	"github.com/stagedoor/stagedoor/internal/web"
)

// clientShape are the members of a client that are kept as they come, with what each may hold (object shapes, section 2). What
// of them has an effect is said in docs/divergences.md.
type clientShape struct {
	Aliases               web.Opt[[]string]                   `json:"client_aliases" doc:"List of audiences/realms for SAML protocol"`
	AllowedClients        web.Opt[[]string]                   `json:"allowed_clients" doc:"List of allow clients and API ids that are allowed to make delegation requests"`
	IPHeaderTrusted       web.Opt[bool]                       `json:"is_token_endpoint_ip_header_trusted" doc:"If true, trust that the IP specified in the auth0-forwarded-for header is the end-user's IP"`
	SSO                   web.Opt[bool]                       `json:"sso" doc:"Applies only to SSO clients and determines whether Auth0 will handle Single Sign On or whether the Identity Provider will"`
	SSODisabled           web.Opt[bool]                       `json:"sso_disabled" doc:"true to disable Single Sign On, false otherwise"`
	CrossOrigin           web.Opt[bool]                       `json:"cross_origin_authentication" doc:"Whether this client can be used to make cross-origin authentication requests"`
	CrossOriginOld        web.Opt[bool]                       `json:"cross_origin_auth"`
	CrossOriginLoc        web.Opt[string]                     `json:"cross_origin_loc" doc:"URL of the location in your site where the cross origin verification takes place"`
	LoginPageOn           web.Opt[bool]                       `json:"custom_login_page_on" doc:"true if the custom login page is to be used, false otherwise"`
	LoginPage             web.Opt[string]                     `json:"custom_login_page" doc:"The content (HTML, CSS, JS) of the custom login page"`
	LoginPagePreview      web.Opt[string]                     `json:"custom_login_page_preview" doc:"The content (HTML, CSS, JS) of the custom login page (used on previews)"`
	FormTemplate          web.Opt[string]                     `json:"form_template" doc:"HTML form template to be used for WS-Federation"`
	EncryptionKey         web.Opt[map[string]web.Opt[string]] `json:"encryption_key"`
	TokenExchange         web.Opt[tokenExchangeIn]            `json:"token_exchange"`
	IdentityAssertion     web.Opt[connectionActiveIn]         `json:"identity_assertion_authorization_grant"`
	TokenQuota            web.Opt[tokenQuotaIn]               `json:"token_quota"`
	OIDCLogout            web.Opt[clientLogoutIn]             `json:"oidc_logout"`
	BackchannelLogout     web.Opt[clientLogoutIn]             `json:"oidc_backchannel_logout"`
	SessionTransfer       web.Opt[sessionTransferIn]          `json:"session_transfer"`
	OrganizationUsage     web.Opt[string]                     `json:"organization_usage" schema:"enum=deny|allow|require" doc:"Defines how to proceed during an authentication transaction with regards to an organization"`
	OrganizationBehavior  web.Opt[string]                     `json:"organization_require_behavior" schema:"enum=no_prompt|pre_login_prompt|post_login_prompt" doc:"Defines how to proceed during an authentication transaction when organization_usage is require"`
	OrganizationDiscovery web.Opt[[]string]                   `json:"organization_discovery_methods" schema:"enum=email|organization_name,min=1,unique" doc:"Defines the available methods for organization discovery during the pre_login_prompt"`
	DefaultOrganization   web.Opt[defaultOrganizationIn]      `json:"default_organization"`
	Mobile                web.Opt[mobileIn]                   `json:"mobile"`
	NativeSocialLogin     web.Opt[nativeSocialIn]             `json:"native_social_login"`
	FedCM                 web.Opt[fedCMIn]                    `json:"fedcm_login"`
	Addons                web.Opt[addonsIn]                   `json:"addons"`
	ResourceServer        web.Opt[string]                     `json:"resource_server_identifier" schema:"max=600" doc:"The identifier of the resource server that this client is linked to"`
	ThirdPartySecurity    web.Opt[string]                     `json:"third_party_security_mode" schema:"enum=strict|permissive"`
	RedirectionPolicy     web.Opt[string]                     `json:"redirection_policy" schema:"enum=allow_always|open_redirect_protection"`
	Express               web.Opt[expressIn]                  `json:"express_configuration"`
	MyOrganization        web.Opt[myOrganizationIn]           `json:"my_organization_configuration"`
	AsyncApproval         web.Opt[[]string]                   `json:"async_approval_notification_channels" schema:"enum=guardian-push|email,min=1,unique" doc:"Array of notification channels for contacting the user when their approval is required"`
	SkipConfirmation      web.Opt[bool]                       `json:"skip_non_verifiable_callback_uri_confirmation_prompt" doc:"Controls whether the confirmation prompt is shown for non-verifiable callback URIs"`
	UserInfoAlgorithm     web.Opt[string]                     `json:"userinfo_signed_response_alg" schema:"enum=RS256|PS256" doc:"How answers of /userinfo are signed for this client; an addition of Stagedoor's"`
	AnonymousSessions     web.Opt[connectionActiveIn]         `json:"anonymous_sessions"`
	AnonymousBinding      web.Opt[string]                     `json:"enforce_anon_session_transfer_network_binding" schema:"enum=ip|asn|none"`
	B2B                   web.Opt[b2bIn]                      `json:"b2b_integration_configuration"`
	OIDCSupport           web.Opt[oidcSupportIn]              `json:"oidc_support"`
	PARExpiry             web.Opt[int]                        `json:"par_request_expiry" schema:"min=10,max=600" doc:"Specifies how long, in seconds, a Pushed Authorization Request URI remains valid"`
}

type b2bIn struct {
	Profiles web.Opt[[]string] `json:"sso_profiles" schema:"max=1"`
	Type     web.Opt[string]   `json:"integration_type" schema:"enum=custom_auth_server|third_party|application"`
}

// oidcSupportIn says whether a client may use OIDC, and for which scopes.
type oidcSupportIn struct {
	Allowed   bool              `json:"is_allowed" schema:"required"`
	AllScopes web.Opt[bool]     `json:"allow_all_scopes"`
	Scopes    web.Opt[[]string] `json:"allowed_scopes" schema:"max=100,unique"`
}

// limits tells whether something is not allowed.
func (in oidcSupportIn) limits() bool {
	return !in.Allowed || !in.AllScopes.Value && len(in.Scopes.Value) > 0 || in.AllScopes.Has() && !in.AllScopes.Value
}

type tokenExchangeIn struct {
	AllowAnyProfile web.Opt[[]string] `json:"allow_any_profile_of_type" schema:"enum=custom_authentication|on_behalf_of_token_exchange,unique"`
}

type tokenQuotaIn struct {
	ClientCredentials tokenQuotaLimitsIn `json:"client_credentials" schema:"required"`
}

type tokenQuotaLimitsIn struct {
	_       struct{}      `schema:"min=1"`
	Enforce web.Opt[bool] `json:"enforce"`
	PerDay  web.Opt[int]  `json:"per_day" schema:"min=1,max=2147483647"`
	PerHour web.Opt[int]  `json:"per_hour" schema:"min=1,max=2147483647"`
}

type backchannelLogoutIn struct {
	URLs web.Opt[[]string] `json:"backchannel_logout_urls" schema:"max=10" pattern:"^https://" doc:"Comma-separated list of URLs that are valid to call back from Auth0 for OIDC backchannel logout"`
}

type clientLogoutIn struct {
	backchannelLogoutIn
	Initiators      web.Opt[logoutInitiatorsIn] `json:"backchannel_logout_initiators"`
	SessionMetadata web.Opt[includeIn]          `json:"backchannel_logout_session_metadata"`
}

type logoutInitiatorsIn struct {
	Mode     web.Opt[string]   `json:"mode" schema:"enum=custom|all"`
	Selected web.Opt[[]string] `json:"selected_initiators" schema:"enum=rp-logout|idp-logout|password-changed|session-expired|session-revoked|account-deleted|email-identifier-changed|mfa-phone-unenrolled|account-deactivated,unique"`
}

type includeIn struct {
	Include web.Opt[bool] `json:"include"`
}

type sessionTransferIn struct {
	CanCreate     web.Opt[bool]         `json:"can_create_session_transfer_token"`
	Cascade       web.Opt[bool]         `json:"enforce_cascade_revocation"`
	Methods       web.Opt[[]string]     `json:"allowed_authentication_methods" schema:"enum=cookie|query,unique"`
	DeviceBinding web.Opt[string]       `json:"enforce_device_binding" schema:"enum=ip|asn|none"`
	RefreshToken  web.Opt[bool]         `json:"allow_refresh_token"`
	OnlineRefresh web.Opt[bool]         `json:"enforce_online_refresh_tokens"`
	Delegation    web.Opt[delegationIn] `json:"delegation"`
}

type delegationIn struct {
	Allowed       web.Opt[bool]   `json:"allow_delegated_access"`
	DeviceBinding web.Opt[string] `json:"enforce_device_binding" schema:"enum=ip|asn"`
}

type defaultOrganizationIn struct {
	OrganizationID string   `json:"organization_id" schema:"required" pattern:"^org_[A-Za-z0-9]{16}$" doc:"The default Organization ID to be used"`
	Flows          []string `json:"flows" schema:"required,enum=client_credentials,min=1,unique" doc:"The default Organization usage"`
}

type mobileIn struct {
	Android web.Opt[androidIn] `json:"android"`
	IOS     web.Opt[iosIn]     `json:"ios"`
}

type androidIn struct {
	Package      web.Opt[string]   `json:"app_package_name" schema:"min=1"`
	Fingerprints web.Opt[[]string] `json:"sha256_cert_fingerprints" schema:"min=1"`
}

type iosIn struct {
	TeamID web.Opt[string] `json:"team_id" schema:"min=1"`
	Bundle web.Opt[string] `json:"app_bundle_identifier" schema:"min=1"`
}

type nativeSocialIn struct {
	Apple    web.Opt[enabledIn] `json:"apple"`
	Facebook web.Opt[enabledIn] `json:"facebook"`
	Google   web.Opt[enabledIn] `json:"google"`
}

type enabledIn struct {
	Enabled web.Opt[bool] `json:"enabled"`
}

type fedCMIn struct {
	Google web.Opt[isEnabledIn] `json:"google"`
}

type isEnabledIn struct {
	IsEnabled web.Opt[bool] `json:"is_enabled"`
}

// addonsIn are the names of addons; each is an object of its own shape, which is not looked into.
type addonsIn struct {
	AWS           addon `json:"aws"`
	AzureBlob     addon `json:"azure_blob"`
	AzureSB       addon `json:"azure_sb"`
	RMS           addon `json:"rms"`
	MSCRM         addon `json:"mscrm"`
	Slack         addon `json:"slack"`
	Sentry        addon `json:"sentry"`
	Box           addon `json:"box"`
	CloudBees     addon `json:"cloudbees"`
	Concur        addon `json:"concur"`
	Dropbox       addon `json:"dropbox"`
	EchoSign      addon `json:"echosign"`
	Egnyte        addon `json:"egnyte"`
	Firebase      addon `json:"firebase"`
	NewRelic      addon `json:"newrelic"`
	Office365     addon `json:"office365"`
	Salesforce    addon `json:"salesforce"`
	SalesforceAPI addon `json:"salesforce_api"`
	SandboxAPI    addon `json:"salesforce_sandbox_api"`
	SAMLP         addon `json:"samlp"`
	Layer         addon `json:"layer"`
	SAPAPI        addon `json:"sap_api"`
	SharePoint    addon `json:"sharepoint"`
	SpringCM      addon `json:"springcm"`
	WAMS          addon `json:"wams"`
	WSFed         addon `json:"wsfed"`
	Zendesk       addon `json:"zendesk"`
	Zoom          addon `json:"zoom"`
	SSO           addon `json:"sso_integration"`
	OAG           addon `json:"oag"`
}

type addon = web.Opt[map[string]json.RawMessage]

type expressIn struct {
	InitiateLoginURI string                `json:"initiate_login_uri_template" schema:"required,max=1000" pattern:"^https://" doc:"The URI users should bookmark to log in to this application"`
	AttributeProfile string                `json:"user_attribute_profile_id" schema:"required" pattern:"^uap_[A-Za-z0-9]{22}$" doc:"The ID of the user attribute profile to use for this application"`
	Profile          string                `json:"connection_profile_id" schema:"required" pattern:"^cop_[A-Za-z0-9]{22}$" doc:"The ID of the connection profile to use for this application"`
	EnableClient     bool                  `json:"enable_client" schema:"required"`
	EnableOrg        bool                  `json:"enable_organization" schema:"required"`
	LinkedClients    web.Opt[[]clientIDIn] `json:"linked_clients" schema:"max=1"`
	OINClientID      string                `json:"okta_oin_client_id" schema:"required,min=1,max=255"`
	AdminLoginDomain string                `json:"admin_login_domain" schema:"required,min=1,max=255"`
	OINSubmission    web.Opt[string]       `json:"oin_submission_id" schema:"max=255"`
}

type clientIDIn struct {
	ClientID string `json:"client_id" schema:"required,min=1,max=255"`
}

type myOrganizationIn struct {
	Profile          web.Opt[string] `json:"connection_profile_id" pattern:"^cop_[A-Za-z0-9]{22}$" doc:"The connection profile ID that this client should validate against"`
	AttributeProfile web.Opt[string] `json:"user_attribute_profile_id" pattern:"^uap_[A-Za-z0-9]{22}$" doc:"The user attribute profile ID that this client should validate against"`
	Strategies       []string        `json:"allowed_strategies" schema:"required,enum=pingfederate|adfs|waad|google-apps|okta|oidc|samlp,unique" doc:"The allowed connection strategies for the My Organization Configuration"`
	Deletion         string          `json:"connection_deletion_behavior" schema:"required,enum=allow|allow_if_empty" doc:"The deletion behavior for this client"`
	InvitationClient web.Opt[string] `json:"invitation_landing_client_id" schema:"max=255"`
}

// tokenVaultIn is access to tokens of people's other accounts; every write holds all three members.
type tokenVaultIn struct {
	Credentials []credentialIn     `json:"credentials" schema:"required,max=2"`
	IPAllowlist []string           `json:"ip_allowlist" schema:"required,max=10,unique" doc:"IP addresses and CIDR ranges"`
	Grants      []tokenVaultGrants `json:"grants" schema:"required,max=5"`
}

type tokenVaultGrants struct {
	Connection string   `json:"connection" schema:"required,min=1,max=128"`
	Scopes     []string `json:"scopes" schema:"required,max=20,unique"`
}

func (in *tokenVaultIn) check(created bool) error {
	const path = "token_vault_privileged_access"
	switch {
	case created && len(in.IPAllowlist) == 0:
		return badProperty(path+".ip_allowlist", "Array is too short (0), minimum 1")
	case created && len(in.Grants) == 0:
		return badProperty(path+".grants", "Array is too short (0), minimum 1")
	}
	for i, entry := range in.IPAllowlist {
		_, err := netip.ParseAddr(entry)
		if _, other := netip.ParsePrefix(entry); err != nil && other != nil {
			return badProperty(path+".ip_allowlist["+itoa(i)+"]", "Object didn't pass validation for format ip-or-cidr: "+bounded(entry, 100))
		}
	}
	for i, g := range in.Grants {
		first := slices.IndexFunc(in.Grants, func(o tokenVaultGrants) bool { return o.Connection == g.Connection })
		if first < i {
			return badProperty(path+".grants", "Array items are not unique (indexes "+itoa(first)+" and "+itoa(i)+")")
		}
	}
	return nil
}

// shaped checks members that have no field of their own against a schema whose fields say what they may hold.
func shaped[T any](schema *web.Schema[T], rest map[string]json.RawMessage) (T, error) {
	if len(rest) == 0 {
		var none T
		return none, nil
	}
	all, err := json.Marshal(rest)
	if err != nil {
		var none T
		return none, badProperty("", "The body cannot be read")
	}
	return schema.Decode(all)
}
