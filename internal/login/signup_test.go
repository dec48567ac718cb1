package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestSignup(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		page := b.begin("screen_hint", "signup").says("Create your account", "Your password needs", "8 or more characters", "Numbers")
		done := b.submit(page, "email", " New@Example.com ", "password", good).want(http.StatusSeeOther)
		if q := b.finish(done); q.Get("code") == "" {
			w.Errorf("came back with %v", q)
		}
		u := w.found("new@example.com")
		if u == nil || u.EmailVerified || u.AppMetadata != nil || u.UserMetadata != nil || u.LoginsCount != 1 {
			w.Fatalf("signed up as %+v", u)
		}
		mails := w.mails()
		if len(mails) != 1 || mails[0].To != "new@example.com" || mails[0].Subject != "Verify your email for Mixtape" || mails[0].From != `"Acme Records" <no-reply@acme.test>` {
			w.Fatalf("mails %+v", mails)
		}
		w.browser().get(w.link()).want(http.StatusOK).says("Your email is verified", "new@example.com").href("Continue")
		if !w.found("new@example.com").EmailVerified {
			w.Error("not verified")
		}
		if got := w.events(); got != "ss s sv" {
			w.Errorf("events %s", got)
		}
	})
}

func TestSignupProblems(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	page := b.begin("screen_hint", "signup")
	for _, tt := range []struct {
		name, email, password string
		says                  []string
	}{
		{"nothing", "", "", []string{"Enter your email address.", "Enter your password."}},
		{"no address", "new", good, []string{"in the form name@example.com"}},
		{"two addresses", "a@example.com, b@example.com", good, []string{"in the form name@example.com"}},
		{"line break", "new@example.com\r\nBcc: x@example.com", good, []string{"in the form name@example.com"}},
		{"broken text", "new\xff@example.com", good, []string{"The form must be UTF-8"}},
		{"NUL", "new\x00@example.com", good, []string{"The form must be UTF-8"}},
		{"weak password", "new@example.com", "abcdefgh", []string{"This password is too weak", "8 or more characters (met)", "Numbers (0–9) (not met yet)"}},
		{"both wrong", "new", "ab?c", []string{"in the form name@example.com", "This password is too weak"}},
		{"long password", "new@example.com", strings.Repeat("Aa1", 400), []string{"This password is too long"}},
		{"broken password", "new@example.com", good + "\xff", []string{"The form must be UTF-8"}},
		{"known address", "ada@example.com", good, []string{"We could not create this account. If you have signed up before, log in instead."}},
	} {
		t.Log(tt.name)
		r := b.submit(page, "email", tt.email, "password", tt.password).want(http.StatusBadRequest).says(tt.says...)
		if tt.password != "" {
			r.hides(tt.password)
		}
	}
	w.configure(func(s *stagedoor.TenantSettings) { s.Flags[stagedoor.FlagSignupUserExists] = true })
	b.submit(page, "email", "ada@example.com", "password", good).want(http.StatusBadRequest).says("There is an account for this email address already.")
	if _, total, _ := w.st.Users(t.Context(), users); total != 1 || len(w.mails()) != 0 {
		t.Errorf("%d users, %d mails", total, len(w.mails()))
	}
	logs, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 50, Type: "fs"})
	w.ok(err)
	for _, e := range logs {
		if e.Description != "The user already exists." || e.UserID != "" || e.UserName != "ada@example.com" {
			t.Errorf("event %+v", e)
		}
	}
	b.submit(page, "email", "new@example.com", "password", good).want(http.StatusSeeOther)
	b.submit(page, "email", "newer@example.com", "password", good).want(http.StatusBadRequest).says("You may have pressed the back button")
	if w.found("newer@example.com") != nil {
		t.Error("one form signed up twice")
	}
}

func TestSignupWithUsernames(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.options(func(o *stagedoor.ConnectionOptions) { o.RequiresUsername = true; o.PasswordPolicy = "none" })
	b := w.browser()
	page := b.begin("screen_hint", "signup").says("Username")
	b.submit(page, "email", "new@example.com", "password", "x").want(http.StatusBadRequest).says("Enter a username.")
	b.submit(page, "email", "new@example.com", "username", "a b", "password", "x").want(http.StatusBadRequest).says("This username is not allowed.")
	b.submit(page, "email", "new@example.com", "username", "Newbie", "password", "x").want(http.StatusSeeOther)
	b = w.browser()
	page = b.begin("screen_hint", "signup")
	b.submit(page, "email", "newer@example.com", "username", "newbie", "password", "x").want(http.StatusBadRequest).says("This username is taken.")
	b.submit(b.get(page.href("Log in")), "username", "NEWBIE", "password", "x").want(http.StatusSeeOther)
}

// A mail that cannot be sent holds nobody up, and its link stays out of the log.
func TestSignupWithoutMail(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	b := w.browser()
	q := b.finish(b.submit(b.begin("screen_hint", "signup"), "email", "new@example.com", "password", good))
	if q.Get("code") == "" {
		t.Errorf("came back with %v", q)
	}
	w.ok(w.door.Wait(t.Context()))
	if log := w.log.String(); !strings.Contains(log, "a mail was not sent") || !strings.Contains(log, "kind=verify_email") || strings.Contains(log, "ticket") || strings.Contains(log, "new@example.com") {
		t.Errorf("the operator reads: %s", log)
	}
}
