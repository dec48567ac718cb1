package ui

import (
	"fmt"
	"html/template"
	"strings"
)

// QR is a QR code: a square of Size modules, of which Path paints the dark ones, in the notation of SVG.
type QR struct {
	Size int
	Path string
}

// quiet is how many light modules a QR code needs around it (ISO/IEC 18004, section 9.1).
const quiet = 4

// Box is the part of the plane that the picture shows.
func (q QR) Box() string {
	return fmt.Sprintf("-%d -%d %d %d", quiet, quiet, q.Size+2*quiet, q.Size+2*quiet)
}

// OTPEnrollPage asks for the first code of an authenticator app, and shows what the app needs.
type OTPEnrollPage struct {
	Frame
	Form
	Problems Problems
	Account  string // whose account it is
	QR       QR
	Secret   string // the same, to be typed
	URI      string // the same, to be opened on a phone: otpauth://totp/…
	OtherURL string // where something else can be chosen; "" if there is nothing else

	Typed     bool   // front ends of a tenant's own show the secret to be typed, and not the picture
	ToggleURL string // where they show the other of the two
}

// OTPPage asks for a code of an authenticator app.
type OTPPage struct {
	Frame
	Form
	Remembering
	Problems    Problems
	RecoveryURL string // where the recovery code is taken; "" if there is none
	OtherURL    string // where something else can be chosen; "" if there is nothing else
}

// RecoveryPage asks for the recovery code.
type RecoveryPage struct {
	Frame
	Form
	Problems Problems
	OTPURL   string // back to the code of the app; "" if there is none
	OtherURL string // where something else can be chosen; "" if there is nothing else
}

// RecoveryCodePage shows a new recovery code, to be noted down. Its form goes on; without one there is nothing to go on with.
type RecoveryCodePage struct {
	Frame
	Form
	Code string // in groups
	New  bool   // it takes the place of one that was used up
}

// EnrolledPage tells that the person is enrolled, where no login waits.
type EnrolledPage struct {
	Frame
	Code        string // a recovery code to be noted down, in groups; "" if there is none
	ContinueURL string // "" if there is nowhere to go
}

func (OTPEnrollPage) template() string    { return "mfa-otp-enrollment" }
func (OTPPage) template() string          { return "mfa-otp-challenge" }
func (RecoveryPage) template() string     { return "mfa-recovery-code-challenge" }
func (RecoveryCodePage) template() string { return "mfa-recovery-code-enrollment" }
func (EnrolledPage) template() string     { return "mfa-enrolled" }

// App is the link that opens an app with the secret, "" if it is none.
func (p OTPEnrollPage) App() template.URL {
	if !strings.HasPrefix(p.URI, "otpauth://totp/") {
		return ""
	}
	return template.URL(p.URI) //nolint:gosec // no other scheme; quotes are still escaped
}

var otpInput = input{Name: FieldCode, Label: "form.otp", Type: "text", Mode: "numeric", Autocomplete: "one-time-code"}

// Inputs is the one field of the form. It does not take the cursor: that would hide the picture behind a phone's keyboard.
func (p OTPEnrollPage) Inputs() []input {
	p.screen = p.template()
	in := p.inputs(p.Problems, otpInput)
	in[0].Focus = false
	return in
}

// Inputs is the one field of the form.
func (p OTPPage) Inputs() []input {
	p.screen = p.template()
	return p.inputs(p.Problems, otpInput)
}

// Inputs is the one field of the form.
func (p RecoveryPage) Inputs() []input {
	p.screen = p.template()
	return p.inputs(p.Problems, input{Name: FieldCode, Label: "form.recovery", Type: "text", Autocomplete: "off"})
}
