package login

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// MailFactorCode mails a code of a second factor, by the tenant's template mfa_oob_code or in our words.
func (d *Door) MailFactorCode(ctx context.Context, v pipeline.Visit, m pipeline.FactorMail) error {
	return d.post(ctx, v.Store, page.Letter{
		Kind: ui.FactorEmail, Lang: v.Language, User: m.User, Client: m.Client,
		Data: ui.MailData{Tenant: page.TenantName(v.Store), Email: m.To, Code: m.Code, Expires: m.Life, SupportURL: page.Support(v.Store)},
		Vars: map[string]any{"code": m.Code},
	})
}

// showSent asks for a code that was sent to the person; it is on its way when the page is shown.
func showSent(kind string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.factorPrompt(r, st)
		if err != nil || p.leads(w, r, challengePaths, choice, kind) {
			return err
		}
		return d.renderSent(w, r, st, p, choice, kind, false, choice.Ticked, http.StatusOK, nil)
	}
}

func (d *Door) renderSent(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, choice pipeline.FactorChoice, kind string, again, remember bool, status int, problems ui.Problems) error {
	sent, err := d.Pipeline.ChallengeCode(r.Context(), visit(r, st), p.tx, p.client, kind, again)
	if err != nil {
		problem, ours := sendProblem(err)
		if !ours {
			return err
		}
		problems = append(problems, problem)
		status = max(status, http.StatusBadRequest)
	}
	sent.To = mfa.Mask(kind, sent.To)
	o := p.sentPage(challengePaths[kind], kind, sent)
	o.Problems, o.Remembering, o.OtherURL = problems, remembering(choice.Remembering, remember), p.other(choice, choicePath)
	page.Render(w, status, o)
	return nil
}

func (p *prompt) sentPage(path, kind string, sent mfa.SentCode) ui.LoginCodePage {
	o := ui.LoginCodePage{Frame: p.frame, Form: p.form(path), Phone: kind == mfa.Phone, Address: sent.To, Digits: sent.Length(), Second: true, Resend: p.form(path)}
	o.Resend.Action = p.link(path, ui.FieldResend, "1")
	return o
}

// sendProblem is what people read about a code that was not sent; false for an error that is none of theirs.
func sendProblem(err error) (ui.Problem, bool) {
	switch e := stagedoor.AsError(err); e.Code {
	case "code_wait", "code_unsent", "push_unsent", "invalid_email", "invalid_phone_number":
		field := map[string]string{"invalid_email": ui.FieldEmail, "invalid_phone_number": ui.FieldPhone}[e.Code]
		return ui.Problem{Code: e.Code, Field: field}, true
	case "too_many_attempts":
		return ui.Problem{Code: "too_many_codes"}, true
	}
	return ui.Problem{}, false
}

// giveSent takes the form of the page.
func giveSent(kind string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.factorPrompt(r, st)
		if err != nil {
			return err
		}
		if !choice.Has(kind) {
			return invalid("lost_transaction", "This is not what the login asks for.")
		}
		if r.URL.Query().Has(ui.FieldResend) {
			return d.renderSent(w, r, st, p, choice, kind, true, choice.Ticked, http.StatusOK, nil)
		}
		code, remember := text(r, ui.FieldCode), r.PostForm.Has(ui.FieldRemember)
		status, problems := http.StatusBadRequest, missingCode(code)
		if problems == nil {
			given, err := d.Pipeline.GiveSentCode(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), kind, code, remember)
			if err == nil {
				p.given(w, r, given)
				return nil
			}
			if status, problems = wrongCode(err); problems == nil {
				return err
			}
		}
		return d.renderSent(w, r, st, p, choice, kind, false, remember, status, problems)
	}
}

// showAddress asks where codes shall be sent to.
func showAddress(kind string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.choicePrompt(r, st, pipeline.AskEnroll)
		if err != nil || p.leads(w, r, enrollPaths, choice, kind) {
			return err
		}
		page.Render(w, http.StatusOK, p.addressPage(choice, kind, "", nil))
		return nil
	}
}

func (p *prompt) addressPage(choice pipeline.FactorChoice, kind, to string, problems ui.Problems) ui.AddressPage {
	return ui.AddressPage{Frame: p.frame, Form: p.form(enrollPaths[kind]), Problems: problems, Phone: kind == mfa.Phone, Address: to, OtherURL: p.other(choice, enrollList)}
}

// takeAddress takes the form of the page, and that of the code that was sent then.
func takeAddress(kind string) handler {
	return func(d *Door, w http.ResponseWriter, r *http.Request, st *store.Store) error {
		p, choice, err := d.choicePrompt(r, st, pipeline.AskEnroll)
		if err != nil {
			return err
		}
		if !choice.Has(kind) {
			return invalid("lost_transaction", "This is not what the login asks for.")
		}
		if r.PostForm.Has(ui.FieldCode) {
			return d.takeAddressCode(w, r, st, p, choice, kind)
		}
		to := text(r, addressField(kind))
		sent, err := d.Pipeline.EnrollAddress(r.Context(), visit(r, st), p.tx, p.client, kind, to, r.URL.Query().Has(ui.FieldResend))
		if err == nil {
			p.renderAddressCode(w, http.StatusOK, kind, sent, nil)
			return nil
		}
		problem, ours := sendProblem(err)
		switch {
		case !ours:
			return err
		case problem.Code == "code_wait": // one is on its way
			return d.askAddressCode(w, r, st, p, choice, kind, http.StatusBadRequest, ui.Problems{problem})
		}
		page.Render(w, http.StatusBadRequest, p.addressPage(choice, kind, to, ui.Problems{problem}))
		return nil
	}
}

// takeAddressCode takes the form of the code.
func (d *Door) takeAddressCode(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, choice pipeline.FactorChoice, kind string) error {
	code, status := text(r, ui.FieldCode), http.StatusBadRequest
	problems := missingCode(code)
	if problems == nil {
		given, err := d.Pipeline.EnrollSentCode(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), kind, code)
		if err == nil {
			p.given(w, r, given)
			return nil
		}
		if status, problems = wrongCode(err); problems == nil {
			return err
		}
	}
	return d.askAddressCode(w, r, st, p, choice, kind, status, problems)
}

// askAddressCode shows the form of the code again. It speaks of the address that the code went to, whatever the form says; where there is none, the address is asked for.
func (d *Door) askAddressCode(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, choice pipeline.FactorChoice, kind string, status int, problems ui.Problems) error {
	sent, err := d.Pipeline.SentTo(r.Context(), visit(r, st), p.tx, kind)
	if err != nil {
		return err
	}
	if sent.To == "" {
		page.Render(w, status, p.addressPage(choice, kind, text(r, addressField(kind)), problems))
		return nil
	}
	p.renderAddressCode(w, status, kind, sent, problems)
	return nil
}

func (p *prompt) renderAddressCode(w http.ResponseWriter, status int, kind string, sent mfa.SentCode, problems ui.Problems) {
	o := p.sentPage(enrollPaths[kind], kind, sent)
	o.Problems, o.EditURL = problems, p.link(enrollPaths[kind], paramChosen, "1")
	address := ui.Field{Name: addressField(kind), Value: sent.To}
	o.Hidden, o.Resend.Hidden = append(o.Hidden, address), append(o.Resend.Hidden, address)
	page.Render(w, status, o)
}

// addressField is the field of a form for where codes are to go.
func addressField(kind string) string {
	if kind == mfa.Phone {
		return ui.FieldPhone
	}
	return ui.FieldEmail
}
