package stagedoor

import "encoding/json"

// ResourceServer is an API that tokens are made for (Management API fact sheet 3.7).
// Lifetimes are in seconds.
type ResourceServer struct {
	ID                  string                     `json:"id"`
	Name                string                     `json:"name"`
	Identifier          string                     `json:"identifier"`          // the audience
	IsSystem            bool                       `json:"is_system,omitempty"` // the Management API itself
	Scopes              []APIScope                 `json:"scopes,omitzero"`
	ClientID            string                     `json:"client_id,omitempty"` // of the client that stands for the API; never kept
	SigningAlgorithm    string                     `json:"signing_alg"`         // RS256, PS256 or HS256
	SigningSecret       string                     `json:"signing_secret,omitempty"`
	AllowOfflineAccess  bool                       `json:"allow_offline_access"`
	TokenLifetime       int                        `json:"token_lifetime"`
	TokenLifetimeForWeb int                        `json:"token_lifetime_for_web"` // implicit and hybrid
	SkipConsent         bool                       `json:"skip_consent_for_verifiable_first_party_clients"`
	EnforcePolicies     bool                       `json:"enforce_policies,omitempty"`
	TokenDialect        string                     `json:"token_dialect,omitempty"`
	TokenEncryption     *TokenEncryption           `json:"token_encryption,omitempty"`
	ProofOfPossession   *ProofOfPossession         `json:"proof_of_possession,omitempty"`
	SubjectTypes        *SubjectTypes              `json:"subject_type_authorization,omitempty"`
	Stored              map[string]json.RawMessage `json:"-"`
}

// TokenEncryption makes access tokens readable to the API alone.
type TokenEncryption struct {
	Format string        `json:"format"` // compact-nested-jwe
	Key    EncryptionKey `json:"encryption_key"`
}

// EncryptionKey is an API's public key.
type EncryptionKey struct {
	Name      string `json:"name,omitempty"`
	Algorithm string `json:"alg"` // RSA-OAEP-256, RSA-OAEP-384, RSA-OAEP-512
	KID       string `json:"kid,omitempty"`
	PEM       string `json:"pem,omitempty"` // never shown
}

// ProofOfPossession tells whether an API's tokens must be bound to a key.
type ProofOfPossession struct {
	Mechanism   string `json:"mechanism"` // mtls, dpop
	Required    bool   `json:"required"`
	RequiredFor string `json:"required_for,omitempty"` // public_clients, all_clients; empty counts as all_clients
}

// SubjectTypes tells who may get tokens for an API: people through clients, clients in their own name, and visitors whom nobody knows.
type SubjectTypes struct {
	User      *SubjectPolicy `json:"user,omitempty"`           // allow_all, deny_all, require_client_grant
	Client    *SubjectPolicy `json:"client,omitempty"`         // deny_all, require_client_grant
	Anonymous *SubjectPolicy `json:"anonymous_user,omitempty"` // deny_all, require_client_grant
}

// SubjectPolicy is one policy.
type SubjectPolicy struct {
	Policy string `json:"policy,omitempty"`
}

// UserPolicy returns the policy for people; without one all are allowed.
func (r *ResourceServer) UserPolicy() string {
	if r.SubjectTypes == nil || r.SubjectTypes.User == nil || r.SubjectTypes.User.Policy == "" {
		return "allow_all"
	}
	return r.SubjectTypes.User.Policy
}

// ClientPolicy returns the policy for clients in their own name; without one they need a grant.
func (r *ResourceServer) ClientPolicy() string {
	if r.SubjectTypes == nil || r.SubjectTypes.Client == nil || r.SubjectTypes.Client.Policy == "" {
		return "require_client_grant"
	}
	return r.SubjectTypes.Client.Policy
}

// TakesDetails tells whether the API knows a type of authorization details (RFC 9396).
func (r *ResourceServer) TakesDetails(kind string) bool {
	var types []struct {
		Type string `json:"type"`
	}
	if kind == "" || json.Unmarshal(r.Stored["authorization_details"], &types) != nil {
		return false
	}
	for _, t := range types {
		if t.Type == kind {
			return true
		}
	}
	return false
}

// AllowsOnline tells whether there are online refresh tokens for the API: in sessions that outlive the browser, and in those that end with it.
func (r *ResourceServer) AllowsOnline(persistent bool) bool {
	on := func(name string) bool { return string(r.Stored[name]) == "true" }
	return on("allow_online_access") && (persistent || on("allow_online_access_with_ephemeral_sessions"))
}

// NeedsProof tells whether tokens for the client must be bound to a key.
func (r *ResourceServer) NeedsProof(c *Client) bool {
	p := r.ProofOfPossession
	return p != nil && p.Required && (p.RequiredFor != "public_clients" || c.Public())
}

// APIScope is a permission that an API defines.
type APIScope struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

// Know adds those of the scopes that the API does not define yet.
func (r *ResourceServer) Know(scopes []APIScope) {
	defined := make(map[string]bool, len(r.Scopes))
	for _, s := range r.Scopes {
		defined[s.Value] = true
	}
	for _, s := range scopes {
		if !defined[s.Value] {
			r.Scopes = append(r.Scopes, s)
		}
	}
}

// Defines tells whether the API has the scope.
func (r *ResourceServer) Defines(scope string) bool {
	for _, s := range r.Scopes {
		if s.Value == scope {
			return true
		}
	}
	return false
}

type resourceServerFields ResourceServer

// MarshalJSON writes the known members and the stored ones.
func (r ResourceServer) MarshalJSON() ([]byte, error) {
	return marshalStored(resourceServerFields(r), r.Stored)
}

// UnmarshalJSON reads the known members and keeps the others in Stored.
func (r *ResourceServer) UnmarshalJSON(b []byte) (err error) {
	var known resourceServerFields
	if known.Stored, err = unmarshalStored(b, &known); err == nil {
		*r = ResourceServer(known)
	}
	return err
}

// The subjects that a client grant can be for.
const (
	SubjectClient = "client"         // the client in its own name (client_credentials)
	SubjectUser   = "user"           // people, through the client
	SubjectNobody = "anonymous_user" // visitors whom nobody knows, through the client
)

// ClientGrant lets a client ask for tokens of an API.
type ClientGrant struct {
	ID                        string   `json:"id"`
	ClientID                  string   `json:"client_id,omitempty"`
	Audience                  string   `json:"audience"`
	Scope                     []string `json:"scope"`
	OrganizationUsage         string   `json:"organization_usage,omitempty"`
	AllowAnyOrganization      *bool    `json:"allow_any_organization,omitempty"`
	SubjectType               string   `json:"subject_type,omitempty"` // empty counts as client
	AuthorizationDetailsTypes []string `json:"authorization_details_types,omitzero"`
	AllowAllScopes            *bool    `json:"allow_all_scopes,omitempty"`
	DefaultFor                string   `json:"default_for,omitempty"` // third_party_clients: of every such client without a grant of its own
	IsSystem                  bool     `json:"is_system,omitempty"`
}

// Subject returns for whom the grant is.
func (g *ClientGrant) Subject() string {
	if g.SubjectType == "" {
		return SubjectClient
	}
	return g.SubjectType
}

// Scopes returns what the grant allows of an API.
func (g *ClientGrant) Scopes(r *ResourceServer) []string {
	if g.AllowAllScopes == nil || !*g.AllowAllScopes {
		return g.Scope
	}
	all := make([]string, len(r.Scopes))
	for i, s := range r.Scopes {
		all[i] = s.Value
	}
	return all
}

// Grant is a person's consent: what a client may do in their name
// (Authentication API fact sheet 7).
type Grant struct {
	ID       string   `json:"id"`
	ClientID string   `json:"clientID"`
	UserID   string   `json:"user_id"`
	Audience string   `json:"audience"`
	Scope    []string `json:"scope"`
}

// Rule is a script that runs at every login (Management API fact sheet 3.1).
type Rule struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Script  string `json:"script"`
	Order   int    `json:"order"`
	Enabled bool   `json:"enabled"`
	Stage   string `json:"stage"`
}

// RuleStage is the stage of the rules that run.
const RuleStage = "login_success"

// Runs tells whether logins run the rule.
func (r *Rule) Runs() bool { return r.Enabled && (r.Stage == "" || r.Stage == RuleStage) }
