package login

import (
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// forgotCodePath is the page for the code by which somebody may choose another password.
const forgotCodePath = "/u/forgot/code"

// askForgotCode sends a code to who forgot their password, and asks for it. The answer is the same whoever it is.
func (d *Door) askForgotCode(w http.ResponseWriter, r *http.Request, st *store.Store, f *forgotten, identifier string) error {
	err := guard.Code(r.Context(), st, r.RemoteAddr)
	if err == nil {
		err = d.offerReset(r, st, f.conn, f.client, identifier, f.org, true)
	}
	if err != nil {
		return d.refuseForgot(w, r, st, f, identifier, err)
	}
	page.Render(w, http.StatusOK, f.codePage(st, identifier, nil))
	return nil
}

func (f *forgotten) codePage(st *store.Store, identifier string, problems ui.Problems) ui.LoginCodePage {
	hidden := []ui.Field{{Name: ui.FieldEmail, Value: identifier}}
	o := ui.LoginCodePage{
		Frame: f.frame, Form: ui.Form{Action: f.codeAction, Hidden: hidden}, Problems: problems, Address: identifier, Digits: pipeline.IdentifierCodeDigits,
		Continues: true, Unsure: true, EditURL: f.action, Resend: ui.Form{Action: f.action, Hidden: append(hidden, ui.Field{Name: fieldResend, Value: "1"})},
	}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		o.InboxURL = inboxPath
	}
	return o
}

// giveForgotCode takes the form of the page, and sends the person to the page for a new password.
func (d *Door) giveForgotCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	f, err := d.forgotten(r, st)
	if err != nil {
		return err
	}
	identifier, code := text(r, ui.FieldEmail), text(r, ui.FieldCode)
	if identifier == "" {
		redirect(w, r, f.action)
		return nil
	}
	status, problems := http.StatusBadRequest, missingCode(code)
	if problems == nil {
		ticket, err := d.Pipeline.TakeResetCode(r.Context(), visit(r, st), f.conn, identifier, code)
		if err == nil {
			redirect(w, r, resetPath+"?"+paramTicket+"="+url.QueryEscape(ticket))
			return nil
		}
		if status, problems = wrongLoginCode(err); problems == nil {
			return err
		}
	}
	page.Render(w, status, f.codePage(st, identifier, problems))
	return nil
}
