package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
)

var toAda = Message{From: "Mixtape <no-reply@mixtape.example>", To: "Ada <ada@example.com>", Subject: "Hi", Text: "text", HTML: "<p>html</p>"}

// Azure checks who sends by a signature over what is sent.
func TestAzure(t *testing.T) {
	a := &api{status: http.StatusAccepted, answer: `{"id":"1","status":"Running"}`}
	secret := base64.StdEncoding.EncodeToString([]byte("s3cret"))
	sender, err := Provider{Name: "azure_cs", Credentials: Credentials{ConnectionString: "endpoint=https://mixtape.communication.azure.com/;accesskey=" + secret}}.Sender(Outside{HTTP: &http.Client{Transport: a}})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), toAda); err != nil {
		t.Fatal(err)
	}
	if a.asked.URL.String() != "https://mixtape.communication.azure.com/emails:send?api-version=2023-03-31" {
		t.Error(a.asked.URL)
	}
	if want := `{"content":{"html":"\u003cp\u003ehtml\u003c/p\u003e","plainText":"text","subject":"Hi"},"recipients":{"to":[{"address":"ada@example.com"}]},"senderAddress":"no-reply@mixtape.example"}`; a.body != want {
		t.Errorf("%s\nwant %s", a.body, want)
	}
	h, sum := a.asked.Header, sha256.Sum256([]byte(a.body))
	if h.Get("X-Ms-Content-Sha256") != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Error(h)
	}
	mac := hmac.New(sha256.New, []byte("s3cret"))
	io.WriteString(mac, "POST\n/emails:send?api-version=2023-03-31\n"+h.Get("X-Ms-Date")+";mixtape.communication.azure.com;"+h.Get("X-Ms-Content-Sha256"))
	if _, signature, _ := strings.Cut(h.Get("Authorization"), "&Signature="); signature != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Error(h.Get("Authorization"))
	}
	for _, text := range []string{"", "endpoint=https://a.example", "endpoint=http://a.example;accesskey=" + secret, "endpoint=https://a.example/x;accesskey=" + secret, "endpoint=https://a.example;accesskey=?", "accesskey=" + secret} {
		a.asked = nil
		sender, _ := Provider{Name: "azure_cs", Credentials: Credentials{ConnectionString: text}}.Sender(Outside{HTTP: &http.Client{Transport: a}})
		if err := sender.Send(t.Context(), toAda); err == nil || a.asked != nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// graph answers as Microsoft's token endpoint and its API.
type graph struct{ token, mail api }

func (g *graph) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "login.microsoftonline.com" {
		return g.token.RoundTrip(r)
	}
	return g.mail.RoundTrip(r)
}

func TestGraph(t *testing.T) {
	g := &graph{api{status: 200, answer: `{"token_type":"Bearer","expires_in":3599,"access_token":"t0ken"}`}, api{status: http.StatusAccepted}}
	sender, err := Provider{Name: "ms365", Credentials: Credentials{TenantID: "contoso", ClientID: "app", ClientSecret: "s3cret"}}.Sender(Outside{HTTP: &http.Client{Transport: g}})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), toAda); err != nil {
		t.Fatal(err)
	}
	if u := g.token.asked.URL.String(); u != "https://login.microsoftonline.com/contoso/oauth2/v2.0/token" ||
		g.token.body != "client_id=app&client_secret=s3cret&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default" {
		t.Error(u, g.token.body)
	}
	if u := g.mail.asked.URL.String(); u != "https://graph.microsoft.com/v1.0/users/no-reply@mixtape.example/sendMail" || g.mail.asked.Header.Get("Authorization") != "Bearer t0ken" {
		t.Error(u, g.mail.asked.Header)
	}
	want := `{"message":{"body":{"content":"\u003cp\u003ehtml\u003c/p\u003e","contentType":"HTML"},"from":{"emailAddress":{"address":"no-reply@mixtape.example","name":"Mixtape"}},"subject":"Hi",` +
		`"toRecipients":[{"emailAddress":{"address":"ada@example.com"}}]},"saveToSentItems":false}`
	if g.mail.body != want {
		t.Errorf("%s\nwant %s", g.mail.body, want)
	}
	g.mail.status = http.StatusForbidden
	if err := sender.Send(t.Context(), toAda); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a mailbox that may not be used: %v", err)
	}
	g.mail.asked = nil
	for _, refusal := range []api{{status: 307, answer: `{"access_token":"t0ken"}`}, {status: 401, answer: `{"error":"invalid_client","error_description":"s3cret"}`}, {status: 200, answer: `{}`}, {status: 200, answer: `no`}} {
		g.token = refusal
		if err := sender.Send(t.Context(), toAda); err == nil || g.mail.asked != nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: %v", refusal, err)
		}
	}
}
