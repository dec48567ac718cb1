package stagedoor

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Client is an application that asks for tokens (Management API fact sheet 3.4).
type Client struct {
	ID             string `json:"client_id"`
	Tenant         string `json:"tenant"`
	Global         bool   `json:"global"` // the one client that stands for the tenant itself
	Name           string `json:"name"`
	Description    string `json:"description,omitempty"`
	LogoURI        string `json:"logo_uri,omitempty"`
	Secret         string `json:"client_secret,omitempty"` // sealed at rest
	AppType        string `json:"app_type,omitempty"`
	IsFirstParty   bool   `json:"is_first_party"`
	OIDCConformant bool   `json:"oidc_conformant"`

	Callbacks         []string `json:"callbacks,omitzero"`
	AllowedOrigins    []string `json:"allowed_origins,omitzero"`
	WebOrigins        []string `json:"web_origins,omitzero"`
	AllowedLogoutURLs []string `json:"allowed_logout_urls,omitzero"`
	GrantTypes        []string `json:"grant_types,omitzero"`

	TokenEndpointAuthMethod string            `json:"token_endpoint_auth_method,omitempty"`
	JWTConfiguration        JWTConfiguration  `json:"jwt_configuration"`
	RefreshToken            RefreshTokenRules `json:"refresh_token"`
	InitiateLoginURI        string            `json:"initiate_login_uri,omitempty"`
	Metadata                map[string]string `json:"client_metadata,omitzero"`

	// How the client proves itself where it does so with keys, and what it must do to be served; see client_credential.go.
	AuthenticationMethods    *ClientAuthentication `json:"client_authentication_methods,omitempty"`
	SignedRequestObject      *SignedRequestObject  `json:"signed_request_object,omitempty"`
	RequirePAR               *bool                 `json:"require_pushed_authorization_requests,omitempty"`
	RequireProofOfPossession *bool                 `json:"require_proof_of_possession,omitempty"`
	ComplianceLevel          string                `json:"compliance_level,omitempty"`
	Credentials              []ClientCredential    `json:"credentials,omitzero"` // never shown as part of the client

	CreatedAt  int64 `json:"created_at,omitempty"`  // milliseconds; 0: before this was noted
	UpdatedAt  int64 `json:"updated_at,omitempty"`  // milliseconds
	DocumentAt int64 `json:"document_at,omitempty"` // when the document that describes the client was fetched, or the client registered itself, in seconds; never shown

	// Stored are settings that are kept and returned but have no effect yet; they are
	// listed in docs/divergences.md.
	Stored map[string]json.RawMessage `json:"-"`
}

// JWTConfiguration tells how a client's ID tokens are made.
type JWTConfiguration struct {
	Algorithm         string          `json:"alg,omitempty"` // HS256 or RS256; empty means HS256 for legacy clients
	LifetimeInSeconds int             `json:"lifetime_in_seconds,omitempty"`
	SecretEncoded     bool            `json:"secret_encoded"`
	Scopes            json.RawMessage `json:"scopes,omitempty"`
}

// RefreshTokenRules tells how a client's refresh tokens live. Lifetimes are in seconds.
type RefreshTokenRules struct {
	RotationType              string               `json:"rotation_type"`   // rotating, non-rotating
	ExpirationType            string               `json:"expiration_type"` // expiring, non-expiring
	Leeway                    int                  `json:"leeway"`
	TokenLifetime             int                  `json:"token_lifetime"`
	InfiniteTokenLifetime     bool                 `json:"infinite_token_lifetime"`
	IdleTokenLifetime         int                  `json:"idle_token_lifetime"`
	InfiniteIdleTokenLifetime bool                 `json:"infinite_idle_token_lifetime"`
	Policies                  []RefreshTokenPolicy `json:"policies,omitzero"`
}

// RefreshTokenPolicy names scopes of a further API that a refresh token is good for.
type RefreshTokenPolicy struct {
	Audience string   `json:"audience"`
	Scope    []string `json:"scope"`
}

// Rotating tells whether each use of a refresh token gives a new one.
func (r RefreshTokenRules) Rotating() bool { return r.RotationType == "rotating" }

// SkipsConfirmation tells whether people are not asked about redirect URIs at which others could listen.
func (c *Client) SkipsConfirmation() bool {
	return string(c.Stored["skip_non_verifiable_callback_uri_confirmation_prompt"]) == "true"
}

// CrossOriginLogin tells whether pages of the client may ask for passwords themselves, where the tenant lets them.
func (c *Client) CrossOriginLogin() bool {
	return string(c.Stored["cross_origin_authentication"]) == "true" || string(c.Stored["cross_origin_auth"]) == "true"
}

// LoginPage is the login page that the client brings, HTML of its own; empty if it has none. on is false where it wants none, not even the tenant's.
func (c *Client) LoginPage() (html string, on bool) {
	_ = json.Unmarshal(c.Stored["custom_login_page"], &html) // a text, or nothing
	return html, string(c.Stored["custom_login_page_on"]) != "false"
}

// TakesDelegationOf tells whether the client allows another one to get ID tokens for it.
func (c *Client) TakesDelegationOf(other string) bool {
	var allowed []string
	return json.Unmarshal(c.Stored["allowed_clients"], &allowed) == nil && slices.Contains(allowed, other)
}

// FromDocument tells whether the client is known by a document of its own alone, whose address is its id: nobody here has looked at it.
func (c *Client) FromDocument() bool {
	return string(c.Stored["external_metadata_created_by"]) == `"client"`
}

// RegisteredItself tells whether the client is known by what it said of itself alone, where the tenant lets anybody register.
func (c *Client) RegisteredItself() bool {
	return !c.IsFirstParty && strings.HasPrefix(c.ID, thirdPartyPrefix) && string(c.Stored["external_metadata_created_by"]) != `"admin"`
}

// Stranger tells whether the client is somebody else's whom nobody here has looked at, or that is held to the practice of today.
func (c *Client) Stranger() bool { return c.FromDocument() || c.RegisteredItself() || c.Strict() }

// Leads tells whether browsers may be sent to the client's addresses before somebody has logged in for it: to those of clients that nobody here has
// looked at, they are not (RFC 9700 section 4.11.2). Its redirection_policy says otherwise.
func (c *Client) Leads() bool {
	switch string(c.Stored["redirection_policy"]) {
	case `"allow_always"`:
		return true
	case `"open_redirect_protection"`:
		return false
	}
	return !c.FromDocument() && !c.RegisteredItself()
}

// Unchecked tells whether nobody here has looked at the client: it says of itself what it is called.
func (c *Client) Unchecked() bool { return (c.FromDocument() || c.RegisteredItself()) && !c.Leads() }

// Home is where people begin to log in to the client, as pages and mails of ours link to it; empty where it is unchecked: we would vouch for a page that asks for passwords.
func (c *Client) Home() string {
	if c.Unchecked() {
		return ""
	}
	return c.InitiateLoginURI
}

// Picture is what pages and mails show of the client; empty where it is unchecked: it may be another one's, and would tell a stranger who looks at the page.
func (c *Client) Picture() string {
	if c.Unchecked() {
		return ""
	}
	return c.LogoURI
}

// Host is where the document of a client comes from that is known by nothing else; empty for others.
func (c *Client) Host() string {
	u, err := url.Parse(c.ID)
	if err != nil || !c.FromDocument() {
		return ""
	}
	return u.Host
}

// Public tells whether the client has no secret to prove itself with.
func (c *Client) Public() bool { return c.TokenEndpointAuthMethod == "none" }

// Allows tells whether the client may use the grant.
func (c *Client) Allows(grant string) bool { return slices.Contains(c.GrantTypes, grant) }

// TrustsForwardedAddress tells whether the client may say for which address it asks: it proves itself, and its settings allow it.
func (c *Client) TrustsForwardedAddress() bool {
	return !c.Public() && string(c.Stored["is_token_endpoint_ip_header_trusted"]) == "true"
}

// Strict tells whether the client, which is somebody else's, is held to the practice of today: PKCE with S256, whether or not it has a secret.
func (c *Client) Strict() bool {
	return !c.IsFirstParty && string(c.Stored["third_party_security_mode"]) == `"strict"`
}

// ResourceServer returns the identifier of the API that the client stands for; empty if it is none of its kind.
func (c *Client) ResourceServer() (identifier string) {
	if json.Unmarshal(c.Stored["resource_server_identifier"], &identifier) != nil || c.AppType != "resource_server" {
		return ""
	}
	return identifier
}

// UserInfoAlgorithm returns how the answers of /userinfo are signed for the client; empty: not at all.
func (c *Client) UserInfoAlgorithm() (alg string) {
	if json.Unmarshal(c.Stored["userinfo_signed_response_alg"], &alg) != nil {
		return ""
	}
	return alg
}

// IDTokenLifetime returns the life of the client's ID tokens in seconds.
func (c *Client) IDTokenLifetime() int {
	if c.JWTConfiguration.LifetimeInSeconds > 0 {
		return c.JWTConfiguration.LifetimeInSeconds
	}
	return 36000
}

type clientFields Client

// MarshalJSON writes the known members and the stored ones.
func (c Client) MarshalJSON() ([]byte, error) { return marshalStored(clientFields(c), c.Stored) }

// UnmarshalJSON reads the known members and keeps the others in Stored.
func (c *Client) UnmarshalJSON(b []byte) (err error) {
	var known clientFields
	if known.Stored, err = unmarshalStored(b, &known); err == nil {
		*c = Client(known)
	}
	return err
}
