package stagedoor

import (
	"encoding/json"
	"strings"
	"time"
)

// DeviceCode is a request of a device without a browser: its person enters the user code in a browser elsewhere and signs in there (RFC 8628).
type DeviceCode struct {
	ID       string `json:"-"` // the hash of the device code
	ClientID string
	Audience string   // "" means userinfo only
	Scope    []string // as asked for

	Details json.RawMessage `json:",omitempty"` // authorization_details (RFC 9396), checked

	Organization string `json:",omitempty"` // the id of the one that it is for, if it is for one

	Approval *Approval `json:",omitempty"` // no device at all: a client waits for somebody's approval

	Denied        string         `json:",omitempty"` // why nothing is granted
	Authorization *Authorization `json:",omitempty"` // what is granted; nil as long as nobody has signed in

	ExpiresAt time.Time
}

// Approval is what a client asks a person for who is not at it (OpenID Connect CIBA Core 1.0). It is kept as a device's request is; in the place of the user code
// stands the secret of the link that the person gets.
type Approval struct {
	UserID  string // who alone can approve
	Message string // what the person is shown, and sees at the client too
}

// UserCode is a user code as it is compared: whatever people put between its characters, and however large they write them.
func UserCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, typed)
}

// DeviceFlow is how a tenant's user codes look.
type DeviceFlow struct {
	Charset string `json:"charset"` // base20 or digits
	Mask    string `json:"mask"`    // each * is a character of the code, everything else is shown between
}

// Shown is a user code as devices show it.
func (f DeviceFlow) Shown(code string) string {
	out := ""
	for _, c := range f.Mask {
		switch own := UserCode(string(c)); {
		case c != '*' && own == "":
			out += string(c)
		case code != "":
			out, code = out+code[:1], code[1:]
		}
	}
	return out + code
}

// DeviceFlow returns how user codes look. A mask that leaves too little to guess is not followed: eight letters of base20 or nine digits are
// the least (Authentication API fact sheet 6.10).
func (s *TenantSettings) DeviceFlow() DeviceFlow {
	f := DeviceFlow{Charset: "base20"}
	if raw, ok := s.Stored["device_flow"]; ok && string(raw) != "null" {
		_ = json.Unmarshal(raw, &f) // was checked when it was stored
	}
	least, usual := 8, "****-****"
	if f.Charset == "digits" {
		least, usual = 9, "***-***-***"
	}
	if strings.Count(f.Mask, "*") < least {
		f.Mask = usual
	}
	return f
}
