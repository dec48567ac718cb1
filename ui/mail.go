package ui

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
)

//go:embed mail
var mailFiles embed.FS

// MailKind names a mail, as the email templates of the Management API do.
type MailKind string

// The mails.
const (
	VerifyEmail   MailKind = "verify_email"
	ResetEmail    MailKind = "reset_email"
	WelcomeEmail  MailKind = "welcome_email"
	CodeEmail     MailKind = "auth_email_by_code"
	LinkEmail     MailKind = "auth_email_by_link"
	StolenEmail   MailKind = "stolen_credentials"
	BlockedEmail  MailKind = "blocked_account"
	Invitation    MailKind = "user_invitation" // to an organization
	EnrollEmail   MailKind = "enrollment_email"
	ApprovalEmail MailKind = "async_approval" // of what a client wants to do
	FactorEmail   MailKind = "mfa_oob_code"

	VerifyCodeEmail MailKind = "verify_email_by_code" // to somebody who signs up
	ResetCodeEmail  MailKind = "reset_email_by_code"
)

// MailData is what a mail says. Nothing that a stranger could choose freely, such as the name given
// at sign-up, is in it: else our mails would carry other people's messages.
type MailData struct {
	Tenant     string        // friendly name of the tenant
	Client     string        // name of the client; "" if unknown
	Email      string        // whose account it is
	Inviter    string        // of an Invitation: who invites, by name
	Joins      string        // of an Invitation: what the organization is called
	Link       string        // where the button leads
	Change     string        // of an AccountChanged: mail.account_changed.CHANGE says what
	Code       string        // that the person is to type; "" if there is none
	Expires    time.Duration // how long the link works; 0 if it does not expire
	SupportURL string        // "" if there is none
}

// mailView adds to the data what the templates ask.
type mailView struct {
	MailData
	Kind    MailKind
	Lang    string
	Subject string
}

// Mail writes the mail of the given kind in the given language, as text and as HTML.
func Mail(kind MailKind, lang string, data MailData) (subject, text, html string, err error) {
	if !known("mail." + string(kind) + ".subject") {
		return "", "", "", fmt.Errorf("write mail: no kind %q", kind)
	}
	view := mailView{MailData: data, Kind: kind, Lang: lang}
	// A subject is one line; a line break in a name must not begin a new header.
	view.Subject = strings.Join(strings.Fields(view.Line("subject", view.about()...)), " ")
	set, err := mails()
	if err != nil {
		return "", "", "", err
	}
	var t, h strings.Builder
	if err := set.text.Execute(&t, view); err != nil {
		return "", "", "", fmt.Errorf("write mail %s: %w", kind, err)
	}
	if err := set.html.Execute(&h, view); err != nil {
		return "", "", "", fmt.Errorf("write mail %s: %w", kind, err)
	}
	return view.Subject, t.String(), h.String(), nil
}

// T is the text of key in the mail's language.
func (v mailView) T(key string, args ...any) string { return Text(v.Lang, key, args...) }

// Dir is the writing direction of the mail's language.
func (v mailView) Dir() string { return Direction(v.Lang) }

// Line is one of the mail's own texts.
func (v mailView) Line(name string, args ...any) string {
	return v.T("mail."+string(v.Kind)+"."+name, args...)
}

// Explain is what the mail is for.
func (v mailView) Explain() string {
	args := v.about()
	if v.Kind == AccountChanged {
		args = append(args, v.Line(v.Change))
	}
	if v.Kind == Invitation {
		args = append([]any{v.Inviter}, args...)
	}
	return v.Line("explain", args...)
}

// about is what the mail speaks of: an invitation of the organization too.
func (v mailView) about() []any {
	if v.Kind == Invitation {
		return []any{v.Joins, v.From()}
	}
	return []any{v.From()}
}

// From is who the mail speaks for: the client if it is known, else the tenant.
func (v mailView) From() string {
	if v.Client != "" {
		return v.Client
	}
	return v.Tenant
}

// Support is where help is found, as people read it.
func (v mailView) Support() string { return strings.TrimPrefix(v.SupportURL, "mailto:") }

// Ends tells how long the link or the code works; "" if it does not expire.
func (v mailView) Ends() string {
	switch life := v.Lifetime(); {
	case life == "":
		return ""
	case v.Code != "":
		return v.T("mail.lifetime.code", life)
	default:
		return v.T("mail.lifetime", life)
	}
}

// Lifetime is how long the link works, in the largest fitting unit; "" if it does not expire.
func (v mailView) Lifetime() string {
	if v.Expires <= 0 {
		return ""
	}
	return span(v.Lang, v.Expires)
}

type mailSet struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// mails parses the embedded templates on first use.
var mails = sync.OnceValues(func() (mailSet, error) {
	text, err := texttemplate.ParseFS(mailFiles, "mail/body.txt")
	if err != nil {
		return mailSet{}, fmt.Errorf("parse mail: %w", err)
	}
	html, err := htmltemplate.ParseFS(mailFiles, "mail/body.html")
	if err != nil {
		return mailSet{}, fmt.Errorf("parse mail: %w", err)
	}
	return mailSet{text, html}, nil
})
