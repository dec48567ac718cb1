package stagedoor

import (
	"encoding/json"
	"time"
)

// ConnectedAccount is an account of a person's at a provider, by whose tokens programs may act there in the person's name (Management API fact sheet 2.8). It signs nobody in.
type ConnectedAccount struct {
	ID           string // cac_…
	UserID       string
	ConnectionID string
	Account      string   // what the provider calls it: one account of a connection is connected once
	Names        []string `json:",omitempty"` // by which the person knows it: address, name
	Scopes       []string
	CreatedAt    time.Time

	Tokens     ProviderTokens `json:"-"` // sealed at rest
	LastUsedAt time.Time      `json:"-"` // by a program; zero: never
}

// ProviderTokens are what a provider gave. They are secrets.
type ProviderTokens struct {
	Access    string    `json:"access_token"`
	Refresh   string    `json:"refresh_token,omitempty"`
	Scope     string    `json:"scope,omitempty"` // as the provider writes it
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // of the access token; zero: the provider did not say
}

// Works tells whether the access token can be used at a time, and a moment longer.
func (t *ProviderTokens) Works(now time.Time) bool {
	return t.Access != "" && (t.ExpiresAt.IsZero() || now.Add(30*time.Second).Before(t.ExpiresAt))
}

// ConnectsAccounts tells whether people may connect their accounts at the connection's provider, for tokens: it speaks OAuth 2.0 with codes, and is switched on for that.
func (c *Connection) ConnectsAccounts() bool {
	var set struct {
		Active bool `json:"active"`
	}
	_ = json.Unmarshal(c.Stored["connected_accounts"], &set) // absent is off
	return set.Active && c.knowsTheWay() && c.Strategy != StrategySAML && !c.SpeaksWSFed() && c.Option("type") != "front_channel"
}

// MaxConnectedAccounts is how many accounts a person may connect.
const MaxConnectedAccounts = 50
