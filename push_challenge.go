package stagedoor

import "time"

// What has become of a question to a device.
const (
	PushPending  = "pending"
	PushApproved = "approved"
	PushDenied   = "denied"
)

// ServiceInbox is the service of devices that the development inbox plays: they have no key.
const ServiceInbox = "inbox"

// RememberedBrowser is a browser in which somebody is not asked for their second factor.
type RememberedBrowser struct {
	ID            string // hash of the handle that it has
	UserAgent, IP string // as they were when it was remembered; empty if that is not known
	CreatedAt     time.Time
	UsedAt        time.Time
}

// PushDevice is a device that is asked whether its person logs in.
type PushDevice struct {
	Identifier string `json:",omitempty"` // as the app calls the device
	Name       string `json:",omitempty"`
	Service    string `json:",omitempty"` // that brings notifications to it: APNS, FCM, GCM, inbox
	Address    string `json:",omitempty"` // where that service finds it
	PublicKey  string `json:",omitempty"` // that verifies its answers, a JWK
	Device     string `json:",omitempty"` // dev_…, given here
	Token      string `json:",omitempty"` // hash of the token by which the app changes and removes the device
}

// PushChallenge is a question that waits for somebody's device: whether they are logging in, or, where a device is set up, for the device itself.
type PushChallenge struct {
	ID        string      `json:"-"` // hash of what it is asked for
	UserID    string      //
	Method    string      `json:",omitempty"` // the authentication method whose device is asked; empty: one is set up
	MFAToken  string      `json:",omitempty"` // hash of the mfa_token that it belongs to
	Challenge string      `json:",omitempty"` // hash of what the device signs
	Device    *PushDevice `json:",omitempty"` // the one that was set up
	State     string      `json:"-"`
	Token     string      `json:"-"` // hash of what the device answers by: another one once it is asked again
	SentAt    time.Time
	ExpiresAt time.Time
}
