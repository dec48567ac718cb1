package stagedoor

import "encoding/json"

// ResourceServer is an API that tokens are made for (Management API fact sheet 3.7).
// Lifetimes are in seconds.
type ResourceServer struct {
	ID                  string                     `json:"id"`
	Name                string                     `json:"name"`
	Identifier          string                     `json:"identifier"` // the audience
	IsSystem            bool                       `json:"is_system"`  // the Management API itself
	Scopes              []APIScope                 `json:"scopes,omitzero"`
	SigningAlgorithm    string                     `json:"signing_alg"` // RS256 or HS256
	SigningSecret       string                     `json:"signing_secret,omitempty"`
	AllowOfflineAccess  bool                       `json:"allow_offline_access"`
	TokenLifetime       int                        `json:"token_lifetime"`
	TokenLifetimeForWeb int                        `json:"token_lifetime_for_web"` // implicit and hybrid
	SkipConsent         bool                       `json:"skip_consent_for_verifiable_first_party_clients"`
	EnforcePolicies     bool                       `json:"enforce_policies,omitempty"`
	TokenDialect        string                     `json:"token_dialect,omitempty"`
	Stored              map[string]json.RawMessage `json:"-"`
}

// APIScope is a permission that an API defines.
type APIScope struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
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

// ClientGrant lets a client ask for tokens in its own name (client_credentials).
type ClientGrant struct {
	ID                   string   `json:"id"`
	ClientID             string   `json:"client_id"`
	Audience             string   `json:"audience"`
	Scope                []string `json:"scope"`
	OrganizationUsage    string   `json:"organization_usage,omitempty"`
	AllowAnyOrganization *bool    `json:"allow_any_organization,omitempty"`
	SubjectType          string   `json:"subject_type,omitempty"`
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
