package ui

import (
	"html/template"
	"strings"
)

// PushPage waits for the answer of somebody's device: whether they are logging in, or where one is set up, for the device itself. It asks again by itself:
// with scripts without disturbing anybody, without them by loading itself again.
type PushPage struct {
	Frame
	Form // asks at once, and has the browser remembered
	Remembering
	Problems Problems
	Enroll   bool   // a device is set up
	Waits    bool   // nobody has answered yet
	Device   string // what the person's device is called; "" if it has no name
	QR       QR     // what the app of the device reads
	URI      string // the same, to be opened on the device: otpauth://totp/…
	AskURL   string // answers 204 as long as nobody has answered
	NextURL  string // this page, once more; scripts add what is ticked
	Resend   Form   // has another notification sent
	OtherURL string // where something else can be chosen; "" if there is nothing else
	OTPURL   string // where a code of an app is taken, for front ends of a tenant's own; "" if there is no app
	InboxURL string // the development inbox, where there is one
}

// InboxDevicePage is the page on which the development inbox plays somebody's device.
type InboxDevicePage struct {
	Frame
	Form
	Enroll   bool // the device is to be set up
	Done     bool
	InboxURL string
}

func (PushPage) template() string        { return "mfa-push" }
func (InboxDevicePage) template() string { return "inbox-device" }

// connects tells that the page's script asks the server; see PolicyOf.
func (p PushPage) connects() bool { return p.Waits }

// RefreshURL is this page, once more, for browsers without scripts: with what was ticked when the form was sent.
func (p PushPage) RefreshURL() string {
	if p.Remember && p.NextURL != "" {
		return p.NextURL + "&" + FieldRemember + "=1"
	}
	return p.NextURL
}

// pushTexts are the texts of the page: of a login, and of a device that is set up.
var pushTexts = map[string][2]string{
	"heading": {"mfa.push.heading", "mfa.push.enroll.heading"},
	"explain": {"mfa.push.explain", "mfa.push.enroll.explain"},
	"waiting": {"mfa.push.waiting", "mfa.push.enroll.waiting"},
	"submit":  {"mfa.push.submit", "mfa.push.enroll.submit"},
}

// Says is one of the page's texts.
func (p PushPage) Says(name string) string {
	keys := pushTexts[name]
	if p.Enroll {
		return p.T(keys[1])
	}
	return p.T(keys[0])
}

// App is the link that opens an app with the ticket, "" if it is none.
func (p PushPage) App() template.URL {
	if !strings.HasPrefix(p.URI, "otpauth://totp/") {
		return ""
	}
	return template.URL(p.URI) //nolint:gosec // no other scheme; quotes are still escaped
}
