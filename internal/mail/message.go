package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// maxSubject is the longest subject, in bytes. It must fit into one folded header after encoding.
const maxSubject = 500

// ErrInvalid means that a message cannot be sent as it is.
var ErrInvalid = errors.New("mail: invalid message")

// A Message is one mail to one person.
type Message struct {
	From    string // an address, with or without a name: "Mixtape <no-reply@example.com>"
	To      string // one address
	Subject string
	Text    string // plain text; needed, so that every reader can read it
	HTML    string // the same as HTML, or empty
	Kind    string // what it is for: "verify_email", "reset_email"; not sent
	About   About  // not sent
}

// About is whom a message is about, for tenants' own code that sends it. All of it may be unknown.
type About struct {
	User         *stagedoor.User
	Client       *stagedoor.Client
	Organization *stagedoor.Organization
	Locale       string
}

// A Sender delivers messages, or hands them on to who does. Its errors hold no part of the message's text.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Validate tells whether a message can be sent. Its error wraps ErrInvalid and names the field, not its value.
func (m Message) Validate() error {
	for name, address := range map[string]string{"From": m.From, "To": m.To} {
		if _, err := mail.ParseAddress(address); err != nil || !line(address) {
			return fmt.Errorf("%w: %s is not an address", ErrInvalid, name)
		}
	}
	switch {
	case m.Subject == "" || len(m.Subject) > maxSubject || !line(m.Subject):
		return fmt.Errorf("%w: Subject is empty, too long or not one line", ErrInvalid)
	case m.Text == "":
		return fmt.Errorf("%w: Text is empty", ErrInvalid)
	case !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML):
		return fmt.Errorf("%w: the body is not UTF-8", ErrInvalid)
	}
	return nil
}

// line tells whether s is one line of readable text. It refuses all control characters and the line separators of Unicode.
func line(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}
