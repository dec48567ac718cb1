package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/store"
)

var errStop = errors.New("stop")

// blocked sends no mail: it waits for the gate and fails.
func blocked(gate chan struct{}, err error) func(context.Context, *store.Store, mail.Message) error {
	return func(context.Context, *store.Store, mail.Message) error {
		<-gate
		return err
	}
}

func timeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// verification sends Ada a verification mail and returns the address in it.
func (w *world) verification() string {
	w.Helper()
	w.ok(w.door.SendVerification(w.Context(), w.st, w.found("ada@example.com"), "app", ""))
	return w.link()
}

func TestVerification(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		link := w.verification()
		for range 3 {
			head := b.do(http.MethodHead, link, "").want(http.StatusOK)
			if head.body != "" {
				w.Errorf("HEAD answers %s", head.body)
			}
		}
		if w.found("ada@example.com").EmailVerified {
			w.Fatal("HEAD verified the address")
		}
		page := b.get(link).want(http.StatusOK).says("Your email is verified", "ada@example.com")
		if to := page.href("Continue"); to != "https://app.example/start" {
			w.Errorf("continues to %s", to)
		}
		if !w.found("ada@example.com").EmailVerified {
			w.Error("not verified")
		}
		again := b.get(link).want(http.StatusOK).says("Your email is verified", "ada@example.com") // a mail program may have been there first
		if to := again.href("Continue"); to != "https://app.example/start" {
			w.Errorf("continues to %s", to)
		}
		_, err := w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.EmailVerified = false; return nil })
		w.ok(err)
		b.get(link).want(http.StatusBadRequest).says("This link was used already").hides("Ask for a new link")
		w.configure(func(s *stagedoor.TenantSettings) { s.Local.Account = &stagedoor.AccountSettings{ClientID: "app"} })
		if to := b.get(link).want(http.StatusBadRequest).href("Ask for a new link"); to != "/account" {
			w.Errorf("a new link is asked for at %s", to)
		}
		_, err = w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.EmailVerified = true; return nil })
		w.ok(err)
		b.get("/u/email-verification").want(http.StatusBadRequest).says("This link does not work")
		b.get("/u/email-verification?ticket=%00").want(http.StatusBadRequest).says("This link does not work")
		w.logs(`"query":{"client_id":"app","email":"ada@example.com"`)
		if got := w.events(); got != "sv fv fv fv fv fv" {
			w.Errorf("events %s", got)
		}
		before := len(w.mails())
		w.ok(w.door.SendVerification(w.Context(), w.st, w.found("ada@example.com"), "", ""))
		if len(w.mails()) != before {
			w.Error("a verified address was asked again")
		}
	})
}

func TestVerificationOfAnotherAddress(t *testing.T) {
	each(t, func(w *world) {
		link := w.verification()
		_, err := w.st.UpdateUser(w.Context(), w.found("ada@example.com").ID, func(u *stagedoor.User) error { u.Email = "moved@example.com"; return nil })
		w.ok(err)
		w.browser().get(link).want(http.StatusBadRequest).says("This link does not work")
		if w.found("moved@example.com").EmailVerified {
			w.Error("an address was verified that got no mail")
		}
	})
}

func TestVerificationResult(t *testing.T) {
	each(t, func(w *world) {
		u := w.found("ada@example.com")
		ticket := func(life time.Duration) {
			w.Helper()
			w.ok(w.st.CreateTicket(w.Context(), "t", &stagedoor.Ticket{
				Kind: "verify_email", UserID: u.ID, Email: u.Email, ResultURL: "https://app.example/done?tab=1&success=maybe", IncludeEmail: true, ExpiresAt: w.clock().Add(life),
			}))
		}
		follow := func(want url.Values) {
			w.Helper()
			r := w.browser().get("/u/email-verification?ticket=t").want(http.StatusFound)
			to, err := url.Parse(r.to())
			w.ok(err)
			for name, value := range map[string]string{"tab": "1", "email": "ada@example.com", "supportSignUp": "true", "supportForgotPassword": "true"} {
				want.Set(name, value)
			}
			if to.Host != "app.example" || to.Path != "/done" || to.Query().Encode() != want.Encode() {
				w.Errorf("leads to %s", to)
			}
		}
		ticket(time.Hour)
		follow(url.Values{"success": {"true"}, "code": {"success"}, "message": {"Your email was verified. You can continue using the application."}})
		follow(url.Values{"success": {"false"}, "code": {"used"}, "message": {"This URL can be used only once"}})
	})
	each(t, func(w *world) {
		u := w.found("ada@example.com")
		w.ok(w.st.CreateTicket(w.Context(), "t", &stagedoor.Ticket{Kind: "verify_email", UserID: u.ID, Email: u.Email, ResultURL: "https://app.example/done", IncludeEmail: true, ExpiresAt: w.clock().Add(time.Hour)}))
		w.wait(time.Hour)
		to := w.browser().get("/u/email-verification?ticket=t").want(http.StatusFound).to()
		if !strings.Contains(to, "success=false") || !strings.Contains(to, "code=expired") || !strings.Contains(to, "message=Access+expired.") {
			w.Errorf("leads to %s", to)
		}
		if w.found("ada@example.com").EmailVerified {
			w.Error("verified all the same")
		}
	})
}
