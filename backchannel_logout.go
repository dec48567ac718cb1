package stagedoor

import (
	"encoding/json"
	"slices"
	"time"
)

// LogoutBy is what ended a session, as clients' settings name it (oidc_logout.backchannel_logout_initiators).
type LogoutBy string

// What ends sessions.
const (
	LogoutByClient   LogoutBy = "rp-logout"                // somebody logged out through a client
	LogoutByProvider LogoutBy = "idp-logout"               // the provider that they came from says so
	LogoutPassword   LogoutBy = "password-changed"         // their password changed
	LogoutExpired    LogoutBy = "session-expired"          // its time was up, or the person has too many newer ones
	LogoutRevoked    LogoutBy = "session-revoked"          // the Management API or a script ended it, or somebody else signed in with the browser
	LogoutDeleted    LogoutBy = "account-deleted"          // the user is gone
	LogoutEmail      LogoutBy = "email-identifier-changed" // their address changed
	LogoutBlocked    LogoutBy = "account-deactivated"      // the user was blocked
)

// ClientLogout says where and when a client is told that a session has ended (OpenID Connect Back-Channel Logout 1.0; Authentication API fact
// sheet 6.6).
type ClientLogout struct {
	URLs       []string `json:"backchannel_logout_urls"`
	Initiators struct {
		Mode     string     `json:"mode"` // custom, all
		Selected []LogoutBy `json:"selected_initiators"`
	} `json:"backchannel_logout_initiators"`
	Metadata struct {
		Include bool `json:"include"`
	} `json:"backchannel_logout_session_metadata"`
}

// Logout returns the client's settings of back-channel logout.
func (c *Client) Logout() ClientLogout {
	var l ClientLogout
	if json.Unmarshal(c.Stored["oidc_logout"], &l) != nil {
		return ClientLogout{}
	}
	return l
}

// Wants tells whether the client is told of sessions that end in this way. Of logouts it is told always.
func (l ClientLogout) Wants(by LogoutBy) bool {
	always := by == LogoutByClient || by == LogoutByProvider
	return always || l.Initiators.Mode == "all" || slices.Contains(l.Initiators.Selected, by)
}

// LogoutNotice is what one address of a client is still to be told: that a session has ended.
type LogoutNotice struct {
	ID        string `json:"-"` // also the jti of its token
	ClientID  string `json:"-"`
	UserID    string
	SessionID string
	Issuer    string `json:",omitempty"` // that the client knows; empty: that of the tenant's first domain
	URL       string
	By        LogoutBy
	Metadata  map[string]any `json:",omitempty"` // of the session, where the client wants it
	Unsent    map[string]any `json:",omitempty"` // of the session, where it does not: for the log
	CreatedAt time.Time

	Failures int       `json:"-"`
	DueAt    time.Time `json:"-"` // when to try next
}
