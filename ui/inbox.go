package ui

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// InboxPage lists the mails and text messages of the development inbox, newest first.
type InboxPage struct {
	Frame
	Mails []InboxMail
}

// InboxMail is one mail of the development inbox.
type InboxMail struct {
	URL     string // the page that shows this mail
	From    string
	To      string
	Subject string
	Sent    time.Time
	Phone   bool // a text message, whose Subject is its text
}

// MailPage shows one mail of the development inbox.
type MailPage struct {
	Frame
	Mail     InboxMail
	Text     string // the text part; addresses in it become links
	HTMLURL  string // serves the HTML part with MailCSP; "" if the mail has none
	InboxURL string
}

// MailCSP is the Content-Security-Policy for the HTML part of a mail, shown in a frame of MailPage:
// no scripts, no forms, a foreign origin, pictures only from within the mail.
const MailCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"

func (InboxPage) template() string { return "inbox" }
func (MailPage) template() string  { return "mail" }

// Span is a piece of a mail's text: a link if URL is set.
type Span struct{ Text, URL string }

var address = regexp.MustCompile(`https?://[^\s<>"']+`)

// Spans cuts the mail's text at the http and https addresses in it.
func (p MailPage) Spans() []Span {
	var spans []Span
	rest := p.Text
	for {
		at := address.FindStringIndex(rest)
		if at == nil {
			break
		}
		found := strings.TrimRight(rest[at[0]:at[1]], ".,;:!?)")
		if at[0] > 0 {
			spans = append(spans, Span{Text: rest[:at[0]]})
		}
		span := Span{Text: found}
		if u, err := url.Parse(found); err == nil && u.Host != "" {
			span.URL = found
		}
		spans = append(spans, span)
		rest = rest[at[0]+len(found):]
	}
	if rest != "" {
		spans = append(spans, Span{Text: rest})
	}
	return spans
}
