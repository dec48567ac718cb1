package ui

import (
	"cmp"
	"net/url"
)

// CheckMailPage answers a wish for a new password. It reads the same whether the user exists or not.
type CheckMailPage struct {
	Frame
	Email    string // as it was typed
	LoginURL string
	InboxURL string // the development inbox, where there is one
}

// PasswordChangedPage follows a new password.
type PasswordChangedPage struct {
	Frame
	ContinueURL string // "" if there is nowhere to go
}

// TicketPage tells that the link of a mail does not work.
type TicketPage struct {
	Frame
	Kind     string // what the link was for, as tickets have it
	Reason   TicketReason
	RetryURL string // where a new link can be asked for; "" if unknown

	ContinueURL string // "" if there is nowhere to go
}

// TicketReason says why a link does not work.
type TicketReason string

// The reasons. Any other value is shown as TicketInvalid.
const (
	TicketUsed    TicketReason = "used"
	TicketExpired TicketReason = "expired"
	TicketInvalid TicketReason = "invalid"
)

// VerifiedPage follows the link of a verification mail that worked.
type VerifiedPage struct {
	Frame
	Email       string
	ContinueURL string
}

// UnblockPage asks who followed the link of the mail about a blocked account for a click. It says what the mail says.
type UnblockPage struct {
	Frame
	Form
	Email string
}

// UnblockedPage follows that click.
type UnblockedPage struct {
	Frame
	Email       string
	ContinueURL string // "" if there is nowhere to go
}

// LoggedOutPage is shown where no address to return to was asked for, or one of a stranger's, to which nobody is sent without a click.
type LoggedOutPage struct {
	Frame
	LoginURL  string // "" if unknown
	ReturnURL string // "" if there is none
}

// ReturnHost is what the link to ReturnURL names: whom it leads to, whatever they call themselves.
func (p LoggedOutPage) ReturnHost() string {
	u, err := url.Parse(p.ReturnURL)
	if err != nil {
		return ""
	}
	return cmp.Or(u.Host, u.Scheme)
}

func (CheckMailPage) template() string       { return "checkmail" }
func (PasswordChangedPage) template() string { return "passwordchanged" }
func (TicketPage) template() string          { return "ticket" }
func (VerifiedPage) template() string        { return "verified" }
func (UnblockPage) template() string         { return "unblock" }
func (UnblockedPage) template() string       { return "unblocked" }
func (LoggedOutPage) template() string       { return "loggedout" }

// Known is the reason, or TicketInvalid for a value outside the list.
func (r TicketReason) Known() TicketReason {
	switch r {
	case TicketUsed, TicketExpired:
		return r
	}
	return TicketInvalid
}
