package login

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// The pages of passkeys.
const (
	passkeyPath   = "/u/login/passkey"
	passkeySignup = "/u/signup/passkey"
	passkeyEnroll = "/u/" + pipeline.AskPasskey
)

// offersPasskeys adds to the login page what the browser needs to offer passkeys.
func (d *Door) offersPasskeys(r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, l *ui.LoginPage) error {
	options, err := d.Pipeline.PasskeyOptions(r.Context(), visit(r, st), p.tx, conn)
	if err != nil || options == nil {
		return err
	}
	rule := conn.Passkeys()
	l.Passkeys = &ui.PasskeyForm{Frame: p.frame, Form: p.form(passkeyPath), Options: string(options), Autofill: rule.Autofill, Button: rule.Button || !conn.Passwords(), Only: !conn.Passwords() && !inSteps(r, st, conn)}
	return nil
}

// logInByPasskey takes what a passkey has signed on the login page.
func (d *Door) logInByPasskey(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	problems := ui.Problems{{Code: "missing_key"}}
	if response := r.PostFormValue(ui.FieldKey); response != "" {
		opened, err := d.Pipeline.GivePasskey(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), []byte(response))
		if err == nil {
			p.goOn(w, r, opened)
			return nil
		}
		if _, problems = wrongCode(err); problems == nil {
			return err
		}
	}
	l, err := d.loginPage(r, st, p, conn, p.tx.Request.LoginHint, problems)
	if err != nil {
		return err
	}
	if inSteps(r, st, conn) {
		l.Step, l.NoPassword, l.Proof = ui.AskWho, false, nil
	}
	page.Render(w, http.StatusBadRequest, l)
	return nil
}

// showPasskey offers a passkey to who is logging in.
func (d *Door) showPasskey(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskPasskey)
	if err != nil {
		return err
	}
	return d.renderPasskey(w, r, st, p, http.StatusOK, nil)
}

func (d *Door) renderPasskey(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, status int, problems ui.Problems) error {
	options, local, err := d.Pipeline.NewPasskeyOptions(r.Context(), visit(r, st), p.tx)
	if err != nil {
		return err
	}
	page.Render(w, status, ui.PasskeyPage{Frame: p.frame, Form: p.form(passkeyEnroll), Problems: problems, Options: string(options), Local: local, Skips: true})
	return nil
}

// takePasskey takes the form of the page.
func (d *Door) takePasskey(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskPasskey)
	if err != nil {
		return err
	}
	response := []byte(r.PostFormValue(ui.FieldKey))
	if r.PostForm.Has(ui.FieldSkip) {
		response = nil
	} else if len(response) == 0 {
		return d.renderPasskey(w, r, st, p, http.StatusBadRequest, ui.Problems{{Code: "missing_key"}})
	}
	if err := d.Pipeline.TakePasskey(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), response); err != nil {
		status, problems := wrongCode(err)
		if problems == nil {
			return err
		}
		return d.renderPasskey(w, r, st, p, status, problems)
	}
	p.goOn(w, r, nil)
	return nil
}

// signUpWithPasskey takes the sign-up form of who wants no password, and asks for the passkey; first is as of signupVisit.
func (d *Door) signUpWithPasskey(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, in pipeline.SignUp, first map[string]any) error {
	problems, err := identityProblems(conn, in), error(nil)
	if problems == nil && !p.provesFirst(conn) { // else that was asked before the first code was sent
		if problems, err = d.human(r, st, guard.FlowPassword); err != nil {
			return err
		}
	}
	if problems == nil {
		options, err := d.Pipeline.BeginPasskeySignUp(r.Context(), signupVisit(r, st, first), p.tx.ID, r.PostFormValue(fieldNonce), in)
		if err == nil {
			o := ui.PasskeyPage{Frame: p.frame, Form: p.form(passkeySignup), Options: string(options), BackURL: p.link("/u/signup")}
			switch {
			case first != nil:
				o.Instead.URL = p.link(signupPasswordPath)
			case conn.Passwords():
				o.Instead.Form = p.form("/u/signup")
				o.Instead.Form.Hidden = append(o.Instead.Form.Hidden, apart(in)...)
			}
			page.Render(w, http.StatusOK, o)
			return nil
		}
		problem, ours := signupProblem(st, err)
		if !ours {
			return err
		}
		problems = ui.Problems{problem}
	}
	return d.renderSignup(w, r, st, p, conn, in, http.StatusBadRequest, problems)
}

// signUpByPasskey takes the passkey of who signs up.
func (d *Door) signUpByPasskey(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	opened, u, err := d.Pipeline.EndPasskeySignUp(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), []byte(r.PostFormValue(ui.FieldKey)))
	if u != nil && !p.mailed {
		issuer, lang := web.Issuer(r), p.frame.Lang
		d.later(r.Context(), st, func(ctx context.Context) error { return d.askToVerify(ctx, st, u, p.client, issuer, lang) })
	}
	if err == nil {
		p.goOn(w, r, opened)
		return nil
	}
	problem, ours := signupProblem(st, err)
	if _, wrong := wrongCode(err); wrong != nil {
		problem, ours = wrong[0], true
	}
	if !ours {
		return err
	}
	in := pipeline.SignUp{}
	if s, err := d.Pipeline.PasskeySigningUp(r.Context(), visit(r, st), "sign-up/"+p.tx.ID); err == nil {
		in.Email, in.Phone, in.Username = s.User.Email, s.User.PhoneNumber, s.User.Username
	}
	return d.renderSignup(w, r, st, p, conn, in, http.StatusBadRequest, ui.Problems{problem})
}
