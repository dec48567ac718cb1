package stagedoor

import (
	"encoding/json"
	"time"
)

// PushedRequest is an authorization request that a client sent beforehand, to go on with it in a browser by a short-lived name (RFC 9126).
type PushedRequest struct {
	ClientID  string              `json:"-"`
	Params    map[string][]string // as they were checked, without what the client proved itself by
	Signed    bool                // they come from a signed request object
	DPoPJKT   string              `json:",omitempty"` // the thumbprint of the key that the client proved to have
	ExpiresAt time.Time           `json:"-"`
}

// PushedLife returns how long the client's pushed requests can be gone on with.
func (c *Client) PushedLife() time.Duration {
	var seconds int
	if json.Unmarshal(c.Stored["par_request_expiry"], &seconds) != nil || seconds <= 0 {
		seconds = 30 // as the wire has it (Authentication API fact sheet 2.4)
	}
	return time.Duration(seconds) * time.Second
}

// AllowsPAR tells whether the tenant takes pushed requests: unless it says no.
func (s *TenantSettings) AllowsPAR() bool {
	return string(s.Stored["pushed_authorization_requests_supported"]) != "false"
}

// MTLSPrefix is how the names begin at which clients show their certificates (RFC 8705 section 5).
const MTLSPrefix = "mtls."

// MTLSAliases tells whether the tenant also answers under those names.
func (s *TenantSettings) MTLSAliases() bool {
	var m struct {
		Aliases bool `json:"enable_endpoint_aliases"`
	}
	return json.Unmarshal(s.Stored["mtls"], &m) == nil && m.Aliases
}

// RegistrationMode is how much clients that register themselves may do: strict or permissive.
func (s *TenantSettings) RegistrationMode() string {
	if string(s.Stored["dynamic_client_registration_security_mode"]) == `"permissive"` {
		return "permissive"
	}
	return "strict"
}

// NamesIssuer tells whether authorization responses say who they come from (RFC 9207).
func (s *TenantSettings) NamesIssuer() bool {
	return string(s.Stored["authorization_response_iss_parameter_supported"]) == "true"
}
