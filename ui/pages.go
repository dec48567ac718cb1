package ui

import (
	"encoding/json"
	"slices"
	"strings"
)

// LoginPage asks for identifier and password.
type LoginPage struct {
	Frame
	Form
	Problems     Problems
	Organization string      // display name of the organization to log in to, if any
	Identifier   string      // prefilled: what was typed before, or login_hint
	Asks         Identifiers // what people log in with
	SignupURL    string      // "" if the connection has sign-up switched off
	ForgotURL    string      // "" if passwords cannot be reset
	Step         LoginStep
	EditURL      string     // where another identifier can be given, in the step AskPassword
	Code         *CodeOffer // in the step AskPassword: a code instead; nil if none can be sent
	Buttons      []ProviderButton
	NoPassword   bool         // there are the buttons alone
	Passkeys     *PasskeyForm // nil: nobody logs in with one
}

// CodeOffer is the form by which somebody has a code sent instead of giving their password.
type CodeOffer struct {
	Form
	Phone bool // it goes to a telephone
}

// Identifiers tells which attributes people log in with. Without any it is the e-mail address.
type Identifiers struct{ Emails, Phones, Usernames bool }

// SignupFields tells what people who sign up are asked for. Without any it is the e-mail address.
type SignupFields struct{ Email, Phone, Username FieldUse }

// FieldUse tells whether a form has a field.
type FieldUse int

// A field is not there, may stay empty, or must be filled in.
const (
	FieldAbsent FieldUse = iota
	FieldOptional
	FieldRequired
)

// ProviderButton leads to somebody else who knows the person.
type ProviderButton struct {
	Name string
	Code string // how a code is sent, email or sms; "" for a provider
	Icon string // address of a picture; "" shows the mark
	Mark string // of a provider that everybody knows, see marks; "" shows the first letter of the name
	URL  string

	Strategy string // of the connection
	Social   bool   // the connection's people are the public's
}

// LoginStep says what a login page asks for.
type LoginStep int

// The steps: both at once, or one after the other.
const (
	AskBoth LoginStep = iota
	AskWho
	AskPassword
)

// Says is the text of the page's key, which each step may have of its own.
func (p LoginPage) Says(key string) string {
	prefix := map[LoginStep]string{AskWho: "login-id.", AskPassword: "login-password."}[p.Step]
	if text, own := p.own(prefix+key, nil, func(s string) string { return s }); prefix != "" && own {
		return text
	}
	if p.Step == AskWho && key == "submit" {
		return p.T("login.continue")
	}
	return p.T("login." + key)
}

// SignupPage asks for what a new user of a database connection needs.
type SignupPage struct {
	Frame
	Form
	Problems     Problems
	Organization string
	Email        string
	Phone        string
	Username     string
	Asks         SignupFields
	Policy       []Rule // what the password must keep
	LoginURL     string
	Passkeys     bool      // people may sign up without a password
	NoPassword   bool      // nobody chooses one
	PasskeyOnly  bool      // … and a passkey takes its place
	Apart        bool      // front ends of a tenant's own may ask who somebody is first, and then for a passkey or the password
	Step         LoginStep // AskWho where the password comes on a page of its own, AskPassword there
	EditURL      string    // where what is asked first can be given anew, in the step AskPassword
}

// OrganizationPage asks which organization a login is for: somebody who is not known yet by its name, others to choose among theirs.
type OrganizationPage struct {
	Frame
	Form
	Problems Problems
	Chooses  bool // among Choices; else the name is typed
	Choices  []OrganizationChoice
	Name     string // as typed before
	Emails   bool   // an e-mail address will do too
	Personal bool   // the login may be for no organization
}

// OrganizationChoice is one organization of a person.
type OrganizationChoice struct {
	ID, Name, Logo string
	Handle         string // its name on the wire
}

// ForgotPage asks whose password shall be reset.
type ForgotPage struct {
	Frame
	Form
	Problems Problems
	Asks     Identifiers // what people are known by
	Email    string
	Codes    bool   // a code is sent, not a link
	LoginURL string // "" if there is no login to go back to
}

// NewPasswordPage sets a password; it is reached by the ticket of a mail.
type NewPasswordPage struct {
	Frame
	Form
	Problems Problems
	Email    string // whose password it is; shown, and given to password managers
	Policy   []Rule
}

// ConsentPage asks the user to let a client act for them.
type ConsentPage struct {
	Frame
	Form
	User   string  // how the user is shown: email or name
	API    string  // name of the resource server; "" if only profile scopes are asked for
	Scopes []Scope // as requested; openid is not shown

	Details []ScopeGroup    // authorization details (RFC 9396): of each its type, and what it says
	Raw     json.RawMessage // the same as the client has sent them
}

// LinkAccountPage suggests to link another account of the same address, by its password.
type LinkAccountPage struct {
	Frame
	Form
	Problems Problems
	Email    string
}

// LogoutPage asks whether to log out, where the request does not prove that the user wanted it.
type LogoutPage struct {
	Frame
	Form
	User string // "" if unknown
}

// LogoutAbortedPage follows a logout that somebody did not want after all. Only front ends of a tenant's own show it: without one the browser goes on to the welcome page.
type LogoutAbortedPage struct{ LogoutPage }

// ErrorPage tells that a request cannot go on.
type ErrorPage struct {
	Frame
	Code        string // OAuth error code or another machine word
	Description string
	Tracking    string // reference that the operator finds in the log
	Hint        string // for the developer of the client, in English: what is wrong, what to change, and where
	BackURL     string // where the visitor may go on; "" if unknown
	SupportURL  string // the tenant's support page or mailto: address
}

// Lost is what people are told of a login that cannot go on.
func (f Frame) Lost() string { return f.T("error.lost") }

// clientFaults are the codes of errors that only who develops the client can do something about.
var clientFaults = []string{
	"invalid_request", "unauthorized_client", "invalid_client", "unsupported_response_type", "invalid_scope", "invalid_dpop_proof", "invalid_connection", "not_supported",
	"bad.client_id", "bad.connection", "bad.request",
}

// ClientFault is what people are told of an error that the client has made, "" for any other. The words of the error are for whoever develops the client.
func (f Frame) ClientFault(code, words string) string {
	switch {
	case !slices.Contains(clientFaults, code):
		return ""
	case strings.HasPrefix(words, "Unknown client: "):
		return f.T("error.client")
	case strings.Contains(words, "list of allowed") || strings.Contains(words, "Allowed Logout URLs"):
		return f.T("error.address")
	}
	return f.T("error.explain")
}

// WelcomePage is what the root of the server shows.
type WelcomePage struct {
	Frame
	Issuer       string
	DiscoveryURL string
	JWKSURL      string
	DocsURL      string // "" to leave it out, as for all links
	ReferenceURL string
	InboxURL     string // only where mails go to the development inbox
}

func (LoginPage) template() string        { return "login" }
func (SignupPage) template() string       { return "signup" }
func (OrganizationPage) template() string { return "organization" }
func (ForgotPage) template() string       { return "forgot" }
func (NewPasswordPage) template() string  { return "password" }
func (ConsentPage) template() string      { return "consent" }
func (LinkAccountPage) template() string  { return "link-account" }
func (LogoutPage) template() string       { return "logout" }
func (ErrorPage) template() string        { return "error" }
func (WelcomePage) template() string      { return "welcome" }
