package mgmt

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// clientIn is what of a client can be written, at creation and later.
type clientIn struct {
	Description             web.Opt[string]                     `json:"description" schema:"max=140" doc:"Free text description of this client"`
	LogoURI                 web.Opt[string]                     `json:"logo_uri" doc:"URL of the logo to display for this client"`
	AppType                 web.Opt[string]                     `json:"app_type" schema:"enum=native|spa|regular_web|non_interactive|resource_server|express_configuration|rms|box|cloudbees|concur|dropbox|mscrm|echosign|egnyte|newrelic|office365|salesforce|sentry|sharepoint|slack|springcm|zendesk|zoom|sso_integration|oag" doc:"The type of application this client represents"`
	IsFirstParty            web.Opt[bool]                       `json:"is_first_party" schema:"notnull" doc:"Whether this client a first party client or not"`
	OIDCConformant          web.Opt[bool]                       `json:"oidc_conformant" schema:"notnull" doc:"Whether this client conforms to strict OIDC specifications (true) or uses legacy features (false)"`
	Callbacks               web.Opt[[]string]                   `json:"callbacks" schema:"max=200" doc:"Comma-separated list of URLs whitelisted to use as a callback to the client after authentication"`
	AllowedOrigins          web.Opt[[]string]                   `json:"allowed_origins" schema:"max=200" doc:"Comma-separated list of URLs allowed to make requests from JavaScript"`
	WebOrigins              web.Opt[[]string]                   `json:"web_origins" schema:"max=200" doc:"Comma-separated list of allowed origins for use with Cross-Origin Authentication, Device Flow, and web message response mode"`
	AllowedLogoutURLs       web.Opt[[]string]                   `json:"allowed_logout_urls" schema:"max=200" doc:"Comma-separated list of URLs that are valid to redirect to after logout"`
	GrantTypes              web.Opt[[]string]                   `json:"grant_types" schema:"max=50,unique" doc:"List of grant types supported for this application"`
	TokenEndpointAuthMethod web.Opt[string]                     `json:"token_endpoint_auth_method" schema:"enum=none|client_secret_post|client_secret_basic" doc:"Defines the requested authentication method for the token endpoint"`
	JWTConfiguration        web.Opt[jwtConfigurationIn]         `json:"jwt_configuration"`
	RefreshToken            web.Opt[refreshTokenIn]             `json:"refresh_token"`
	InitiateLoginURI        web.Opt[string]                     `json:"initiate_login_uri" doc:"Initiate login uri, must be https"`
	Metadata                web.Opt[map[string]web.Opt[string]] `json:"client_metadata"`
	AuthenticationMethods   web.Opt[clientAuthenticationIn]     `json:"client_authentication_methods"`
	SignedRequestObject     web.Opt[signedRequestIn]            `json:"signed_request_object"`
	TokenVault              web.Opt[tokenVaultIn]               `json:"token_vault_privileged_access"`
	RequirePAR              web.Opt[bool]                       `json:"require_pushed_authorization_requests" doc:"Makes the use of Pushed Authorization Requests mandatory for this client"`
	RequireProof            web.Opt[bool]                       `json:"require_proof_of_possession" doc:"Makes the use of Proof-of-Possession mandatory for this client"`
	ComplianceLevel         web.Opt[string]                     `json:"compliance_level" schema:"enum=none|fapi1_adv_pkj_par|fapi1_adv_mtls_par|fapi2_sp_pkj_mtls|fapi2_sp_mtls_mtls" doc:"Defines the compliance level for this client"`
	Rest                    map[string]json.RawMessage          `schema:"rest"`
}

type createClientIn struct {
	Name string `json:"name" schema:"required" pattern:"^[^<>]+$" doc:"Name of this client (min length: 1 character, does not allow < or >)"`
	clientIn
}

type updateClientIn struct {
	_      struct{}        `schema:"min=1"`
	Name   web.Opt[string] `json:"name" schema:"notnull" pattern:"^[^<>]+$" doc:"Name of this client (min length: 1 character, does not allow < or >)"`
	Secret web.Opt[string] `json:"client_secret" schema:"notnull,min=16,max=256" doc:"The secret used to sign tokens for the client"`
	clientIn
}

type jwtConfigurationIn struct {
	LifetimeInSeconds web.Opt[int]        `json:"lifetime_in_seconds" schema:"min=1,max=2592000"`
	SecretEncoded     web.Opt[bool]       `json:"secret_encoded"`
	Scopes            web.Opt[keptObject] `json:"scopes"`
	Algorithm         web.Opt[string]     `json:"alg" schema:"enum=HS256|RS256|RS512|PS256"`
}

type refreshTokenIn struct {
	RotationType              string                   `json:"rotation_type" schema:"required,enum=rotating|non-rotating"`
	ExpirationType            string                   `json:"expiration_type" schema:"required,enum=expiring|non-expiring"`
	Leeway                    web.Opt[int]             `json:"leeway" schema:"min=0,max=31557600"`
	TokenLifetime             web.Opt[int]             `json:"token_lifetime" schema:"min=1,max=157788000"`
	InfiniteTokenLifetime     web.Opt[bool]            `json:"infinite_token_lifetime"`
	IdleTokenLifetime         web.Opt[int]             `json:"idle_token_lifetime" schema:"min=1,max=157788000"`
	InfiniteIdleTokenLifetime web.Opt[bool]            `json:"infinite_idle_token_lifetime"`
	Policies                  web.Opt[[]refreshPolicy] `json:"policies" schema:"max=5"`
}

// refreshPolicy tells which scopes of another API a refresh token is good for.
type refreshPolicy struct {
	Audience string   `json:"audience" schema:"required,min=1,max=600"`
	Scope    []string `json:"scope" schema:"required"`
}

var clientShapes = web.NewSchema[clientShape]()

// NewClient returns a client as the API fills it in when only the name is given.
func NewClient(name string) *stagedoor.Client {
	return &stagedoor.Client{
		Name: name, Secret: stagedoor.NewSecret(), IsFirstParty: true,
		GrantTypes:       []string{"authorization_code", "implicit", "refresh_token", "client_credentials"},
		JWTConfiguration: stagedoor.JWTConfiguration{LifetimeInSeconds: 36000},
		RefreshToken:     defaultRefreshToken(),
		Stored: map[string]json.RawMessage{
			"is_token_endpoint_ip_header_trusted": json.RawMessage("false"), "sso_disabled": json.RawMessage("false"),
			"cross_origin_authentication": json.RawMessage("false"), "cross_origin_auth": json.RawMessage("false"),
			"custom_login_page_on": json.RawMessage("true"), "callback_url_template": json.RawMessage("false"),
		},
	}
}

// defaultRefreshToken is how refresh tokens live if nobody says more.
func defaultRefreshToken() stagedoor.RefreshTokenRules {
	return stagedoor.RefreshTokenRules{
		RotationType: "non-rotating", ExpirationType: "non-expiring", TokenLifetime: 2592000, InfiniteTokenLifetime: true,
		IdleTokenLifetime: 1296000, InfiniteIdleTokenLifetime: true,
	}
}

// allowed tells whether the caller may write what was sent.
func (in *updateClientIn) allowed(c *caller) error {
	switch {
	case (in.Secret.Set || in.encrypts()) && !c.has("update:client_keys"):
		return insufficient("update:client_keys")
	case in.AuthenticationMethods.Set && !c.has("update:client_credentials"):
		return insufficient("update:client_credentials")
	case in.TokenVault.Set && !c.hasAny("update:client_token_vault_privileged_access", "update:clients"):
		return insufficient("update:client_token_vault_privileged_access")
	}
	others := in.Name.Set || in.touched()
	if others && !c.has("update:clients") {
		return insufficient("update:clients")
	}
	return nil
}

// allowed tells whether the caller may make a client of what was sent: how it proves itself takes a scope of its own.
func (in *createClientIn) allowed(c *caller) error {
	switch {
	case in.encrypts() && !c.has("update:client_keys"):
		return insufficient("update:client_keys")
	case in.AuthenticationMethods.Has() && !c.has("create:client_credentials"):
		return insufficient("create:client_credentials")
	}
	return nil
}

// encrypts tells whether a key was sent.
func (in *clientIn) encrypts() bool {
	_, sent := in.Rest["encryption_key"]
	return sent
}

// touched tells whether a member besides the keys was sent.
func (in *clientIn) touched() bool {
	for name := range in.Rest {
		if name != "encryption_key" {
			return true
		}
	}
	return in.Description.Set || in.LogoURI.Set || in.AppType.Set || in.IsFirstParty.Set || in.OIDCConformant.Set || in.Callbacks.Set ||
		in.AllowedOrigins.Set || in.WebOrigins.Set || in.AllowedLogoutURLs.Set || in.GrantTypes.Set || in.TokenEndpointAuthMethod.Set ||
		in.JWTConfiguration.Set || in.RefreshToken.Set || in.InitiateLoginURI.Set || in.Metadata.Set || in.SignedRequestObject.Set ||
		in.RequirePAR.Set || in.RequireProof.Set || in.ComplianceLevel.Set
}

// apply copies what was sent. Objects are merged, lists replaced, null empties.
func (in *clientIn) apply(c *stagedoor.Client, created bool, now time.Time) error {
	if err := in.check(); err != nil {
		return err
	}
	in.Description.Into(&c.Description)
	in.LogoURI.Into(&c.LogoURI)
	in.AppType.Into(&c.AppType)
	in.IsFirstParty.Into(&c.IsFirstParty)
	in.OIDCConformant.Into(&c.OIDCConformant)
	in.Callbacks.Into(&c.Callbacks)
	in.AllowedOrigins.Into(&c.AllowedOrigins)
	in.WebOrigins.Into(&c.WebOrigins)
	in.AllowedLogoutURLs.Into(&c.AllowedLogoutURLs)
	in.GrantTypes.Into(&c.GrantTypes)
	in.TokenEndpointAuthMethod.Into(&c.TokenEndpointAuthMethod)
	in.InitiateLoginURI.Into(&c.InitiateLoginURI)
	if created && c.AppType != "" {
		c.RefreshToken.TokenLifetime, c.RefreshToken.IdleTokenLifetime = 31557600, 2592000
		if (c.AppType == "spa" || c.AppType == "native") && !in.TokenEndpointAuthMethod.Set {
			c.TokenEndpointAuthMethod = "none" // such clients cannot keep a secret
		}
	}
	if created {
		in.byType(c)
	}
	in.applyTokens(c, created)
	if err := in.applyMetadata(c); err != nil {
		return err
	}
	if err := in.applyCredentials(c, created, now); err != nil {
		return err
	}
	keepStored(&c.Stored, mergedRest(c.Stored, in.Rest))
	return nil
}

// mergedRest returns rest with its objects laid over those that are stored. The old name of back-channel logout is written
// under the new one.
func mergedRest(stored, rest map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, value := range rest {
		if name == "oidc_backchannel_logout" {
			if _, both := rest["oidc_logout"]; both {
				continue
			}
			name = "oidc_logout"
		}
		if web.TypeOf(value) == "object" {
			value = mergeObjects(stored[name], value)
		}
		out[name] = value
	}
	return out
}

// byType fills in what a type of client has at its creation, unless it was sent.
func (in *clientIn) byType(c *stagedoor.Client) {
	if c.AppType == "resource_server" || c.AppType == "express_configuration" {
		c.OIDCConformant = c.OIDCConformant || !in.OIDCConformant.Set
		c.RefreshToken = defaultRefreshToken()
		if !in.JWTConfiguration.Set {
			c.JWTConfiguration = stagedoor.JWTConfiguration{Algorithm: "RS256"}
		}
	}
	switch {
	case c.AppType == "resource_server" && !in.GrantTypes.Set:
		c.GrantTypes = []string{}
	case c.AppType == "express_configuration":
		if !in.GrantTypes.Set {
			c.GrantTypes = []string{"authorization_code", "client_credentials"}
		}
		if !in.AuthenticationMethods.Set {
			c.AuthenticationMethods = &stagedoor.ClientAuthentication{PrivateKeyJWT: &stagedoor.CredentialList{Credentials: []stagedoor.CredentialID{}}}
		}
		for name, value := range map[string]string{"organization_usage": `"require"`, "organization_require_behavior": `"pre_login_prompt"`} {
			keepStored(&c.Stored, map[string]json.RawMessage{name: json.RawMessage(value)})
		}
	}
}

func (in *clientIn) applyTokens(c *stagedoor.Client, created bool) {
	if in.JWTConfiguration.Set {
		jwt := in.JWTConfiguration.Value
		if created && jwt.Algorithm.Has() || in.JWTConfiguration.Null {
			c.JWTConfiguration = stagedoor.JWTConfiguration{}
		}
		jwt.LifetimeInSeconds.Into(&c.JWTConfiguration.LifetimeInSeconds)
		jwt.SecretEncoded.Into(&c.JWTConfiguration.SecretEncoded)
		if jwt.Scopes.Set {
			c.JWTConfiguration.Scopes = nil
			if jwt.Scopes.Has() {
				c.JWTConfiguration.Scopes, _ = json.Marshal(jwt.Scopes.Value) // it was read from JSON
			}
		}
		jwt.Algorithm.Into(&c.JWTConfiguration.Algorithm)
	}
	if in.RefreshToken.Null {
		c.RefreshToken = defaultRefreshToken()
	} else if in.RefreshToken.Set {
		from, to := in.RefreshToken.Value, &c.RefreshToken
		if from.ExpirationType == "expiring" && to.ExpirationType != "expiring" {
			to.InfiniteTokenLifetime, to.InfiniteIdleTokenLifetime = false, false
		}
		to.RotationType, to.ExpirationType = from.RotationType, from.ExpirationType
		from.Leeway.Into(&to.Leeway)
		from.TokenLifetime.Into(&to.TokenLifetime)
		from.InfiniteTokenLifetime.Into(&to.InfiniteTokenLifetime)
		from.IdleTokenLifetime.Into(&to.IdleTokenLifetime)
		from.InfiniteIdleTokenLifetime.Into(&to.InfiniteIdleTokenLifetime)
		if from.Policies.Null {
			to.Policies = nil
		} else if from.Policies.Set {
			to.Policies = make([]stagedoor.RefreshTokenPolicy, len(from.Policies.Value))
			for i, p := range from.Policies.Value {
				to.Policies[i] = stagedoor.RefreshTokenPolicy(p)
			}
		}
	}
}

func (in *clientIn) applyMetadata(c *stagedoor.Client) error {
	if !in.Metadata.Set {
		return nil
	}
	if in.Metadata.Null {
		c.Metadata = nil
		return nil
	}
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	for key, value := range in.Metadata.Value {
		if !value.Has() || value.Value == "" {
			delete(c.Metadata, key)
			continue
		}
		if err := shortMetadata("client_metadata", key, value.Value); err != nil {
			return err
		}
		c.Metadata[key] = value.Value
	}
	if len(c.Metadata) > 10 {
		return badProperty("client_metadata", "Too many properties defined ("+itoa(len(c.Metadata))+"), maximum 10")
	}
	return nil
}

// grantTypes are those that a client may be given (Authentication API fact sheet 4.1); most are served later.
var grantTypePrefixes = []string{
	"authorization_code", "implicit", "refresh_token", "client_credentials", "password", "http://auth0.com/oauth/",
	"urn:ietf:params:oauth:grant-type:", "urn:openid:params:grant-type:", "urn:auth0:params:oauth:grant-type:", "urn:okta:params:oauth:grant-type:",
}

func (in *clientIn) check() error {
	for _, shown := range []string{"created_at", "updated_at"} { // tools write back what they have read
		delete(in.Rest, shown)
	}
	shapes, err := shaped(clientShapes, in.Rest)
	if err != nil {
		return err
	}
	if alg := in.JWTConfiguration.Value.Algorithm.Value; alg == "RS512" {
		return unsupported("The algorithm " + alg)
	}
	if shapes.SessionTransfer.Value.Delegation.Value.Allowed.Value {
		return unsupported("A session in the name of somebody else (allow_delegated_access)")
	}
	if s := shapes.OIDCSupport; s.Has() && s.Value.limits() {
		return unsupported("A client that may not use all of OIDC (oidc_support)")
	}
	for i, grant := range in.GrantTypes.Value {
		known := false
		for _, prefix := range grantTypePrefixes {
			known = known || grant == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(grant, prefix) ||
				strings.HasSuffix(prefix, ":") && strings.HasPrefix(grant, prefix)
		}
		if !known {
			return badProperty("grant_types["+itoa(i)+"]", "No enum match for: "+grant)
		}
	}
	for name, list := range map[string][]string{
		"callbacks": in.Callbacks.Value, "allowed_origins": in.AllowedOrigins.Value, "web_origins": in.WebOrigins.Value,
		"allowed_logout_urls": in.AllowedLogoutURLs.Value,
	} {
		for i, entry := range list {
			if !isURL(entry) {
				return badProperty(name+"["+itoa(i)+"]", "Object didn't pass validation for format url: "+entry)
			}
		}
	}
	if uri := in.InitiateLoginURI.Value; uri != "" && (!isURL(uri) || !strings.HasPrefix(uri, "https://")) {
		return badProperty("initiate_login_uri", "Object didn't pass validation for format absolute-https-uri-or-empty: "+uri)
	}
	if uri := in.LogoURI.Value; uri != "" && (!isURL(uri) || !strings.HasPrefix(uri, "http")) {
		return badProperty("logo_uri", "Object didn't pass validation for format absolute-uri-or-empty: "+uri)
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{[a-z_.]+\}`)

// isURL tells whether a browser may be sent there: an absolute URL, with placeholders or not, that runs no script.
func isURL(entry string) bool {
	if len(entry) > 2000 || strings.ContainsAny(entry, " \t\r\n<>\"\\") {
		return false
	}
	u, err := url.Parse(placeholder.ReplaceAllString(entry, "x"))
	if err != nil || u.Scheme == "" || u.User != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript", "blob", "file", "about":
		return false
	case "http", "https":
		return u.Host != ""
	}
	return true
}

func itoa(n int) string { return strconv.Itoa(n) }
