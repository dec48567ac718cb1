package mail

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// api answers as the API of a provider would, and keeps the request.
type api struct {
	status int
	answer string
	asked  *http.Request
	body   string
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	a.asked, a.body = r, string(b)
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.answer)), Header: http.Header{}}, err
}

func TestProviders(t *testing.T) {
	m := Message{From: "Mixtape <no-reply@mixtape.example>", To: "ada@example.com", Subject: "Hi", Text: "text & more", HTML: "<p>html</p>"}
	off := false
	for _, row := range []struct {
		p             Provider
		answer        string
		url, key, has string
	}{
		{Provider{Name: "sendgrid"}, "", "https://api.sendgrid.com/v3/mail/send", "Bearer s3cret", `{"content":[{"type":"text/plain","value":"text & more"},{"type":"text/html","value":"<p>html</p>"}],"from":{"email":"no-reply@mixtape.example","name":"Mixtape"},"personalizations":[{"to":[{"email":"ada@example.com"}]}],"subject":"Hi"}`},
		{Provider{Name: "resend"}, "", "https://api.resend.com/emails", "Bearer s3cret", `{"from":"\"Mixtape\" <no-reply@mixtape.example>","html":"<p>html</p>","subject":"Hi","text":"text & more","to":["ada@example.com"]}`},
		{Provider{Name: "mandrill", Settings: Settings{Message: struct {
			ViewContentLink  *bool  `json:"view_content_link"`
			ConfigurationSet string `json:"configuration_set_name"`
		}{ViewContentLink: &off}}}, `[{"status":"sent"}]`, "https://mandrillapp.com/api/1.0/messages/send", "", `{"key":"s3cret","message":{"from_email":"no-reply@mixtape.example","from_name":"Mixtape","html":"<p>html</p>","subject":"Hi","text":"text & more","to":[{"email":"ada@example.com","type":"to"}],"view_content_link":false}}`},
		{Provider{Name: "sparkpost", Credentials: Credentials{Region: "eu"}}, "", "https://api.eu.sparkpost.com/api/v1/transmissions", "s3cret", `{"content":{"from":{"email":"no-reply@mixtape.example","name":"Mixtape"},"html":"<p>html</p>","subject":"Hi","text":"text & more"},"recipients":[{"address":{"email":"ada@example.com"}}]}`},
		{Provider{Name: "mailgun", Credentials: Credentials{Domain: "mg.x.test"}}, "", "https://api.mailgun.net/v3/mg.x.test/messages", "Basic YXBpOnMzY3JldA==", `from=%22Mixtape%22+%3Cno-reply%40mixtape.example%3E&html=%3Cp%3Ehtml%3C%2Fp%3E&subject=Hi&text=text+%26+more&to=ada%40example.com`},
	} {
		row.p.Credentials.APIKey = "s3cret"
		a := &api{status: 200, answer: row.answer}
		sender, err := row.p.Sender(Outside{HTTP: &http.Client{Transport: a}})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", row.p.Name, err)
		}
		body := a.body
		if strings.HasPrefix(body, "{") {
			var v any
			_ = json.Unmarshal([]byte(body), &v)
			b := &strings.Builder{}
			e := json.NewEncoder(b)
			e.SetEscapeHTML(false)
			_ = e.Encode(v)
			body = strings.TrimSpace(b.String())
		}
		if a.asked.URL.String() != row.url || a.asked.Header.Get("Authorization") != row.key || body != row.has || a.asked.Method != "POST" {
			t.Errorf("%s: %s %s\n got %s\nwant %s", row.p.Name, a.asked.URL, a.asked.Header.Get("Authorization"), body, row.has)
		}
		a.status = 401
		if err := sender.Send(t.Context(), m); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s refused: %v", row.p.Name, err)
		}
		a.asked = nil
		if err := sender.Send(t.Context(), Message{From: "x", To: "y", Subject: "z", Text: "t"}); !errors.Is(err, ErrInvalid) || a.asked != nil {
			t.Errorf("%s sent what is invalid: %v", row.p.Name, err)
		}
	}
	rejects := &api{status: 200, answer: `[{"status":"rejected","reject_reason":"hard-bounce"}]`}
	sender, _ := Provider{Name: "mandrill"}.Sender(Outside{HTTP: &http.Client{Transport: rejects}})
	if err := sender.Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), "hard-bounce") {
		t.Errorf("rejected: %v", err)
	}
	for _, name := range []string{"custom", ""} {
		if _, err := (Provider{Name: name}).Sender(Outside{HTTP: http.DefaultClient}); !errors.Is(err, ErrNoSender) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProviderSMTP(t *testing.T) {
	cert, roots := certificate(t)
	for _, implicit := range []bool{false, true} {
		p := (&post{cert: cert, login: "mixtape:s3cret", implicit: implicit}).start(t)
		var dialled string
		sender, err := Provider{
			Name: "smtp", Credentials: Credentials{Host: "127.0.0.1", Port: p.port, User: "mixtape", Password: "s3cret"},
			Settings: Settings{Headers: map[string]string{"X-Tag": "hosted", "Bcc": "eve@example.com", "X-Bad": "a\r\nBcc: eve@example.com"}},
		}.Sender(Outside{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = address
			return new(net.Dialer).DialContext(ctx, network, address)
		}})
		if err != nil {
			t.Fatal(err)
		}
		sender.(*SMTP).RootCAs, sender.(*SMTP).ImplicitTLS = roots, implicit
		if err := sender.Send(t.Context(), good); err != nil || !strings.Contains(p.data, "X-Tag: hosted") || strings.Contains(p.data, "eve@") || dialled == "" {
			t.Errorf("implicit TLS %v: %v, dialled %s\n%s", implicit, err, dialled, p.commands())
		}
	}
	refused := errors.New("not public")
	sender, _ := Provider{Name: "smtp", Credentials: Credentials{Host: "127.0.0.1", Port: 25}}.Sender(Outside{Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, refused
	}})
	if err := sender.Send(t.Context(), good); !errors.Is(err, refused) {
		t.Errorf("a refused address: %v", err)
	}
	ses, _ := Provider{Name: "ses", Credentials: Credentials{KeyID: "AKIA", SecretKey: "secret", Region: "eu-west-1"}}.Sender(Outside{})
	if s := ses.(*SMTP); s.Host != "email-smtp.eu-west-1.amazonaws.com" || s.User != "AKIA" || len(s.Password) != 44 || !strings.HasPrefix(s.Password, "B") {
		t.Errorf("ses: %+v", s)
	}
}
