package login

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/ui"
)

// mayVerify tells whether a person can ask for the mail by which they prove their address: it may have been lost, or its link expired.
func (a *account) mayVerify() (bool, error) {
	if _, err := a.addressed(); err != nil || !a.set.Has(stagedoor.AccountEmail) || a.user.Email == "" || a.user.EmailVerified {
		return false, nil
	}
	off, err := switchedOff(a.r.Context(), a.st, ui.VerifyEmail)
	return !off, err
}

// askToVerifyOwn sends that mail.
func (a *account) askToVerifyOwn() error {
	if may, err := a.mayVerify(); err != nil {
		return err
	} else if !may { // it was proved meanwhile, in another window
		redirect(a.w, a.r, accountPath)
		return nil
	}
	room, err := a.st.TakeAttempt(a.r.Context(), bucketSend, a.user.ID, sendLimit)
	if err != nil {
		return err
	}
	if !room {
		p, err := a.page()
		if err != nil {
			return err
		}
		p.Problems = ui.Problems{{Code: "too_many_requests"}}
		page.Render(a.w, http.StatusTooManyRequests, p)
		return nil
	}
	client, err := a.st.Client(a.r.Context(), a.set.ClientID)
	if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	issuer, lang := visit(a.r, a.st).Issuer, page.MailLanguage(a.r)
	a.later(a.r.Context(), a.st, func(ctx context.Context) error {
		return a.sendVerification(ctx, a.st, a.user, client, issuer, lang, "")
	})
	return a.done("verify")
}
