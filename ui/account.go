package ui

import (
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
)

// The mails of the account page.
const (
	AccountCode    MailKind = "account_code"    // for another address of an account
	AccountChanged MailKind = "account_changed" // what somebody changed on their account page
	AccountDeleted MailKind = "account_deleted"
)

// AccountPage is the page on which people look after their own account.
type AccountPage struct {
	Frame
	Form            // its action is the page's own address; each form has its path behind it
	Problems        Problems
	Done            string // what has just been done: a key below account.done.
	Has             map[string]bool
	Person          AccountPerson
	Typed           AccountProfile // in the form
	Sections        []string       // of the page, in order
	CanEmail        bool           // another address can be asked for
	CanVerify       bool           // the mail that proves the address can be asked for
	CanUsername     bool
	CanPassword     bool
	Metadata        []AccountValue
	CanMetadata     bool
	Factors         []AccountFactor
	Addable         []string         // kinds of factors
	Recovers        bool             // there is a recovery code, or one can be made
	Browsers        []AccountSession // that do not ask for the second step
	Sessions        []AccountSession
	Clients         []AccountClient
	Identities      []AccountIdentity
	Connected       []AccountElsewhere
	Events          []AccountEvent
	ProfileIsTheirs bool // the profile comes from a provider at each login, and cannot be changed here
}

// AccountPerson is who the page is about.
type AccountPerson struct {
	Name, Picture, Email, Username, Phone string
	Verified                              bool
	Since                                 time.Time
}

// AccountProfile is what people may say of themselves.
type AccountProfile struct{ Name, Nickname, Picture string }

// AccountValue is a member of the person's own metadata.
type AccountValue struct{ Name, Value string }

// AccountFactor is what the person proves themselves with beside the password.
type AccountFactor struct {
	ID      string
	Kind    string // mfa.kind.KIND is its text; else it is shown as it is
	Name    string // as the person called it, an address or a number
	Created time.Time
	Used    time.Time // zero: never
	Fixed   bool      // cannot be taken away by itself
}

// Shown is what a factor is called.
func (p AccountPage) Shown(kind string) string {
	if known("mfa.kind." + kind) {
		return p.T("mfa.kind." + kind)
	}
	return spell(kind)
}

// AccountSession is one browser in which the person is signed in.
type AccountSession struct {
	ID       string
	Device   string // as far as the browser tells
	IP       string
	Place    string // where that is; empty: not known
	Began    time.Time
	Used     time.Time
	Here     bool   // this browser
	Programs string // what is signed in with it
}

// AccountClient is somebody who has access to the account.
type AccountClient struct {
	ID, Name string
	Scopes   []string
	Keeps    bool // it has access while the person is away
	Used     time.Time
}

// AccountIdentity is one way to sign in to the account.
type AccountIdentity struct {
	Provider, ID, Name string
	Main               bool // cannot be taken away
}

// AccountElsewhere is an account at another provider in which programs may act.
type AccountElsewhere struct {
	ID, Provider string
	Name         string // by which the person knows it
	Scopes       []string
	Created      time.Time
	Used         time.Time // zero: never
}

// AccountEvent is one event of the log about the person.
type AccountEvent struct {
	Key               string // account.event.KEY is its text
	At                time.Time
	IP, Place, Device string
	Alarming          bool
}

// AccountFormPage is one form of the account page: another address, a password …
type AccountFormPage struct {
	Frame
	Form
	Problems Problems
	Kind     string // email, emailcode, username, password, metadata, delete
	Email    string // that the form speaks of
	Value    string // filled in
	Policy   []Rule
	Values   []AccountValue // of the metadata
	JSON     string         // the metadata as a whole
	BackURL  string
}

// AccountGonePage tells that the account is deleted.
type AccountGonePage struct{ Frame }

func (AccountPage) template() string     { return "account" }
func (AccountFormPage) template() string { return "account-form" }
func (AccountGonePage) template() string { return "account-gone" }

// The fields of the page's forms.
const (
	FieldName      = "name"
	FieldNickname  = "nickname"
	FieldPicture   = "picture"
	FieldID        = "id"
	FieldMetadata  = "json"
	FieldConfirmed = "confirmed"
	MemberPrefix   = "member." // of a member of the metadata
)

// Profile are the fields of the form about the person. None takes the cursor: there is more on the page than the form.
func (p AccountPage) Profile() []input {
	fields := p.inputs(p.Problems,
		input{Name: FieldName, Label: "account.name", Type: "text", Autocomplete: "name", Value: p.Typed.Name},
		input{Name: FieldNickname, Label: "account.nickname", Type: "text", Autocomplete: "nickname", Value: p.Typed.Nickname},
		input{Name: FieldPicture, Label: "account.picture", Type: "url", Autocomplete: "photo", Value: p.Typed.Picture},
	)
	for i := range fields {
		fields[i].Focus = false
	}
	return fields
}

// At is the form of the page at a path below it.
func (p AccountPage) At(path string) string { return p.Action + path }

// Inputs are the fields of the form.
func (p AccountFormPage) Inputs() []input {
	p.screen = p.template()
	switch p.Kind {
	case "email":
		return p.inputs(p.Problems, input{Name: FieldEmail, Label: "account.email.new", Type: "email", Autocomplete: "email", Value: p.Value})
	case "emailcode":
		return p.inputs(p.Problems, input{Name: FieldCode, Label: "form.code", Type: "text", Mode: "numeric", Autocomplete: "one-time-code"})
	case "username":
		return p.inputs(p.Problems, input{Name: FieldUsername, Label: "form.username", Type: "text", Autocomplete: "username", Value: p.Value})
	case "password":
		return p.inputs(p.Problems, input{Name: FieldPassword, Label: "form.newpassword", Type: "password", Autocomplete: "new-password", Policy: p.Policy})
	}
	return nil
}

// Wrong is what is wrong with a field of the form that is not one of its Inputs.
func (p AccountFormPage) Wrong(name string) input {
	p.screen = p.template()
	return input{Frame: p.Frame, Name: name, Problems: p.Problems.Of(name)}
}

// Says is a text of the kind of form.
func (p AccountFormPage) Says(name string) string { return p.T("account." + p.Kind + "." + name) }

// Explains is what the form is for.
func (p AccountFormPage) Explains() string {
	if p.Email != "" {
		return p.T("account."+p.Kind+".explain", p.Email)
	}
	return p.T("account." + p.Kind + ".explain")
}

// Device says in few words what a browser says about itself: "Firefox · Linux"; the text as it is if it says nothing known.
func Device(userAgent string) string {
	find := func(names ...string) string {
		for i := 0; i+1 < len(names); i += 2 {
			if strings.Contains(userAgent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := find("Edg", "Edge", "OPR/", "Opera", "SamsungBrowser", "Samsung Internet", "Firefox/", "Firefox", "FxiOS", "Firefox", "CriOS", "Chrome", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := find("iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Macintosh", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	parts := slices.DeleteFunc([]string{browser, system}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return stagedoor.Clip(userAgent, 60)
	}
	return strings.Join(parts, " · ")
}
