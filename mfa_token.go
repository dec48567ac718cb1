package stagedoor

import "time"

// MFAToken is a token request that waits for a second factor (Authentication API fact sheet 4.6).
type MFAToken struct {
	ClientID  string
	UserID    string
	Scope     []string // as asked for
	ExpiresAt time.Time

	RefreshToken string `json:"-"` // as it was presented; sealed at rest
}
