package stagedoor

// DeviceCredential is the public key of a person's device (Management API fact sheet 3.10).
type DeviceCredential struct {
	ID       string `json:"id"`
	Name     string `json:"device_name"`
	DeviceID string `json:"device_id,omitempty"` // none of a refresh token
	Type     string `json:"type"`                // public_key; refresh_token and rotating_refresh_token of those that are listed
	UserID   string `json:"user_id"`
	ClientID string `json:"client_id"`
	Value    string `json:"-"` // never shown
}

// BlacklistedToken names a token that is refused: by what it is for and its jti.
type BlacklistedToken struct {
	Audience string `json:"aud"`
	JTI      string `json:"jti"`
}
