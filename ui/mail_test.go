package ui

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func TestMail(t *testing.T) {
	for _, kind := range []MailKind{VerifyEmail, ResetEmail, WelcomeEmail, BlockedEmail, Invitation, EnrollEmail, LinkEmail, StolenEmail, ApprovalEmail} {
		subject, text, body, err := Mail(kind, "en", sampleMail)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "mail-"+string(kind)+".txt", "Subject: "+subject+"\n\n"+text)
		golden(t, "mail-"+string(kind)+".html", body)
		if !strings.Contains(text, "\n"+sampleMail.Link+"\n") {
			t.Errorf("%s: the link is not on a line of its own", kind)
		}
	}
	if _, _, _, err := Mail("no_such_mail", "en", sampleMail); err == nil {
		t.Error("an unknown kind of mail was written")
	}
}

func TestMailSaysLittleOfItsOwn(t *testing.T) {
	_, text, _, err := Mail(ResetEmail, "en", MailData{Tenant: "T", Email: "e@example.com", Link: "https://example.com/t"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "within") || strings.Contains(text, "Questions") {
		t.Errorf("says what was not given:\n%s", text)
	}
}

func TestHostileMail(t *testing.T) {
	payload := "\"><script>alert(1)</script>\r\nBcc: everybody@example.com"
	subject, _, body, err := Mail(VerifyEmail, "en", MailData{Tenant: payload, Client: payload, Email: payload, Link: "javascript:alert(1)", SupportURL: payload})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(subject, "\r\n") {
		t.Errorf("subject of several lines: %q", subject)
	}
	walk(parse(t, body), func(n *html.Node) {
		if n.Data == "script" {
			t.Error("a script got into the mail")
		}
		if href, _ := attr(n, "href"); strings.HasPrefix(href, "javascript:") {
			t.Error("a script got into a link")
		}
	})
}

func TestLifetime(t *testing.T) {
	for expires, want := range map[time.Duration]string{
		0: "", 30 * time.Second: "2 minutes", 5 * time.Minute: "5 minutes", time.Hour: "60 minutes", 5 * time.Hour: "5 hours",
		24 * time.Hour: "24 hours", 5 * 24 * time.Hour: "5 days",
	} {
		if got := (mailView{MailData: MailData{Expires: expires}, Lang: "en"}).Lifetime(); got != want {
			t.Errorf("%s: %q, want %q", expires, got, want)
		}
	}
}

// TestAccountMails: mails of the account page lead nowhere, so that nobody learns to click on such links; every change has its words.
func TestAccountMails(t *testing.T) {
	for kind, data := range map[MailKind]MailData{
		AccountCode: {Code: "12345678", Expires: 15 * time.Minute}, AccountChanged: {Change: "password"}, AccountDeleted: {}, FactorEmail: {Code: "123456", Expires: 5 * time.Minute},
	} {
		data.Tenant, data.Email, data.SupportURL = sampleMail.Tenant, sampleMail.Email, sampleMail.SupportURL
		subject, text, body, err := Mail(kind, "en", data)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "mail-"+string(kind)+".txt", "Subject: "+subject+"\n\n"+text)
		golden(t, "mail-"+string(kind)+".html", body)
		if strings.Count(body, "href=") != 1 || strings.Contains(text+body, "mail."+string(kind)) {
			t.Errorf("%s leads somewhere, or lacks words:\n%s", kind, text)
		}
	}
}

// TestMailWithCode: a code stands alone in its line, and no link is there.
func TestMailWithCode(t *testing.T) {
	data := sampleMail
	data.Link, data.Code, data.Expires = "", "123456", 3*time.Minute
	_, text, body, err := Mail(CodeEmail, "en", data)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "\n123456\n") || strings.Contains(text, "http://") || !strings.Contains(text, "The code works once, within 3 minutes.") || !strings.Contains(body, ">123456</p>") {
		t.Errorf("%s\n%s", text, body)
	}
	golden(t, "mail-"+string(CodeEmail)+".txt", text)
	golden(t, "mail-"+string(CodeEmail)+".html", body)
	for _, kind := range []MailKind{VerifyCodeEmail, ResetCodeEmail} {
		subject, text, body, err := Mail(kind, "en", data)
		if err != nil || !strings.Contains(text, data.Code) {
			t.Errorf("%s: %v %s", kind, err, text)
		}
		golden(t, "mail-"+string(kind)+".txt", "Subject: "+subject+"\n\n"+text)
		golden(t, "mail-"+string(kind)+".html", body)
	}
}

// Where help is an address, people read the address, and not how a link to it is written.
func TestMailSupportAddress(t *testing.T) {
	_, plain, body, err := Mail(VerifyEmail, "en", MailData{Tenant: "Acme", SupportURL: "mailto:help@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plain, "here: help@example.com\n") || !strings.Contains(body, `<a href="mailto:help@example.com" style="color:#9a1b32">help@example.com</a>`) {
		t.Errorf("%s\n%s", plain, body)
	}
}
