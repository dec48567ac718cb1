package login

import (
	"net/http"

	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// sendTicketCode has a code sent to the address or the number that the person of a ticket wants to get codes at.
func (d *Door) sendTicketCode(w http.ResponseWriter, r *http.Request, st *store.Store, e *enrollment) error {
	ctx, again := r.Context(), r.URL.Query().Has(ui.FieldResend)
	to := text(r, e.field())
	if again { // to where the first one went, whatever the form says
		sent, err := mfa.SentTo(ctx, st, e.Key, e.kind)
		if err != nil {
			return err
		}
		if sent.To != "" {
			to = sent.To
		}
	}
	if _, err := d.Pipeline.EnrollCode(ctx, visit(r, st), e.user, nil, e.Key, e.kind, "", to, again); err != nil {
		problem, ours := sendProblem(err)
		if !ours {
			return err
		}
		return d.renderTicket(w, r, st, e, http.StatusBadRequest, ui.Problems{problem})
	}
	return d.renderTicket(w, r, st, e, http.StatusOK, nil)
}

// field is where the form of the page has the address or the number.
func (e *enrollment) field() string {
	if e.kind == mfa.Phone {
		return ui.FieldPhone
	}
	return ui.FieldEmail
}

// renderSent asks for the code if one is on its way, else for where it shall be sent.
func (e *enrollment) renderSent(w http.ResponseWriter, r *http.Request, st *store.Store, form ui.Form, other string, status int, problems ui.Problems) error {
	sent, err := mfa.SentTo(r.Context(), st, e.Key, e.kind)
	if err != nil {
		return err
	}
	wrong := len(problems) > 0 && problems[0].Field == e.field()
	if sent.To == "" || wrong || r.Method == http.MethodGet && r.URL.Query().Has(paramChosen) {
		page.Render(w, status, ui.AddressPage{Frame: e.frame, Form: form, Problems: problems, Phone: e.kind == mfa.Phone, Address: text(r, e.field()), OtherURL: other})
		return nil
	}
	page.Render(w, status, ui.LoginCodePage{
		Frame: e.frame, Form: form, Problems: problems, Phone: e.kind == mfa.Phone, Address: sent.To, Digits: sent.Length(), Second: true,
		Resend: ui.Form{Action: form.Action + "&" + ui.FieldResend + "=1"}, EditURL: form.Action + "&" + paramChosen + "=1",
	})
	return nil
}
