package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
)

// maxText is the longest message to a phone, in bytes: ten parts of the longest kind.
const maxText = 1600

// A Text is one message to one phone.
type Text struct {
	From string // a number or a name; empty: the sender's own
	To   string // E.164
	Body string
}

// Validate tells whether a message can be sent. Its error wraps ErrInvalid and names the field, not its value.
func (t Text) Validate() error {
	switch {
	case !stagedoor.IsPhoneNumber(t.To):
		return fmt.Errorf("%w: To is not a telephone number", ErrInvalid)
	case t.From != "" && (len(t.From) > 255 || !line(t.From)):
		return fmt.Errorf("%w: From is too long or not one line", ErrInvalid)
	case t.Body == "" || len(t.Body) > maxText || !utf8.ValidString(t.Body):
		return fmt.Errorf("%w: Body is empty, too long or not UTF-8", ErrInvalid)
	}
	return nil
}

// A TextSender brings messages to phones, or hands them on to who does. Its errors hold no part of the message, of the number or of
// credentials.
type TextSender interface {
	SendText(ctx context.Context, t Text) error
}

// twilioAPI is where messages go; the public documentation calls the operation "create a message".
const twilioAPI = "https://api.twilio.com"

// Twilio sends through Twilio's API, or through who speaks the same.
type Twilio struct {
	SID, Token string // the account and its key
	From       string // where a message has no sender; empty: Service chooses
	Service    string // id of the messaging service; empty: none
	Base       string // address of who speaks the API, https://host; empty: Twilio
	HTTP       *http.Client
}

// SendText hands the message on.
func (s Twilio) SendText(ctx context.Context, t Text) error {
	if err := t.Validate(); err != nil {
		return err
	}
	form := url.Values{"To": {t.To}, "Body": {t.Body}}
	switch {
	case t.From != "":
		form.Set("From", t.From)
	case s.Service != "":
		form.Set("MessagingServiceSid", s.Service)
	default:
		form.Set("From", s.From)
	}
	base := s.Base
	if base == "" {
		base = twilioAPI
	}
	r, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(base, "/")+"/2010-04-01/Accounts/"+url.PathEscape(s.SID)+"/Messages.json", strings.NewReader(form.Encode())) //nolint:noctx // post adds it
	if err != nil {
		return fmt.Errorf("mail: write for the provider of messages: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.SID, s.Token)
	return postText(ctx, s.HTTP, r)
}

// Gateway sends through a server of the tenant's own: a POST of recipient, body and sender as JSON.
type Gateway struct {
	URL    string
	From   string
	Bearer string         // of the header Authorization; empty: none
	About  map[string]any // of the request that led to the message, where the tenant wants to know; nil: nothing
	HTTP   *http.Client
}

// SendText hands the message on.
func (s Gateway) SendText(ctx context.Context, t Text) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if t.From == "" {
		t.From = s.From
	}
	members := map[string]any{"recipient": t.To, "body": t.Body, "sender": t.From}
	if s.About != nil {
		members["req"] = s.About
	}
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("mail: write for the gateway: %w", err)
	}
	r, err := http.NewRequest(http.MethodPost, s.URL, bytes.NewReader(body)) //nolint:noctx // post adds it
	if err != nil {
		return fmt.Errorf("%w: the address of the gateway", ErrInvalid)
	}
	r.Header.Set("Content-Type", "application/json")
	if s.Bearer != "" {
		r.Header.Set("Authorization", "Bearer "+s.Bearer)
	}
	return postText(ctx, s.HTTP, r)
}

// textTimeout is how long the one who asked waits for a message to be handed on.
const textTimeout = 5 * time.Second

func postText(ctx context.Context, client *http.Client, r *http.Request) error {
	if client == nil {
		return fmt.Errorf("%w: this server makes no outbound calls", ErrNoSender)
	}
	status, err := outbound.Send(client, r.WithContext(ctx), textTimeout)
	if err != nil {
		return fmt.Errorf("mail: the provider of messages does not answer: %w", err)
	}
	if status >= http.StatusMultipleChoices {
		return fmt.Errorf("the provider answered %d", status)
	}
	return nil
}
