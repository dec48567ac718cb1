package stagedoor

import (
	"strings"
	"time"
)

// AuthenticationMethod is what a person proves themselves with beside their first password (Management API fact sheet 2.8).
type AuthenticationMethod struct {
	ID             string // type|dev_…
	Type           string // phone, email, totp, push, webauthn-roaming, passkey, recovery-code
	Name           string
	PhoneNumber    string
	Email          string
	Preferred      string // sms or voice, of a phone
	KeyID          string
	PublicKey      string
	AAGUID         string
	RelyingParty   string
	DeviceType     string // single_device, multi_device
	BackedUp       *bool
	IdentityUserID string
	UserAgent      string
	UserHandle     string
	Transports     []string
	Push           *PushDevice `json:",omitempty"` // of a device that approves
	CreatedAt      time.Time

	Secret     string    `json:"-"` // of a totp; of a recovery code the hash. Sealed at rest, never listed
	Step       int64     `json:"-"` // of a totp: the time step of the newest code that was given; no older one is taken (RFC 6238 section 5.2)
	LastUsedAt time.Time `json:"-"` // zero: never
}

// Device is the part of the id that the enrolment is known by.
func (m *AuthenticationMethod) Device() string {
	_, device, _ := strings.Cut(m.ID, "|")
	return device
}

// NewRecoveryCode returns 24 random upper-case letters and digits (Management API fact sheet 1.7), none of those that are easily read as
// another: 120 bits.
func NewRecoveryCode() string { return randomFrom("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 24) }

// NewTOTPSecret returns 32 random characters of base32 (160 bits), as RFC 4226 recommends.
func NewTOTPSecret() string { return randomFrom("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32) }
