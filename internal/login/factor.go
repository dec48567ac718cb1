package login

import (
	"cmp"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/mfa"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// The pages that belong to the step that asks for a factor, and to the one that has a factor set up.
const (
	otpPath      = "/u/" + pipeline.AskFactor
	recoveryPath = "/u/mfa-recovery-code-challenge"
	choicePath   = "/u/mfa-login-options"
	enrollPath   = "/u/" + pipeline.AskEnroll
	enrollList   = "/u/mfa-begin-enroll-options"
)

// challengePaths and enrollPaths are the pages of the kinds of factors.
var (
	challengePaths = map[string]string{
		mfa.OTP: otpPath, mfa.Recovery: recoveryPath, mfa.Roaming: "/u/mfa-webauthn-roaming-challenge", mfa.Platform: "/u/mfa-webauthn-platform-challenge",
		mfa.Phone: "/u/mfa-sms-challenge", mfa.Email: "/u/mfa-email-challenge", mfa.Push: pushPath,
	}
	enrollPaths = map[string]string{
		mfa.OTP: enrollPath, mfa.Roaming: "/u/mfa-webauthn-roaming-enrollment", mfa.Platform: "/u/mfa-webauthn-platform-enrollment",
		mfa.Phone: "/u/mfa-sms-enrollment", mfa.Email: "/u/mfa-email-enrollment", mfa.Push: pushEnrollPath,
	}
)

// paramChosen tells in our own links that the person has chosen the kind of factor.
const paramChosen = "chosen"

// factorPrompt finds the login that waits for a second factor, and what will do.
func (d *Door) factorPrompt(r *http.Request, st *store.Store) (*prompt, pipeline.FactorChoice, error) {
	return d.choicePrompt(r, st, pipeline.AskFactor)
}

func (d *Door) choicePrompt(r *http.Request, st *store.Store, step string) (*prompt, pipeline.FactorChoice, error) {
	p, err := d.prompt(r, st, step)
	if err != nil {
		return nil, pipeline.FactorChoice{}, err
	}
	choice, err := d.Pipeline.FactorChoice(r.Context(), visit(r, st), p.tx)
	tells(p.frame, choice.Kinds)
	return p, choice, err
}

// tells front ends of the tenant's own which kinds of factors there are.
func tells(f ui.Frame, kinds []string) {
	if f.Custom != nil {
		f.Custom.Factors = ui.FactorNames(kinds)
	}
}

// leads sends the browser to the page of a kind that the person has, if the page that was asked for is of none of theirs, or is only where the
// step begins and another kind comes before it.
func (p *prompt) leads(w http.ResponseWriter, r *http.Request, paths map[string]string, choice pipeline.FactorChoice, kind string) bool {
	if len(choice.Kinds) == 0 || choice.Has(kind) && (kind != mfa.OTP || choice.Kinds[0] == kind || r.URL.Query().Has(paramChosen)) {
		return false
	}
	redirect(w, r, p.link(paths[choice.Kinds[0]]))
	return true
}

// other is where the person can choose another factor; "" if there is none.
func (p *prompt) other(choice pipeline.FactorChoice, list string) string {
	if len(choice.Kinds) < 2 {
		return ""
	}
	return p.link(list)
}

// onlyApp tells whether an app and the recovery code are all that the person has: their pages lead to each other.
func onlyApp(choice pipeline.FactorChoice) bool {
	return len(choice.Kinds) == 2 && choice.Has(mfa.OTP) && choice.Has(mfa.Recovery)
}

// showOTP asks for a code of the person's app; who has none there is asked for what they have.
func (d *Door) showOTP(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.factorPrompt(r, st)
	if err != nil || p.leads(w, r, challengePaths, choice, mfa.OTP) {
		return err
	}
	page.Render(w, http.StatusOK, p.otpPage(choice, choice.Ticked, nil))
	return nil
}

func (p *prompt) otpPage(choice pipeline.FactorChoice, remember bool, problems ui.Problems) ui.OTPPage {
	o := ui.OTPPage{Frame: p.frame, Form: p.form(otpPath), Problems: problems, Remembering: remembering(choice.Remembering, remember)}
	if onlyApp(choice) {
		o.RecoveryURL = p.link(recoveryPath)
	} else {
		o.OtherURL = p.other(choice, choicePath)
	}
	return o
}

// remembering is the box by which the browser is remembered.
func remembering(r mfa.Remembering, ticked bool) ui.Remembering {
	return ui.Remembering{Remembers: r.Offered, Remember: ticked, Lasts: r.Lasts()}
}

// giveCode takes the form of the page.
func (d *Door) giveCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.factorPrompt(r, st)
	if err != nil {
		return err
	}
	code, remember := text(r, ui.FieldCode), r.PostForm.Has(ui.FieldRemember)
	status, problems := http.StatusBadRequest, missingCode(code)
	if problems == nil {
		given, err := d.Pipeline.GiveCode(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), code, remember)
		if err == nil {
			p.given(w, r, given)
			return nil
		}
		if status, problems = wrongCode(err); problems == nil {
			return err
		}
	}
	page.Render(w, status, p.otpPage(choice, remember, problems))
	return nil
}

// showRecovery asks for the recovery code.
func (d *Door) showRecovery(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.factorPrompt(r, st)
	if err != nil || p.leads(w, r, challengePaths, choice, mfa.Recovery) {
		return err
	}
	page.Render(w, http.StatusOK, p.recoveryPage(choice, nil))
	return nil
}

func (p *prompt) recoveryPage(choice pipeline.FactorChoice, problems ui.Problems) ui.RecoveryPage {
	o := ui.RecoveryPage{Frame: p.frame, Form: p.form(recoveryPath), Problems: problems}
	if onlyApp(choice) {
		o.OTPURL = p.link(otpPath)
	} else {
		o.OtherURL = p.other(choice, choicePath)
	}
	return o
}

// giveRecoveryCode takes the form of the page.
func (d *Door) giveRecoveryCode(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.factorPrompt(r, st)
	if err != nil {
		return err
	}
	code := text(r, ui.FieldCode)
	status, problems := http.StatusBadRequest, missingCode(code)
	if problems == nil {
		given, err := d.Pipeline.GiveRecoveryCode(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), code)
		if err == nil {
			p.given(w, r, given)
			return nil
		}
		if status, problems = wrongCode(err); problems == nil {
			return err
		}
	}
	page.Render(w, status, p.recoveryPage(choice, problems))
	return nil
}

func missingCode(code string) ui.Problems {
	if code == "" {
		return ui.Problems{{Code: "missing_code", Field: ui.FieldCode}}
	}
	return nil
}

// wrongCode is what a page says of a code that was not taken; nothing if the error is another one.
func wrongCode(err error) (status int, problems ui.Problems) {
	switch {
	case stagedoor.HasCode(err, "invalid_key"):
		return http.StatusBadRequest, ui.Problems{{Code: "invalid_key"}}
	case stagedoor.HasCode(err, "invalid_oob"):
		return http.StatusBadRequest, ui.Problems{{Code: "wrong_code", Field: ui.FieldCode}}
	case mfa.IsWrong(err):
		return http.StatusBadRequest, ui.Problems{{Code: stagedoor.AsError(err).Code, Field: ui.FieldCode}}
	case stagedoor.IsKind(err, stagedoor.TooMany):
		return http.StatusTooManyRequests, ui.Problems{{Code: "too_many_codes"}}
	}
	return 0, nil
}

// given gives the browser its cookies and sends it back to the login.
func (p *prompt) given(w http.ResponseWriter, r *http.Request, g *pipeline.Given) {
	if g.Remembered != "" {
		session.SetRemembered(w, r, g.Remembered, g.Until)
	}
	p.goOn(w, r, g.Opened)
}

// showEnroll shows what an authenticator app needs, and asks for its first code. Who may choose sees what there is first.
func (d *Door) showEnroll(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.choicePrompt(r, st, pipeline.AskEnroll)
	if err != nil {
		return err
	}
	if len(choice.Kinds) > 1 && !r.URL.Query().Has(paramChosen) {
		redirect(w, r, p.link(enrollList))
		return nil
	}
	if p.leads(w, r, enrollPaths, choice, mfa.OTP) {
		return nil
	}
	return d.renderEnroll(w, r, st, p, choice, http.StatusOK, nil)
}

func (d *Door) renderEnroll(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, choice pipeline.FactorChoice, status int, problems ui.Problems) error {
	secret, issuer, err := d.Pipeline.Enrollment(r.Context(), visit(r, st), p.tx)
	if err != nil {
		return err
	}
	u, err := st.User(r.Context(), p.tx.UserID)
	if err != nil {
		return err
	}
	o, err := enrollPage(secret, cmp.Or(issuer, page.TenantName(st)), u)
	if err != nil {
		return err
	}
	o.Frame, o.Form, o.Problems, o.OtherURL = p.frame, p.form(enrollPath), problems, p.other(choice, enrollList)
	o.Action = p.link(enrollPath, paramChosen, "1")
	toggles(r, &o)
	page.Render(w, status, o)
	return nil
}

// paramTyped tells in our own links that a front end of the tenant's own shows the secret of an app to be typed.
const paramTyped = "typed"

// toggles tells front ends of the tenant's own which of picture and secret they show, and where they show the other.
func toggles(r *http.Request, o *ui.OTPEnrollPage) {
	typed := o.Action + "&" + paramTyped + "=1"
	if o.ToggleURL, o.Typed = typed, r.URL.Query().Has(paramTyped); o.Typed {
		o.Action, o.ToggleURL = typed, o.Action
	}
}

func enrollPage(secret, issuer string, u *stagedoor.User) (ui.OTPEnrollPage, error) {
	account := shown(u)
	uri := mfa.URI(secret, issuer, account)
	code, err := mfa.Draw(uri)
	return ui.OTPEnrollPage{Account: account, QR: ui.QR(code), Secret: mfa.Spaced(secret), URI: uri}, err
}

// enroll takes the form of the page.
func (d *Door) enroll(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, choice, err := d.choicePrompt(r, st, pipeline.AskEnroll)
	if err != nil {
		return err
	}
	code := text(r, ui.FieldCode)
	status, problems := http.StatusBadRequest, missingCode(code)
	if problems == nil {
		given, err := d.Pipeline.Enroll(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), code)
		if err == nil {
			p.given(w, r, given)
			return nil
		}
		if status, problems = wrongCode(err); problems == nil {
			return err
		}
	}
	return d.renderEnroll(w, r, st, p, choice, status, problems)
}

// showNote shows the new recovery code until its person says that they have noted it down.
func (d *Door) showNote(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskNote)
	if err != nil {
		return err
	}
	code, used, err := d.Pipeline.ToNote(r.Context(), visit(r, st), p.tx)
	if err != nil {
		return err
	}
	page.Render(w, http.StatusOK, ui.RecoveryCodePage{Frame: p.frame, Form: p.form("/u/" + pipeline.AskNote), Code: mfa.Spaced(code), New: used})
	return nil
}

// noted takes the form of the page.
func (d *Door) noted(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, err := d.prompt(r, st, pipeline.AskNote)
	if err != nil {
		return err
	}
	if !r.PostForm.Has(ui.FieldNoted) {
		return d.showNote(w, r, st)
	}
	if err := d.Pipeline.Noted(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce)); err != nil {
		return err
	}
	p.goOn(w, r, nil)
	return nil
}
