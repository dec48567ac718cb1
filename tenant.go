package stagedoor

import (
	"encoding/json"
	"slices"
	"time"
)

// Tenant is one customer of the server: its users, clients, keys and settings are
// apart from every other tenant's.
type Tenant struct {
	ID        string // also its name: context.tenant in rules
	Domains   []string
	Settings  TenantSettings
	CreatedAt time.Time
	ACLs      []NetworkACL // in the order in which they decide
}

// Domain returns the canonical domain (host, and port unless it is the usual one).
func (t *Tenant) Domain() string {
	if len(t.Domains) == 0 {
		return ""
	}
	return t.Domains[0]
}

// Serves tells whether a client is known to the tenant: those of documents are as long as it takes such.
func (t *Tenant) Serves(c *Client) bool {
	return !c.FromDocument() || t.Settings.ClientIDMetadataSupported
}

// LogoutDetails are the details of a log event about the end of a session.
func (t *Tenant) LogoutDetails(s *Session) map[string]any {
	details := map[string]any{"session_id": s.ID}
	if len(s.Metadata) > 0 && t.Settings.LogsSessionMetadata() {
		details["session_metadata"] = s.Metadata
	}
	return details
}

// Allows tells whether the tenant answers under the domain.
func (t *Tenant) Allows(domain string) bool { return slices.Contains(t.Domains, domain) }

// TenantSettings are what an operator changes while the server runs (Management API fact
// sheet 3.15). Lifetimes are in hours, fractions allowed.
type TenantSettings struct {
	FriendlyName              string      `json:"friendly_name,omitempty"`
	PictureURL                string      `json:"picture_url,omitempty"`
	SupportEmail              string      `json:"support_email,omitempty"`
	SupportURL                string      `json:"support_url,omitempty"`
	AllowedLogoutURLs         []string    `json:"allowed_logout_urls,omitzero"`
	DefaultAudience           string      `json:"default_audience,omitempty"`
	DefaultDirectory          string      `json:"default_directory,omitempty"`
	DefaultRedirectionURI     string      `json:"default_redirection_uri,omitempty"`
	ErrorPage                 *ErrorPage  `json:"error_page,omitempty"`
	SessionLifetime           float64     `json:"session_lifetime,omitempty"`
	IdleSessionLifetime       float64     `json:"idle_session_lifetime,omitempty"`
	EphemeralSessionLifetime  float64     `json:"ephemeral_session_lifetime,omitempty"`
	IdleEphemeralLifetime     float64     `json:"idle_ephemeral_session_lifetime,omitempty"`
	SessionCookie             *CookieMode `json:"session_cookie,omitempty"`
	OIDCLogout                OIDCLogout  `json:"oidc_logout"`
	SandboxVersion            string      `json:"sandbox_version,omitempty"`
	SandboxVersionsAvailable  []string    `json:"sandbox_versions_available,omitzero"`
	EnabledLocales            []string    `json:"enabled_locales,omitzero"`
	ResourceParameterProfile  string      `json:"resource_parameter_profile,omitempty"`
	ClientIDMetadataSupported bool        `json:"client_id_metadata_document_supported"`
	ClientIDMetadataDynamic   *bool       `json:"client_id_metadata_document_dynamic_registration_supported,omitempty"` // nil: as ClientIDMetadataSupported
	Flags                     Flags       `json:"flags"`

	// Local holds the settings that Stagedoor adds to the wire API.
	Local LocalSettings `json:"stagedoor"`

	Stored map[string]json.RawMessage `json:"-"`
}

// ErrorPage tells where errors go that no client can be trusted with.
type ErrorPage struct {
	HTML        string `json:"html,omitempty"`
	ShowLogLink bool   `json:"show_log_link"`
	URL         string `json:"url,omitempty"`
}

// CookieMode is persistent or non-persistent.
type CookieMode struct {
	Mode string `json:"mode"`
}

// OIDCLogout holds the tenant's switches of RP-initiated logout.
type OIDCLogout struct {
	EndSessionDiscovery bool `json:"rp_logout_end_session_endpoint_discovery"`
}

// Flags are the tenant's switches by their wire names; absent means false.
type Flags map[string]bool

// The flags that have an effect.
const (
	FlagIDTokenAPI2       = "enable_idtoken_api2"                    // an ID token acts on its owner's record
	FlagSignupUserExists  = "enable_public_signup_user_exists_error" // sign-up tells that the user exists
	FlagScopeDescriptions = "use_scope_descriptions_for_consent"     // consent shows the API's own texts
	FlagClientConnections = "enable_client_connections"              // new clients are enabled on every connection
	FlagLegacyRO          = "allow_legacy_ro_grant_types"            // /oauth/ro, for clients of the old kind that may use it
	FlagLegacyDelegation  = "allow_legacy_delegation_grant_types"    // /delegation, likewise
	FlagLegacyTokenInfo   = "allow_legacy_tokeninfo_endpoint"        // /tokeninfo, likewise
	FlagRevokeGrant       = "revoke_refresh_token_grant"             // revoking a refresh token deletes the grant too
	FlagRegistration      = "enable_dynamic_client_registration"     // anybody may register clients (RFC 7591)
	FlagHideEnterprise    = "no_disclose_enterprise_connections"     // what Lock loads has no domains of companies
	FlagRequirePAR        = "require_pushed_authorization_requests"  // logins begin by pushed requests only (RFC 9126)
	FlagKeysWithoutAlg    = "remove_alg_from_jwks"                   // public keys do not say which algorithm they are for
)

// EffectiveFlags are the flags that have an effect: those that were never set are shown as false.
var EffectiveFlags = []string{
	FlagIDTokenAPI2, FlagSignupUserExists, FlagScopeDescriptions, FlagClientConnections, FlagLegacyRO, FlagLegacyDelegation, FlagLegacyTokenInfo, FlagRevokeGrant,
	FlagRegistration, FlagHideEnterprise, FlagRequirePAR, FlagKeysWithoutAlg,
}

// LocalSettings are settings of a tenant that the wire API does not know.
type LocalSettings struct {
	// LoopbackIsVerifiable lets clients on localhost skip consent as if their address
	// could be verified (Authentication API fact sheet 7).
	LoopbackIsVerifiable bool `json:"loopback_is_verifiable"`
	// MaxMetadataBytes bounds user_metadata and app_metadata, each; 0 means 1 MiB.
	MaxMetadataBytes int `json:"max_metadata_bytes,omitempty"`
	// MaxImportBytes bounds the file of an import of users; 0 means 512000, as the wire has it.
	MaxImportBytes int `json:"max_import_bytes,omitempty"`
	// DevelopmentInbox shows outgoing mail on a page instead of sending it.
	DevelopmentInbox bool `json:"development_inbox"`
	// SuggestLinking asks people who come by a provider, and whose verified address another account of theirs has too, whether to link the two.
	SuggestLinking bool `json:"suggest_linking,omitempty"`
	// NoFactorMails keeps people from being told by mail when a second factor or passkey of theirs was added or removed, or their recovery code used.
	NoFactorMails bool `json:"no_factor_mails,omitempty"`
	// EmbeddedLogin lets pages of clients with cross_origin_authentication ask for passwords themselves.
	EmbeddedLogin bool `json:"embedded_login,omitempty"`
	// MaxSearchResults is how many records lists of users and logs can be paged through; 0 means all. The API that we follow has
	// 1000 (Management API fact sheet 1.4).
	MaxSearchResults int `json:"max_search_results,omitempty"`
	// ManagementRate and ManagementBurst limit what one client may ask of the Management API: so many requests a second in the
	// long run, so many at once. 0 means no limit.
	ManagementRate  int `json:"management_rate,omitempty"`
	ManagementBurst int `json:"management_burst,omitempty"`
	// AnonymousRate is how many sessions of visitors may begin a second in the long run; 0 means 100.
	AnonymousRate int `json:"anonymous_rate,omitempty"`
	// ScriptRuntime is what the tenant's scripts run on: auto, embedded or node; empty means auto.
	ScriptRuntime string `json:"script_runtime,omitempty"`
	// ScriptRecording is the flight recorder's setting, ScriptLimits bound runs by the kind of their scripts: rules, actions, hooks, connections.
	ScriptRecording ScriptRecording `json:"script_recording,omitzero"`
	ScriptLimits    KindLimits      `json:"script_limits,omitzero"`
	// LogRetentionDays and LogMaxBytes bound the tenant's log; 0 means what the operator says.
	LogRetentionDays int `json:"log_retention_days,omitempty"`
	LogMaxBytes      int `json:"log_max_bytes,omitempty"`
	// PrimaryColor is the colour of buttons and links on the hosted pages, #rrggbb; empty means
	// Stagedoor's own.
	PrimaryColor string `json:"primary_color,omitempty"`
	// Account is what the page is like on which people look after their own account; nil: there is none.
	Account *AccountSettings `json:"account,omitempty"`
}

// TakesDocuments tells whether a client that nobody here has made is one if its id is the address of a document that describes it.
func (s *TenantSettings) TakesDocuments() bool {
	return s.ClientIDMetadataSupported && (s.ClientIDMetadataDynamic == nil || *s.ClientIDMetadataDynamic)
}

// MetadataLimit returns the largest size of a metadata object in bytes.
func (s *TenantSettings) MetadataLimit() int {
	if s.Local.MaxMetadataBytes > 0 {
		return s.Local.MaxMetadataBytes
	}
	return 1 << 20
}

// ImportLimit returns the largest size of the file of an import of users in bytes (Management API fact sheet 3.12).
func (s *TenantSettings) ImportLimit() int {
	if s.Local.MaxImportBytes > 0 {
		return s.Local.MaxImportBytes
	}
	return 512000
}

// SessionLifetimes returns how long a session lives at most and how long it may idle.
func (s *TenantSettings) SessionLifetimes() (absolute, idle time.Duration) {
	hours := func(h, otherwise float64) time.Duration {
		if h <= 0 {
			h = otherwise
		}
		return time.Duration(h * float64(time.Hour))
	}
	if s.SessionCookie != nil && s.SessionCookie.Mode == "non-persistent" {
		return hours(s.EphemeralSessionLifetime, 72), hours(s.IdleEphemeralLifetime, 24)
	}
	return hours(s.SessionLifetime, 168), hours(s.IdleSessionLifetime, 72)
}

// AsksLogout tells whether somebody is asked before an application that cannot prove that it speaks for them logs them out.
func (s *TenantSettings) AsksLogout() bool {
	var sessions struct {
		Prompt *bool `json:"oidc_logout_prompt_enabled"`
	}
	return json.Unmarshal(s.Stored["sessions"], &sessions) != nil || sessions.Prompt == nil || *sessions.Prompt
}

// ACRValues are the ways of signing in that clients may ask for by acr_values, as the tenant tells them (OpenID Connect Discovery 1.0 section 3).
func (s *TenantSettings) ACRValues() (values []string) {
	if json.Unmarshal(s.Stored["acr_values_supported"], &values) != nil {
		return nil
	}
	return values
}

// LogsSessionMetadata tells whether log events of logouts hold the metadata of the session.
func (s *TenantSettings) LogsSessionMetadata() bool {
	return string(s.Stored["include_session_metadata_in_tenant_logs"]) == "true"
}

// PasswordPage is the page of the tenant's own on which people choose a new password, HTML with Liquid; empty if it has none, or switched it off.
func (s *TenantSettings) PasswordPage() string {
	var own struct {
		Enabled bool   `json:"enabled"`
		HTML    string `json:"html"`
	}
	if json.Unmarshal(s.Stored["change_password"], &own) != nil || !own.Enabled {
		return ""
	}
	return own.HTML
}

type tenantSettingsFields TenantSettings

// MarshalJSON writes the known members and the stored ones.
func (s TenantSettings) MarshalJSON() ([]byte, error) {
	return marshalStored(tenantSettingsFields(s), s.Stored)
}

// UnmarshalJSON reads the known members and keeps the others in Stored.
func (s *TenantSettings) UnmarshalJSON(b []byte) (err error) {
	var known tenantSettingsFields
	if known.Stored, err = unmarshalStored(b, &known); err == nil {
		*s = TenantSettings(known)
	}
	return err
}

// DefaultTenantSettings are the settings of a new tenant.
func DefaultTenantSettings() TenantSettings {
	return TenantSettings{
		SessionLifetime: 168, IdleSessionLifetime: 72,
		SandboxVersion: "22", SandboxVersionsAvailable: []string{"22"},
		EnabledLocales:           []string{"en"},
		OIDCLogout:               OIDCLogout{EndSessionDiscovery: true},
		ResourceParameterProfile: "audience",
		Flags:                    Flags{FlagClientConnections: true},
		Stored:                   map[string]json.RawMessage{"authorization_response_iss_parameter_supported": json.RawMessage("true")},
	}
}
