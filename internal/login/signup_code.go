package login

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// The pages of a sign-up that proves an address, or a number, before it asks for the password.
const (
	signupCodePath     = "/u/signup/code"
	signupPasswordPath = "/u/signup/password" //nolint:gosec // a path
)

// provesFirst tells whether the sign-up of a login asks for codes.
func (p *prompt) provesFirst(conn *stagedoor.Connection) bool {
	return pipeline.ProvesFirst(conn, p.mailed)
}

// beginSignUp takes the form of who has something to prove.
func (d *Door) beginSignUp(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, in pipeline.SignUp) error {
	status, problems, err := http.StatusBadRequest, identityProblems(conn, in), error(nil)
	if problems == nil {
		if problems, err = d.human(r, st, guard.FlowPassword); err != nil {
			return err
		}
	}
	if problems == nil {
		s, err := d.Pipeline.BeginSignUp(r.Context(), signupVisit(r, st, nil), p.tx.ID, r.PostFormValue(fieldNonce), in)
		if err == nil {
			redirect(w, r, p.link(signupStep(s)))
			return nil
		}
		if status, problems = codeProblem(err, ui.FieldPhone); problems == nil {
			problem, ours := signupProblem(st, err)
			if !ours {
				return err
			}
			status, problems = http.StatusBadRequest, ui.Problems{problem}
		}
	}
	return d.renderSignup(w, r, st, p, conn, in, status, problems)
}

// signupStep is the page on which a sign-up goes on.
func signupStep(s *pipeline.SigningUp) string {
	if len(s.Asked) > 0 {
		return signupCodePath
	}
	return signupPasswordPath
}

// signingUp finds the sign-up that waits on a page; nil, and the browser is sent to the right page, if it does not.
func (d *Door) signingUp(w http.ResponseWriter, r *http.Request, st *store.Store, path string) (*prompt, *stagedoor.Connection, *pipeline.SigningUp, error) {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return nil, nil, nil, err
	}
	if conn.Options.DisableSignup {
		redirect(w, r, p.link("/u/login", paramScreen, "login"))
		return p, conn, nil, nil
	}
	s, err := d.Pipeline.SigningUpNow(r.Context(), visit(r, st), p.tx, conn)
	if err != nil {
		return nil, nil, nil, err
	}
	switch {
	case s == nil:
		redirect(w, r, p.link("/u/signup"))
	case signupStep(s) != path:
		redirect(w, r, p.link(signupStep(s)))
		s = nil
	}
	return p, conn, s, nil
}

// showSignupCode asks for the code that was sent.
func (d *Door) showSignupCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, _, s, err := d.signingUp(w, r, st, signupCodePath)
	if err == nil && s != nil {
		page.Render(w, http.StatusOK, p.signupCodePage(st, s, nil))
	}
	return err
}

func (p *prompt) signupCodePage(st *store.Store, s *pipeline.SigningUp, problems ui.Problems) ui.LoginCodePage {
	address, phone := s.Address()
	o := ui.LoginCodePage{
		Frame: p.frame, Form: p.form(signupCodePath), Problems: problems, Phone: phone, Address: address, Digits: pipeline.IdentifierCodeDigits, Continues: true,
		EditURL: p.link("/u/signup"), Resend: p.form(signupCodePath),
	}
	o.Resend.Hidden = append(o.Resend.Hidden, ui.Field{Name: fieldResend, Value: "1"})
	if st.Tenant().Settings.Local.DevelopmentInbox {
		o.InboxURL = inboxPath
	}
	return o
}

// giveSignupCode takes the form of the page, or the wish for another code.
func (d *Door) giveSignupCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, _, s, err := d.signingUp(w, r, st, signupCodePath)
	if err != nil || s == nil {
		return err
	}
	v, nonce := visit(r, st), r.PostFormValue(fieldNonce)
	status, problems := http.StatusBadRequest, ui.Problems(nil)
	if r.PostForm.Has(fieldResend) && !r.PostForm.Has(ui.FieldCode) {
		if err = d.Pipeline.ResendSignUpCode(r.Context(), v, p.tx.ID, nonce); err == nil {
			redirect(w, r, p.link(signupCodePath))
			return nil
		}
		status, problems = codeProblem(err, "")
	} else if problems = missingCode(text(r, ui.FieldCode)); problems == nil {
		var now *pipeline.SigningUp
		if now, err = d.Pipeline.GiveSignUpCode(r.Context(), v, p.tx.ID, nonce, text(r, ui.FieldCode)); err == nil {
			redirect(w, r, p.link(signupStep(now)))
			return nil
		}
		if now != nil { // this code was right, the next one could not be sent
			s = now
			status, problems = codeProblem(err, "")
		} else {
			status, problems = wrongLoginCode(err)
		}
	}
	if problems == nil {
		return err
	}
	page.Render(w, status, p.signupCodePage(st, s, problems))
	return nil
}

// showSignupPassword asks for the password once all is proved.
func (d *Door) showSignupPassword(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, s, err := d.signingUp(w, r, st, signupPasswordPath)
	if err == nil && s != nil {
		page.Render(w, http.StatusOK, p.signupPasswordPage(conn, s, "", nil))
	}
	return err
}

func (p *prompt) signupPasswordPage(conn *stagedoor.Connection, s *pipeline.SigningUp, tried string, problems ui.Problems) ui.SignupPage {
	in := s.SignUp
	in.Password = tried
	for i := range problems {
		if problems[i].Field != ui.FieldPassword { // the others are not on this page
			problems[i].Field = ""
		}
	}
	o := p.signupPage(conn, in, problems)
	o.Form, o.Step, o.EditURL = p.form(signupPasswordPath), ui.AskPassword, p.link("/u/signup")
	return o
}

// signUpProved takes the form of the page.
func (d *Door) signUpProved(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, s, err := d.signingUp(w, r, st, signupPasswordPath)
	if err != nil || s == nil {
		return err
	}
	in := s.SignUp
	in.Password = r.PostFormValue(ui.FieldPassword)
	if r.PostForm.Has(ui.FieldPasskey) {
		return d.signUpWithPasskey(w, r, st, p, conn, in, s.Body)
	}
	var problems ui.Problems
	if conn.Passwords() {
		problems = passwordProblems(conn, in.Password)
	}
	if problems == nil {
		if problems, err = d.signsUp(w, r, st, p, in, s.Body); err != nil || problems == nil {
			return err
		}
	}
	page.Render(w, http.StatusBadRequest, p.signupPasswordPage(conn, s, in.Password, problems))
	return nil
}

// MailProof sends a code to somebody who signs up, for which nobody waits, or to somebody who wants another password: that is done where nobody
// waits already.
func (d *Door) MailProof(ctx context.Context, v pipeline.Visit, out pipeline.Proof) error {
	if out.User != nil {
		return d.mailProof(ctx, v, out)
	}
	d.later(ctx, v.Store, func(ctx context.Context) error { return d.mailProof(ctx, v, out) })
	return nil
}

func (d *Door) mailProof(ctx context.Context, v pipeline.Visit, out pipeline.Proof) error {
	l := page.Letter{
		Kind: ui.VerifyCodeEmail, Lang: v.Language, User: out.User, Client: out.Client, Vars: map[string]any{"code": out.Code},
		Data: ui.MailData{Tenant: page.TenantName(v.Store), Email: out.To, Code: out.Code, Expires: pipeline.IdentifierCodeLife, SupportURL: page.Support(v.Store)},
	}
	if out.User != nil {
		l.Kind = ui.ResetCodeEmail
	}
	return d.post(ctx, v.Store, l)
}
