package login_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

var deviceLink = regexp.MustCompile(`https?://[^/]+(/u/inbox-device\?token=\S+)`)

var waitsFor = regexp.MustCompile(`data-next="[^"]*"`)

// played is the link of the newest message by which the development inbox plays a device.
func (w *world) played() string {
	w.Helper()
	found := deviceLink.FindStringSubmatch(w.mails()[0].Text)
	if found == nil {
		w.Fatalf("no link in %q", w.mails()[0].Text)
	}
	return found[1]
}

// A device that approves, played by the development inbox: set up in a login, asked in the next ones. The pages go on by themselves, with scripts and without.
func TestApproveLogin(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "push-notification")
		b := w.browser()
		page := b.logIn().want(http.StatusOK).says("Set up your device")
		if !strings.Contains(page.body, "enrollment_tx_id=") || !strings.Contains(page.body, `<noscript><meta http-equiv="refresh"`) || !strings.Contains(page.header.Get("Content-Security-Policy"), "connect-src 'self'") {
			w.Errorf("page %v %s", page.header, page.body)
		}
		path, _ := page.form()
		b.get(path + "&poll=1").want(http.StatusNoContent)
		inbox := w.browser()
		played := inbox.get(w.played()).want(http.StatusOK).says("Set this inbox up")
		b.get(path) // loaded again: there is one ticket
		inbox.submit(played, "decision", "accept").want(http.StatusOK).says("That is noted")
		inbox.submit(played, "decision", "accept").want(http.StatusNotFound)
		b.get(path + "&poll=1").want(http.StatusOK)
		page = b.follow(b.get(path + "&asked=1").want(http.StatusSeeOther)).says("Your recovery code")
		b.finish(b.submit(page, "noted", "1"))
		if m := w.session().Methods; m[1].Type != "push-notification" {
			w.Errorf("methods %+v", m)
		}

		other := w.browser()
		page = other.logIn().want(http.StatusOK).says("Approve on your device", "Waiting for your answer")
		path, _ = page.form()
		first := w.played()
		sent := len(w.mails())
		other.get(path + "&asked=1").want(http.StatusOK)
		action, form := page.form()
		other.post(action, form).want(http.StatusOK).says("Waiting for your answer")
		if len(w.mails()) != sent {
			w.Error("the device was asked again when the page was loaded again")
		}
		form.Set("remember", "1") // and taken back later, where there are scripts: the page does not keep what was ticked for them
		ticked := other.post(action, form).want(http.StatusOK)
		if next := waitsFor.FindString(ticked.body); next == "" || strings.Contains(next, "remember") || !strings.Contains(ticked.body, `&amp;remember=1"></noscript>`) {
			w.Errorf("page %q %s", next, ticked.body)
		}
		form.Del("remember")
		played = inbox.get(first).says("Is it you?")
		inbox.submit(played, "decision", "decline").want(http.StatusOK)
		inbox.submit(played, "decision", "accept").want(http.StatusNotFound) // the first answer counts
		other.get(path + "&poll=1").want(http.StatusOK)
		other.get(path + "&asked=1").want(http.StatusBadRequest).says("The login was denied").hides("refresh")
		other.post(action+"&resend=1", form).want(http.StatusBadRequest).says("Please wait a moment")
		w.wait(31 * time.Second)
		other.post(action+"&resend=1", form).want(http.StatusOK).says("Waiting for your answer")
		inbox.submit(inbox.get(w.played()), "decision", "accept").want(http.StatusOK)
		form.Set("remember", "1")
		other.finish(other.follow(other.post(action, form)))
		if all, err := w.st.RememberedBrowsers(w.Context(), w.found("ada@example.com").ID, time.Hour, 1000*time.Hour); err != nil || len(all) != 1 {
			w.Errorf("%+v %v", all, err)
		}

		late := w.browser()
		path, _ = late.logIn().form()
		w.wait(6 * time.Minute)
		late.get(path + "&asked=1").want(http.StatusBadRequest).says("Nobody answered in time")
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = false })
		inbox.get(first).want(http.StatusNotFound)
	})
}

// Another browser neither learns of nor gets the approval of a login.
func TestAttackApprovalOfAnotherBrowser(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(always, "push-notification")
		b := w.browser()
		path, _ := b.logIn().form()
		inbox := w.browser()
		inbox.submit(inbox.get(w.played()), "decision", "accept")
		if r := w.browser().get(path + "&asked=1"); r.status == http.StatusSeeOther || r.status == http.StatusOK {
			w.Errorf("another browser: %d", r.status)
		}
	})
}

var deviceTicket = regexp.MustCompile(`enrollment_tx_id=([^&"]+)`)

// The link of an enrolment ticket works for days, the code on its page for minutes: a page that was left open shows another one.
func TestTicketForDevice(t *testing.T) {
	each(t, func(w *world) {
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.DevelopmentInbox = true })
		w.factors(nil, "push-notification")
		u := w.found("ada@example.com")
		w.ok(w.st.CreateTicket(w.Context(), "abc", &stagedoor.Ticket{Kind: stagedoor.TicketEnrollment, UserID: u.ID, Factor: "push-notification", ExpiresAt: w.clock().Add(48 * time.Hour)}))
		b := w.browser()
		page := b.get("/u/mfa-enroll?ticket=abc").want(http.StatusOK).says("Set up your device")
		path, _ := page.form()
		first := deviceTicket.FindString(page.body)
		b.get(path + "&poll=1").want(http.StatusNoContent)
		w.wait(16 * time.Minute)
		b.get(path + "&poll=1").want(http.StatusOK)
		page = b.get(path + "&asked=1").want(http.StatusOK)
		if second := deviceTicket.FindString(page.body); first == "" || second == "" || first == second {
			w.Errorf("codes %q, %q", first, second)
		}
		b.get(path + "&poll=1").want(http.StatusNoContent)
		inbox := w.browser()
		inbox.submit(inbox.get(w.played()), "decision", "accept").want(http.StatusOK)
		b.get(path + "&poll=1").want(http.StatusOK)
		b.get(path + "&asked=1").want(http.StatusOK).says("You are all set")
		b.get(path + "&asked=1").want(http.StatusBadRequest).says("This link was used already")
	})
}
