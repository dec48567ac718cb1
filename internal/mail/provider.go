package mail

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	netmail "net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

// A Provider is who sends the mails of a tenant, by the tenant's own account there (Management API fact sheet 3.16).
type Provider struct {
	Name        string
	Credentials Credentials
	Settings    Settings
}

// Credentials are those of all kinds of providers.
type Credentials struct {
	APIKey    string `json:"api_key"`
	Domain    string `json:"domain"`
	Region    string `json:"region"`
	KeyID     string `json:"accessKeyId"`
	SecretKey string `json:"secretAccessKey"`
	Host      string `json:"smtp_host"`
	Port      int    `json:"smtp_port"`
	User      string `json:"smtp_user"`
	Password  string `json:"smtp_pass"`

	ConnectionString string `json:"connectionString"`
	TenantID         string `json:"tenantId"`
	ClientID         string `json:"clientId"`
	ClientSecret     string `json:"clientSecret"`
}

// Settings are those of all kinds of providers.
type Settings struct {
	Headers map[string]string `json:"headers"`
	Message struct {
		ViewContentLink  *bool  `json:"view_content_link"`
		ConfigurationSet string `json:"configuration_set_name"`
	} `json:"message"`
}

// Outside is how a provider is reached.
type Outside struct {
	HTTP *http.Client
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// ErrNoSender means that there is no way yet to send by that kind of provider.
var ErrNoSender = errors.New("mail: this kind of provider cannot be used")

// Sender returns what sends by the provider.
func (p Provider) Sender(out Outside) (Sender, error) {
	c := p.Credentials
	switch p.Name {
	case "smtp":
		return &SMTP{Host: c.Host, Port: c.Port, User: c.User, Password: c.Password, Dial: out.Dial, Headers: p.headers()}, nil
	case "ses":
		s := &SMTP{Host: "email-smtp." + c.Region + ".amazonaws.com", User: c.KeyID, Password: sesPassword(c.SecretKey, c.Region), Dial: out.Dial}
		if set := p.Settings.Message.ConfigurationSet; set != "" && line(set) {
			s.Headers = map[string]string{"X-SES-CONFIGURATION-SET": set}
		}
		return s, nil
	}
	write, known := posts[p.Name]
	if !known || out.HTTP == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoSender, p.Name)
	}
	return poster{p, write, out.HTTP}, nil
}

var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// headers are those of the settings that can be sent and are not ours to write.
func (p Provider) headers() map[string]string {
	ours := []string{"from", "to", "cc", "bcc", "subject", "date", "message-id", "content-type", "content-transfer-encoding", "mime-version"}
	out := maps.Clone(p.Settings.Headers)
	maps.DeleteFunc(out, func(name, value string) bool {
		return !headerName.MatchString(name) || !line(value) || slices.Contains(ours, strings.ToLower(name))
	})
	return out
}

// sesPassword is the password for SMTP that belongs to a secret key, as the documentation of Amazon SES computes it.
func sesPassword(secret, region string) string {
	sum := []byte("AWS4" + secret)
	for _, part := range []string{"11111111", region, "ses", "aws4_request", "SendRawEmail"} {
		mac := hmac.New(sha256.New, sum)
		mac.Write([]byte(part))
		sum = mac.Sum(nil)
	}
	return base64.StdEncoding.EncodeToString(append([]byte{4}, sum...))
}

// request is a message as one request.
type request struct {
	url     string
	user    string // with key for basic authentication, unless empty
	key     string
	header  string // that carries the key as bearer, or as it is
	bearer  bool
	body    any        // sent as JSON
	form    url.Values // sent instead
	refuses func(answer []byte) error

	authorize func(s poster, r *http.Request, body []byte) error // instead of a key
}

// posts are the providers that take a message by one request to their API, each as its public reference says.
var posts = map[string]func(p Provider, m Message, from *netmail.Address) request{
	"sendgrid": func(p Provider, m Message, from *netmail.Address) request {
		content := []map[string]string{{"type": "text/plain", "value": m.Text}}
		if m.HTML != "" {
			content = append(content, map[string]string{"type": "text/html", "value": m.HTML})
		}
		return request{url: "https://api.sendgrid.com/v3/mail/send", key: p.Credentials.APIKey, header: "Authorization", bearer: true, body: map[string]any{
			"personalizations": []any{map[string]any{"to": []any{map[string]string{"email": m.To}}}},
			"from":             sender(from), "subject": m.Subject, "content": content,
		}}
	},
	"resend": func(p Provider, m Message, from *netmail.Address) request {
		return request{url: "https://api.resend.com/emails", key: p.Credentials.APIKey, header: "Authorization", bearer: true, body: map[string]any{
			"from": from.String(), "to": []string{m.To}, "subject": m.Subject, "text": m.Text, "html": m.HTML,
		}}
	},
	"mandrill": func(p Provider, m Message, from *netmail.Address) request {
		message := map[string]any{
			"from_email": from.Address, "from_name": from.Name, "to": []any{map[string]string{"email": m.To, "type": "to"}},
			"subject": m.Subject, "text": m.Text, "html": m.HTML,
		}
		if link := p.Settings.Message.ViewContentLink; link != nil {
			message["view_content_link"] = *link
		}
		return request{url: "https://mandrillapp.com/api/1.0/messages/send", body: map[string]any{"key": p.Credentials.APIKey, "message": message}, refuses: mandrillRefuses}
	},
	"sparkpost": func(p Provider, m Message, from *netmail.Address) request {
		return request{url: "https://" + regional("api", p.Credentials.Region, "sparkpost.com") + "/api/v1/transmissions", key: p.Credentials.APIKey, header: "Authorization", body: map[string]any{
			"recipients": []any{map[string]any{"address": map[string]string{"email": m.To}}},
			"content":    map[string]any{"from": sender(from), "subject": m.Subject, "text": m.Text, "html": m.HTML},
		}}
	},
	"azure_cs": azureMail,
	"ms365":    graphMail,
	"mailgun": func(p Provider, m Message, from *netmail.Address) request {
		return request{
			url:  "https://" + regional("api", p.Credentials.Region, "mailgun.net") + "/v3/" + url.PathEscape(p.Credentials.Domain) + "/messages",
			user: "api", key: p.Credentials.APIKey,
			form: url.Values{"from": {from.String()}, "to": {m.To}, "subject": {m.Subject}, "text": {m.Text}, "html": {m.HTML}},
		}
	},
}

// regional is the host of an API, which has another name in Europe.
func regional(host, region, domain string) string {
	if region == "eu" {
		return host + ".eu." + domain
	}
	return host + "." + domain
}

func sender(a *netmail.Address) map[string]string {
	out := map[string]string{"email": a.Address}
	if a.Name != "" {
		out["name"] = a.Name
	}
	return out
}

// mandrillRefuses reads an answer that is 200 whatever became of the message.
func mandrillRefuses(answer []byte) error {
	var results []struct {
		Status string `json:"status"`
		Reason string `json:"reject_reason"`
	}
	if err := json.Unmarshal(answer, &results); err != nil || len(results) == 0 {
		return errors.New("mail: the answer of mandrill cannot be read")
	}
	if s := results[0].Status; s == "rejected" || s == "invalid" {
		return fmt.Errorf("mail: mandrill says %s %s", s, results[0].Reason)
	}
	return nil
}

// poster sends by one request.
type poster struct {
	Provider
	write func(Provider, Message, *netmail.Address) request
	http  *http.Client
}

// Send hands the message to the provider. An error tells what status the provider answered, and nothing of the message or the key.
func (s poster) Send(ctx context.Context, m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return fmt.Errorf("%w: From is not an address", ErrInvalid)
	}
	if to, err := netmail.ParseAddress(m.To); err == nil {
		m.To = to.Address
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	p := s.write(s.Provider, m, from)
	body, kind := []byte(p.form.Encode()), "application/x-www-form-urlencoded"
	if p.body != nil {
		if body, err = json.Marshal(p.body); err != nil {
			return fmt.Errorf("mail: write for %s: %w", s.Name, err)
		}
		kind = "application/json"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("mail: write for %s: %w", s.Name, err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	switch {
	case p.authorize != nil:
		if err := p.authorize(s, r, body); err != nil {
			return err
		}
	case p.user != "":
		r.SetBasicAuth(p.user, p.key)
	case p.bearer:
		r.Header.Set(p.header, "Bearer "+p.key)
	case p.header != "":
		r.Header.Set(p.header, p.key)
	}
	status, answer, err := outbound.Ask(s.http, r, sendTimeout)
	switch {
	case err != nil:
		return fmt.Errorf("mail: send by %s: %w", s.Name, err)
	case status >= http.StatusMultipleChoices:
		return fmt.Errorf("mail: %s answered %d", s.Name, status)
	case p.refuses != nil:
		return p.refuses(answer)
	}
	return nil
}
