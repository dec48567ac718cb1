package mail

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// phonePost keeps the last request, and answers with status.
type phonePost struct {
	*httptest.Server
	status int
	path   string
	header http.Header
	body   string
}

func newPhonePost(t *testing.T) *phonePost {
	t.Helper()
	p := &phonePost{status: http.StatusCreated}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		p.path, p.header, p.body = r.URL.Path, r.Header.Clone(), string(b)
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.Close)
	return p
}

func TestTwilio(t *testing.T) {
	post := newPhonePost(t)
	s := Twilio{SID: "AC1", Token: "s3cret", From: "+1000", Base: post.URL, HTTP: post.Client()}
	for name, want := range map[string]struct {
		change func(*Twilio, *Text)
		form   string
	}{
		"its own sender":           {func(*Twilio, *Text) {}, "Body=123&From=%2B1000&To=%2B15550100"},
		"the message's sender":     {func(s *Twilio, m *Text) { m.From, s.Service = "ACME", "MG1" }, "Body=123&From=ACME&To=%2B15550100"},
		"the service's own choice": {func(s *Twilio, _ *Text) { s.Service = "MG1" }, "Body=123&MessagingServiceSid=MG1&To=%2B15550100"},
	} {
		s, m := s, Text{To: "+15550100", Body: "123"}
		want.change(&s, &m)
		if err := s.SendText(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r := http.Request{Header: post.header}
		if user, key, _ := r.BasicAuth(); post.path != "/2010-04-01/Accounts/AC1/Messages.json" || post.body != want.form || user != "AC1" || key != "s3cret" {
			t.Errorf("%s: %s %s %s %s", name, post.path, post.body, user, key)
		}
	}
	post.status = http.StatusUnauthorized
	if err := s.SendText(t.Context(), Text{To: "+15550100", Body: "123"}); err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "15550100") {
		t.Errorf("refused: %v", err)
	}
	post.Close()
	if err := s.SendText(t.Context(), Text{To: "+15550100", Body: "123"}); err == nil || strings.Contains(err.Error(), "AC1") {
		t.Errorf("nobody there: %v", err)
	}
	for _, bad := range []Text{
		{To: "15550100", Body: "x"},
		{To: "+1555 0100", Body: "x"},
		{To: "+15550100"},
		{To: "+15550100", Body: "\xff"},
		{To: "+15550100", Body: strings.Repeat("x", maxText+1)},
		{To: "+15550100", From: "a\nb", Body: "x"},
	} {
		for _, s := range []TextSender{s, Gateway{URL: "http://127.0.0.1:1/", HTTP: http.DefaultClient}} {
			if err := s.SendText(t.Context(), bad); !errors.Is(err, ErrInvalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	}
	if err := (Twilio{}).SendText(t.Context(), Text{To: "+15550100", Body: "x"}); !errors.Is(err, ErrNoSender) {
		t.Errorf("no way out: %v", err)
	}
}

func TestGateway(t *testing.T) {
	post := newPhonePost(t)
	s := Gateway{URL: post.URL + "/sms", From: "ACME", Bearer: "jwt", About: map[string]any{"ip": "192.0.2.1"}, HTTP: post.Client()}
	if err := s.SendText(t.Context(), Text{To: "+15550100", Body: "123"}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(post.body), &got); err != nil || post.path != "/sms" || post.header.Get("Authorization") != "Bearer jwt" ||
		got["recipient"] != "+15550100" || got["body"] != "123" || got["sender"] != "ACME" || got["req"].(map[string]any)["ip"] != "192.0.2.1" {
		t.Errorf("%s %v %v", post.path, post.header, post.body)
	}
}
