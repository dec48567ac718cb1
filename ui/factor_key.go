package ui

// KeyPage asks for a key: a security key, or the key that is built into the device (WebAuthn). The browser speaks with the key; the form
// carries what it said.
type KeyPage struct {
	Frame
	Form
	Remembering
	Problems Problems
	Device   bool   // the key of the device itself
	Enroll   bool   // a new key is made
	Options  string // what the browser needs, as JSON; "" if there can be no keys at this address
	Failed   string // what the browser's error is called, if a front end of the tenant's own has posted it; else ""
	OtherURL string // where something else can be chosen; "" if there is nothing else
}

// FactorsPage lets the person choose what to prove themselves with, or what to set up.
type FactorsPage struct {
	Frame
	Form    // for front ends of a tenant's own alone: ours has links
	Enroll  bool
	Choices []FactorLink
}

// FactorLink leads to a factor's page.
type FactorLink struct {
	Kind string // otp, phone, email, push-notification, webauthn-roaming, webauthn-platform, recovery-code
	URL  string
}

func (KeyPage) template() string     { return "mfa-webauthn" }
func (FactorsPage) template() string { return "mfa-options" }

// Says is the text of the page's key, of its own kind of keys.
func (p KeyPage) Says(key string) string {
	kind := "roaming."
	if p.Device {
		kind = "platform."
	}
	if p.Enroll {
		kind += "enroll."
	}
	return p.T("mfa.key." + kind + key)
}

// Does is what the browser is to do.
func (p KeyPage) Does() string {
	if p.Enroll {
		return "create"
	}
	return "get"
}
