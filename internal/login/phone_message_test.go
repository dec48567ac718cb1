package login_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// switchboard stands in for whoever speaks Twilio's API, and keeps the bodies that it was sent.
type switchboard struct {
	status int
	sent   []string
	bearer string // how the newest one proved itself
}

func (s *switchboard) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	s.sent, s.bearer = append(s.sent, r.URL.String()+" "+string(b)), r.Header.Get("Authorization")
	return &http.Response{StatusCode: s.status, Body: http.NoBody, Header: http.Header{}, Request: r}, err
}

// document keeps a noun of the Management API.
func (w *world) document(kind *store.Kind[stagedoor.Document], name string, members map[string]any) {
	w.Helper()
	b, err := json.Marshal(members)
	w.ok(err)
	w.ok(kind.Create(w.Context(), w.st, &stagedoor.Document{Name: name, Sealed: string(b)}))
}

// TestPhoneMessages: who brings a message to a phone, in the order in which they count.
func TestPhoneMessages(t *testing.T) {
	each(t, func(w *world) {
		out := &switchboard{status: http.StatusCreated}
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
		w.pipe.HTTP = &http.Client{Transport: out}
		send := func(m pipeline.PhoneMessage) error {
			m.To = "+15550100"
			return w.pipe.SendText(w.Context(), pipeline.Visit{Store: w.st}, m, nil)
		}
		code := pipeline.PhoneMessage{Kind: "otp_verify", Code: "4711"}

		if err := send(code); !stagedoor.HasCode(err, pipeline.CodeNoPhone) || len(out.sent) != 0 {
			t.Errorf("nobody sends: %v %v", err, out.sent)
		}
		w.ok(w.st.ChangeSetting(w.Context(), "guardian/phone-provider", func(m map[string]any) error { m["provider"] = "twilio"; return nil }))
		w.ok(w.st.ChangeSetting(w.Context(), "guardian/twilio", func(m map[string]any) error {
			m["sid"], m["auth_token"], m["from"] = "AC0", "t0ken", "+1000"
			return nil
		}))
		w.ok(send(code))
		if got := out.sent[0]; got != "https://api.twilio.com/2010-04-01/Accounts/AC0/Messages.json Body=4711+is+your+verification+code+for+Acme+Records&From=%2B1000&To=%2B15550100" {
			t.Errorf("by the settings of second factors: %s", got)
		}
		if err := send(pipeline.PhoneMessage{Kind: "blocked_account"}); !stagedoor.HasCode(err, pipeline.CodeNoPhone) {
			t.Errorf("these are for codes alone: %v", err)
		}
		w.document(&store.PhoneTemplates, "otp_verify", map[string]any{"type": "otp_verify", "content": map[string]any{"from": "ACME", "body": map[string]any{"text": "Code {{ code }}"}}})
		w.document(&store.PhoneProviders, "", map[string]any{"name": "twilio", "disabled": true})
		w.document(&store.PhoneProviders, "", map[string]any{"name": "twilio", "configuration": map[string]any{"sid": "AC1", "mssid": "MG1"}, "credentials": map[string]any{"auth_token": "t"}})
		w.ok(send(code))
		w.ok(send(pipeline.PhoneMessage{Kind: "blocked_account", Text: "Locked"}))
		if got := strings.Join(out.sent[1:], "\n"); got != "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json Body=Code+4711&From=ACME&To=%2B15550100\n"+
			"https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json Body=Locked&MessagingServiceSid=MG1&To=%2B15550100" {
			t.Errorf("by the tenant's provider: %s", got)
		}
		out.status = http.StatusBadRequest
		if err := send(code); err == nil || strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "5550100") {
			t.Errorf("the provider refuses: %v", err)
		}
		own := &switchboard{status: http.StatusCreated}
		err := w.pipe.SendText(w.Context(), pipeline.Visit{Store: w.st}, pipeline.PhoneMessage{Kind: "otp_verify", Code: "1", To: "+15550100"}, mail.Gateway{URL: "https://sms.example/", HTTP: &http.Client{Transport: own}})
		if err != nil || len(own.sent) != 1 || !strings.HasPrefix(own.sent[0], "https://sms.example/ ") {
			t.Errorf("by a sender of one's own: %v %v", err, own.sent)
		}
		if err := w.pipe.SendText(w.Context(), pipeline.Visit{Store: w.st}, pipeline.PhoneMessage{Kind: "otp_verify", Code: "1", To: "0900"}, nil); err == nil {
			t.Error("a number that is none was taken")
		}

		all, err := store.PhoneProviders.All(w.Context(), w.st)
		w.ok(err)
		_, err = store.PhoneProviders.Update(w.Context(), w.st, all[1].ID, func(d *stagedoor.Document) error { d.Sealed = `{"name":"custom"}`; return nil })
		w.ok(err)
		if err := send(code); !stagedoor.HasCode(err, pipeline.CodeNoPhone) {
			t.Errorf("custom without an action: %v", err)
		}
		w.action(script.CustomPhoneProvider, `exports.onExecuteCustomPhoneProvider = async (event) => { throw new Error(event.notification.as_text + event.notification.from); };`)
		if err := send(code); err == nil || !strings.Contains(err.Error(), "Code 4711ACME") {
			t.Errorf("by the tenant's action: %v", err)
		}

		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.ok(send(code))
		b := w.browser()
		page := b.get("/u/inbox").want(http.StatusOK).says("Text message").says("Code 4711").says("+15550100")
		if !strings.Contains(page.body, "/u/inbox/"+w.mails()[0].ID) {
			t.Error("the message has no page")
		}
		b.get("/u/inbox/" + w.mails()[0].ID).want(http.StatusOK).says("Code 4711").says("ACME")
	})
}

// TestWhatTextsMayName is what the wire documents of the variables of messages to phones. What is not set is absent.
func TestWhatTextsMayName(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.document(&store.PhoneTemplates, "otp_verify", map[string]any{"type": "otp_verify", "content": map[string]any{"body": map[string]any{
		"text": "{{ code }} {{ tenant }} {{ support_email }} {{ application.name }} {{ client.clientID }} {{ user.email }} {{ user.source_ip }} {{ connection }}{% if support_url or user.given_name %}!{% endif %}{% if organization %}?{% endif %}",
	}}})
	client, err := w.st.Client(w.Context(), "app")
	w.ok(err)
	m := pipeline.PhoneMessage{Kind: "otp_verify", Code: "4711", To: "+15550100", Client: client, User: w.found("ada@example.com")}
	m.User.GivenName = ""
	w.ok(w.pipe.SendText(w.Context(), pipeline.Visit{Store: w.st, IP: "192.0.2.7"}, m, nil))
	if got := w.mails()[0].Text; got != "4711 acme help@acme.test Mixtape app ada@example.com 192.0.2.7 Users" {
		t.Errorf("the text says %q", got)
	}
}
