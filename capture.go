package stagedoor

// SettingCapture is the group of settings with the server that still knows passwords.
const SettingCapture = "password_capture"

// Capture says where the passwords of users are asked for who came without them: at the first login there decides, once, and the hash of the
// password is kept here.
type Capture struct {
	URL          string `json:"url"` // of the server: https://TENANT.auth0.com
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
}
