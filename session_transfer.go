package stagedoor

import (
	"encoding/json"
	"slices"
	"time"
)

// SessionTransfer tells how a client takes part in bringing a login from a native client into a browser (Native to Web SSO): whether it gets
// session transfer tokens, and whether and how it takes them.
type SessionTransfer struct {
	CanCreate     bool            `json:"can_create_session_transfer_token"`
	Methods       []string        `json:"allowed_authentication_methods"` // TransferQuery, TransferCookie; none: the client takes no such token
	DeviceBinding string          `json:"enforce_device_binding"`         // ip, asn, none
	RefreshToken  bool            `json:"allow_refresh_token"`            // what came by such a token may get refresh tokens
	OnlineRefresh bool            `json:"enforce_online_refresh_tokens"`  // these end with the session
	Cascade       bool            `json:"enforce_cascade_revocation"`     // with a refresh token ends what its session transfer tokens have opened
	Delegation    json.RawMessage `json:"delegation,omitempty"`           // kept, without effect
}

// How a browser may bring a session transfer token.
const (
	TransferQuery  = "query"
	TransferCookie = "cookie"
)

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

// GetsTransferTokens tells whether the client gets session transfer tokens for its refresh tokens. Clients of somebody else do not: one would open
// the person's sessions at every client of the tenant.
func (c *Client) GetsTransferTokens() bool {
	s := c.SessionTransfer()
	return s != nil && s.CanCreate && c.IsFirstParty
}

// TakesTransferTokens tells whether browsers may bring the client session transfer tokens by the method.
func (c *Client) TakesTransferTokens(method string) bool {
	s := c.SessionTransfer()
	return s != nil && slices.Contains(s.Methods, method)
}

// KeepsTransfersOffline tells whether refresh tokens of a session that a session transfer token opened are kept from the client.
func (c *Client) KeepsTransfersOffline() bool {
	s := c.SessionTransfer()
	return s != nil && len(s.Methods) > 0 && !s.RefreshToken
}

// SessionTransferToken is what a native client gets for a refresh token, for a browser: one use, a minute.
type SessionTransferToken struct {
	Transferred
	UserID          string
	Connection      string   // by which the person proved themselves
	OrgID           string   `json:",omitempty"` // the organization that the refresh token is for
	Scope           []string // that the refresh token stood for
	Methods         []AuthMethod
	AuthenticatedAt time.Time // when the person proved themselves
	IP              string    // of who asked for it
	UserAgent       string
	ExpiresAt       time.Time
}

// Transferred names the refresh token that a session comes from which a session transfer token opened, and whatever was given in that session.
type Transferred struct {
	ClientID string // of the native client
	Family   string
	TokenID  string // the public one
}
