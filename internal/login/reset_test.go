package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var users = store.UserQuery{PerPage: 50}

// forget asks for a new password for Ada and returns the address in the mail.
func (b *browser) forget() string {
	b.Helper()
	b.submit(b.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK)
	return b.link()
}

// signsIn tells whether Ada's password is secret.
func (w *world) signsIn(secret string) bool {
	w.Helper()
	b := w.browser()
	return b.submit(b.begin(), "username", "ada@example.com", "password", secret).status == http.StatusSeeOther
}

func TestReset(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.finish(b.submit(b.begin(), "username", "ada@example.com", "password", good)) // a session that must end
		page := b.begin("prompt", "login")
		page = b.get(page.href("Forgot your password?")).says("Forgot your password?")
		b.submit(page, "email", "").want(http.StatusBadRequest).says("Enter your email address.")
		sent := b.submit(page, "email", " Ada@Example.com ").want(http.StatusOK).says("If there is an account for Ada@Example.com")
		if inbox := sent.href("Open the development inbox"); inbox != "/u/inbox" {
			w.Errorf("the inbox is at %s", inbox)
		}
		b.get(sent.href("Back to log in")).want(http.StatusOK).says("Welcome")
		if mail := w.mails()[0]; mail.To != "ada@example.com" || mail.Subject != "Choose a new password for Mixtape" || !strings.Contains(mail.Text, "5 days") {
			w.Errorf("mail %+v", mail)
		}
		link := w.link()
		other := w.browser() // the mail may be read elsewhere
		other.get(link).want(http.StatusOK)
		form := other.get(link).want(http.StatusOK).says("This will be the password of ada@example.com", "Your password needs")
		if form.header.Get("Referrer-Policy") != "same-origin" || form.header.Get("Cache-Control") != "no-store" {
			w.Errorf("headers %v", form.header)
		}
		other.submit(form, "password", "").want(http.StatusBadRequest).says("Enter your password.")
		weak := other.submit(form, "password", "short").want(http.StatusBadRequest).says("This password is too weak", "not met yet")
		changed := other.submit(weak, "password", "Another-Horse-2").want(http.StatusOK).says("Your password is changed")
		if to := changed.href("Continue to log in"); to != "https://app.example/start" {
			w.Errorf("continues to %s", to)
		}
		other.submit(weak, "password", "Third-Horse-3").want(http.StatusBadRequest).says("This link was used already")
		other.get(link).want(http.StatusBadRequest).says("This link was used already").href("Ask for a new link")
		if w.signsIn(good) || w.signsIn("Third-Horse-3") || !w.signsIn("Another-Horse-2") {
			w.Error("the wrong password works")
		}
		if q := b.finish(b.begin("prompt", "none")); q.Get("error") != "login_required" {
			w.Errorf("the old session lives on: %v", q)
		}
		if w.found("ada@example.com").LastPasswordReset.IsZero() {
			w.Error("last_password_reset is not set")
		}
		if got := w.events(); !strings.HasPrefix(got, "s scpr scp fp fp") {
			w.Errorf("events %s", got)
		}
	})
}

// Whoever asks learns nothing about who is known.
func TestForgotTellsNothing(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	for _, tt := range []struct{ email, shown string }{
		{"bob@example.com", "bob@example.com"}, {"not an address", "not an address"}, {strings.Repeat("x", 5000), ""},
	} {
		got := b.submit(b.get("/u/forgot"), "email", tt.email).want(http.StatusOK)
		if tt.shown != "" {
			known := b.submit(b.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK)
			if strings.ReplaceAll(words(got.body), tt.shown, "ada@example.com") != words(known.body) {
				t.Errorf("%q gets another answer: %s", tt.email, words(got.body))
			}
		}
	}
	for _, m := range w.mails() {
		if m.To != "ada@example.com" {
			t.Errorf("a mail went to %s", m.To)
		}
	}
	if got := w.events(); got != "fcpr scpr fcpr scpr fcpr" {
		t.Errorf("events %s", got)
	}
}

// The answer does not wait for the mail, else its time would tell who is known.
// TestResetsAreLimited, the attack: somebody has mails to choose another password sent to others without end. Ten at once, and one a minute, for one person from one network,
// whether or not there is such a person.
func TestResetsAreLimited(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		ask := func(email string) *reply {
			return b.json(changePath, object("connection", "Users", "client_id", "app", "email", email))
		}
		for i, variant := range []string{"ada@example.com", "ADA@example.com", " ada@example.com "} {
			if r := ask(variant); r.status != http.StatusOK {
				w.Fatalf("%d: %d %s", i, r.status, r.body)
			}
		}
		forgot := w.browser()
		page := forgot.get("/u/forgot")
		for range 7 {
			forgot.submit(page, "email", "ada@example.com").want(http.StatusOK)
		}
		for range 10 {
			ask("nobody@example.com").want(http.StatusOK)
		}
		refused := ask("ada@example.com").want(http.StatusTooManyRequests)
		if !strings.Contains(refused.body, `"code":"too_many_requests"`) || refused.body != ask("nobody@example.com").want(http.StatusTooManyRequests).body {
			w.Errorf("%s", refused.body)
		}
		forgot.submit(page, "email", "ada@example.com").want(http.StatusTooManyRequests).says("Too many attempts. Please wait a moment")
		forgot.submit(page, "email", "nobody@example.com").want(http.StatusTooManyRequests).says("Too many attempts. Please wait a moment")
		if n := len(w.mails()); n != 10 {
			w.Errorf("%d mails", n)
		}
		logs, _, err := w.st.Logs(w.Context(), store.LogQuery{PerPage: 100})
		w.ok(err)
		if len(logs) == 0 || logs[0].Type != "limit_mu" || logs[0].UserName != "nobody@example.com" {
			w.Errorf("logged %+v", logs)
		}
		ask("bob@example.com").want(http.StatusOK) // another person
		b.from = "192.0.2.8"
		ask("ada@example.com").want(http.StatusOK) // from elsewhere
		b.from = "192.0.2.7"
		w.wait(time.Minute)
		ask("ada@example.com").want(http.StatusOK)
		ask("ada@example.com").want(http.StatusTooManyRequests)
	})
}

// Codes to choose another password count with all others that are sent for a network, whoever is named.
func TestResetCodesAreLimited(t *testing.T) {
	each(t, func(w *world) {
		w.knownBy(byCodes, "")
		for range 50 {
			w.ok(guard.Code(w.Context(), w.st, "192.0.2.7"))
		}
		b := w.browser()
		page := b.get("/u/forgot")
		for _, name := range []string{"ada@example.com", "nobody@example.com"} {
			b.submit(page, "email", name).want(http.StatusTooManyRequests).says("Too many attempts. Please wait a moment")
		}
		if mails := w.mails(); len(mails) != 0 {
			w.Errorf("mails %+v", mails)
		}
		b.from = "192.0.2.8"
		b.submit(page, "email", "ada@example.com").want(http.StatusOK).says("Enter your code")
	})
}

func TestForgotDoesNotWait(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
	gate := make(chan struct{})
	w.send = blocked(gate, errStop)
	b := w.browser()
	b.submit(b.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK).hides("inbox")
	ctx, cancel := timeout(t, 50*time.Millisecond)
	defer cancel()
	if err := w.door.Wait(ctx); err == nil {
		t.Error("nothing is under way")
	}
	close(gate)
	w.ok(w.door.Wait(t.Context()))
	if log := w.log.String(); !strings.Contains(log, "a mail could not be sent") || strings.Contains(log, "ticket=") {
		t.Errorf("the operator reads: %s", log)
	}
	if got := w.events(); got != "fcpr fn" {
		t.Errorf("events %s", got)
	}
}

func TestForgotWithoutLogin(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	b := w.browser()
	page := b.get("/u/forgot?state=gone").want(http.StatusOK)
	if strings.Contains(page.body, "Back to log in") {
		t.Error("there is no login to go back to")
	}
	b.submit(page, "email", "ada@example.com").want(http.StatusOK)
	if mail := w.mails()[0]; mail.Subject != "Choose a new password for Acme Records" {
		t.Errorf("subject %s", mail.Subject)
	}
	changed := b.submit(b.get(w.link()), "password", "Another-Horse-2").want(http.StatusOK)
	if strings.Contains(changed.body, "Continue to log in") {
		t.Error("there is nowhere to continue")
	}
	// The tenant's own directory wins over the first.
	w.ok(w.st.CreateConnection(t.Context(), &stagedoor.Connection{Name: "Aardvarks", Strategy: "auth0"}))
	w.configure(func(s *stagedoor.TenantSettings) { s.DefaultDirectory = "Users" })
	b.forget()
	w.configure(func(s *stagedoor.TenantSettings) { s.DefaultDirectory = "" })
	b.submit(b.get("/u/forgot"), "email", "ada@example.com").want(http.StatusOK)
	if got := len(w.mails()); got != 2 {
		t.Errorf("%d mails", got)
	}
	w.furnish("bare")
	w.ok(w.st.DeleteConnection(t.Context(), w.conn.ID))
	w.browser().get("/u/forgot").want(http.StatusBadRequest).says("There is no database connection.")
}

func TestResetLinks(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		dead := func(name, link, says string) {
			w.Helper()
			w.Log(name)
			b.get(link).want(http.StatusBadRequest).says(says)
			b.post(link, url.Values{"password": {"Another-Horse-2"}}).want(http.StatusBadRequest).says(says)
		}
		dead("none", "/u/reset-password", "This link does not work")
		dead("made up", "/u/reset-password?ticket=x", "This link does not work")
		dead("broken", "/u/reset-password?ticket=%00%ff", "This link does not work")
		first := b.forget()
		dead("other kind", strings.Replace(b.verification(), "email-verification", "reset-password", 1), "This link does not work")
		second := b.forget()
		dead("superseded", first, "This link does not work")
		w.wait(5*24*time.Hour - time.Second)
		b.get(second).want(http.StatusOK)
		w.wait(time.Second)
		dead("expired", second, "This link has expired")

		third := b.forget()
		_, err := w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.Email = "moved@example.com"; return nil })
		w.ok(err)
		dead("address of somebody else by now", third, "This link does not work")
		u := w.found("moved@example.com")
		_, err = w.st.UpdateUser(w.Context(), u.ID, func(u *stagedoor.User) error { u.Email = "ada@example.com"; return nil })
		w.ok(err)
		dead("address of theirs again", third, "This link does not work")
		third = b.forget()
		acme := w.st
		w.furnish("bravo")
		other := w.browser()
		other.get(third).want(http.StatusBadRequest).says("This link does not work")
		w.st = acme
		b.get(third).want(http.StatusOK)
		w.ok(w.st.DeleteUser(w.Context(), u.ID))
		dead("user is gone", third, "This link does not work")
	})
}

func TestResetOnce(t *testing.T) {
	each(t, func(w *world) {
		link := w.browser().forget()
		var group sync.WaitGroup
		answers := make(chan int, 8)
		for range cap(answers) {
			b := w.browser()
			group.Go(func() { answers <- b.post(link, url.Values{"password": {"Another-Horse-2"}}).status })
		}
		group.Wait()
		close(answers)
		won := 0
		for status := range answers {
			switch status {
			case http.StatusOK:
				won++
			case http.StatusBadRequest:
			default:
				w.Errorf("status %d", status)
			}
		}
		if won != 1 {
			w.Errorf("the link worked %d times", won)
		}
	})
}

// What a connection asks of passwords besides its policy is explained, and held on the pages for new passwords and sign-ups.
func TestFurtherPasswordRules(t *testing.T) {
	each(t, func(w *world) {
		w.options(func(o *stagedoor.ConnectionOptions) {
			o.PasswordHistory = &stagedoor.PasswordHistory{Enable: true, Size: 3}
			o.PasswordNoPersonalInfo = &stagedoor.Switch{Enable: true}
			o.PasswordDictionary = &stagedoor.PasswordDictionary{Enable: true, Dictionary: []string{"Mixtape-2026"}}
		})
		b := w.browser()
		form := b.get(b.forget()).want(http.StatusOK).says("Not one of the most common passwords", "No part of your name", "None of your last 3 passwords")
		for secret, problem := range map[string]string{
			"Mixtape-2026": "This password is too common", "I-am-Ada-1": "This password contains part of your name", good: "You have used this password before",
		} {
			form = b.submit(form, "password", secret).want(http.StatusBadRequest).says(problem)
		}
		b.submit(form, "password", "Another-Horse-2").want(http.StatusOK).says("Your password is changed")

		page := b.begin("screen_hint", "signup")
		for secret, problem := range map[string]string{"Mixtape-2026": "This password is too common", "I-am-Grace-1": "This password contains part of your name"} {
			page = b.submit(page, "email", "grace@example.com", "password", secret).want(http.StatusBadRequest).says(problem)
		}
	})
}
