package stagedoor

import "time"

// MFAToken is a token request that waits for a second factor (Authentication API fact sheet 4.6).
type MFAToken struct {
	ClientID  string
	UserID    string
	Scope     []string // as asked for
	ExpiresAt time.Time

	RefreshToken string `json:"-"` // as it was presented, sealed at rest; empty if somebody signs in

	// How somebody signs in at the token endpoint.
	Audience     string       `json:",omitempty"`
	Organization string       `json:",omitempty"` // id or name
	Protocol     string       `json:",omitempty"` // as scripts know it
	GrantType    string       `json:",omitempty"` // as access tokens name it
	Methods      []AuthMethod `json:",omitempty"`
	Connection   string       `json:",omitempty"` // through which

	// Of an access token of the MFA API with which somebody sets up a factor (fact sheet 6.11).
	Enroll bool `json:",omitempty"` // it is good for that factor and for nothing else
	Beside bool `json:",omitempty"` // they gave another factor for the token; else the one that is set up must be their first

	AccessEnded int64 `json:"-"` // of the user: of a new one when they gave the first factor, else when it was used up
}
