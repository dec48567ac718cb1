package stagedoor

import "encoding/json"

// SessionTransfer tells how a client takes part in bringing a login from a native client into a browser (Native to Web SSO): whether it gives
// session transfer tokens out, and whether and how it takes them.
type SessionTransfer struct {
	CanCreate     bool            `json:"can_create_session_transfer_token"`
	Methods       []string        `json:"allowed_authentication_methods"` // query, cookie; none: the client takes no such token
	DeviceBinding string          `json:"enforce_device_binding"`         // ip, asn, none
	RefreshToken  bool            `json:"allow_refresh_token"`            // what came by such a token may get refresh tokens
	OnlineRefresh bool            `json:"enforce_online_refresh_tokens"`  // these end with the session
	Cascade       bool            `json:"enforce_cascade_revocation"`     // with a refresh token ends what its session transfer tokens have opened
	Delegation    json.RawMessage `json:"delegation,omitempty"`           // kept, without effect
}

// SessionTransfer returns the client's settings, with the defaults of what it does not say; nil if it says nothing.
func (c *Client) SessionTransfer() *SessionTransfer {
	s := &SessionTransfer{DeviceBinding: "ip", OnlineRefresh: true, Cascade: true}
	raw := c.Stored["session_transfer"]
	if raw == nil || string(raw) == "null" || json.Unmarshal(raw, s) != nil {
		return nil
	}
	if s.Methods == nil {
		s.Methods = []string{}
	}
	return s
}
