package login

import (
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// paramScreen tells in our own links that the person has chosen the page; screen_hint of the
// authorization request no longer counts then.
const paramScreen = "screen_hint"

// paramNoCode asks for the password in the place of the code that was sent.
const paramNoCode = "no_code"

// inSteps tells whether a login page asks who somebody is first: where the tenant wants that, and where a code may be what they are asked for next.
func inSteps(r *http.Request, st *store.Store, conn *stagedoor.Connection) bool {
	return conn.ForLogin() && (conn.Passwords() && page.IdentifierFirst(r, st) || conn.LoginCodes().On())
}

// showLogin asks for identifier and password. Who came with screen_hint=signup sees the sign-up
// page first.
func (d *Door) showLogin(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	if own, err := d.ownLoginPage(r, st, p); err != nil || own != "" {
		if err == nil && p.tx.Request.Connection != "" && conn.Redirects() { // nothing is left to choose
			redirect(w, r, p.link("/u/login/with", paramConnection, conn.Name))
		} else if err == nil {
			redirect(w, r, p.ownLoginLink())
		}
		return err
	}
	stranger, err := p.invitesStranger(r, st, conn)
	if err != nil {
		return err
	}
	if (p.tx.Request.ScreenHint == "signup" || stranger) && !r.URL.Query().Has(paramScreen) && !conn.Options.DisableSignup {
		redirect(w, r, p.link("/u/signup"))
		return nil
	}
	l, err := d.loginPage(r, st, p, conn, p.tx.Request.LoginHint, nil)
	if err != nil {
		return err
	}
	if conn.SendsCodes() && len(l.Buttons) == 1 { // nothing is left to choose
		redirect(w, r, p.link(codeWishPath, paramConnection, conn.Name))
		return nil
	}
	who, err := p.asksWho(r, st, conn)
	if err != nil {
		return err
	}
	alone := len(l.Buttons) == 0 || len(l.Buttons) == 1 && p.tx.Request.Organization != "" && !conn.IsSocial()
	if conn.Redirects() && !who && (p.tx.Request.Connection != "" || alone) { // nothing is left to choose
		redirect(w, r, p.link("/u/login/with", paramConnection, conn.Name))
		return nil
	}
	if inSteps(r, st, conn) || who {
		l.Step, l.NoPassword, l.Proof = ui.AskWho, false, nil
	}
	if code := p.tx.Code; code != nil && code.Connection == conn.ID && conn.Passwords() && r.URL.Query().Has(paramNoCode) {
		if l.Proof, err = d.proof(r, st, guard.FlowPassword); err != nil {
			return err
		}
		l.Identifier = code.Address
		l = p.inSteps(l, conn)
	}
	page.Render(w, http.StatusOK, l)
	return nil
}

// asksWho tells whether the page asks for the address alone, by whose domain people are sent to their company: there is no password here, and more
// than one place to go to.
func (p *prompt) asksWho(r *http.Request, st *store.Store, conn *stagedoor.Connection) (bool, error) {
	if conn.ForLogin() && (conn.Passwords() || conn.LoginCodes().On()) || p.tx.Request.Connection != "" {
		return false, nil
	}
	choice, err := p.choose(r, st)
	if err != nil {
		return false, err
	}
	all := choice.Elsewhere()
	return (len(all) > 1 || conn.ForLogin()) && slices.ContainsFunc(all, func(c stagedoor.Connection) bool { return len(c.Domains()) > 0 }), nil
}

// inSteps is the login page where the identifier is asked for first: once it is known, for the password alone, with a way to a code if one can be sent. Whether somebody
// has it does not show.
func (p *prompt) inSteps(l ui.LoginPage, conn *stagedoor.Connection) ui.LoginPage {
	if l.Step = ui.AskWho; l.Identifier == "" {
		l.Proof = nil // the password is asked for later
		return l
	}
	l.Step, l.EditURL = ui.AskPassword, p.link("/u/login", paramScreen, "login")
	l.Hidden = append(l.Hidden, ui.Field{Name: ui.FieldUsername, Value: l.Identifier})
	if address, _ := connection.CodeAddress(conn, l.Identifier); address != "" {
		l.Code = &ui.CodeOffer{Form: p.form(codeWishPath), Phone: stagedoor.IsPhoneNumber(address)}
		l.Code.Action = p.link(codeWishPath, paramConnection, conn.Name)
		l.Code.Hidden = append(l.Code.Hidden, ui.Field{Name: codeField(l.Code.Phone), Value: address})
	}
	return l
}

func (d *Door) loginPage(r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, identifier string, problems ui.Problems) (ui.LoginPage, error) {
	l := ui.LoginPage{
		Frame: p.frame, Form: p.form("/u/login"), Problems: problems, Identifier: identifier, Organization: p.organization(),
		Asks: asksFor(conn), NoPassword: !conn.ForLogin() || !conn.Passwords(),
	}
	if conn.Passwords() && conn.Options.SelfServicePasswords() {
		l.ForgotURL = p.link("/u/forgot")
	}
	if !conn.Options.DisableSignup {
		l.SignupURL = p.link("/u/signup")
	}
	var err error
	if l.Buttons, err = p.buttons(r, st); err != nil {
		return l, err
	}
	if l.Proof, err = d.proof(r, st, guard.FlowPassword); err != nil {
		return l, err
	}
	codes, err := p.codeButtons(r, st)
	l.Buttons = append(codes, l.Buttons...)
	if err == nil {
		err = d.offersPasskeys(r, st, p, conn, &l)
	}
	return l, err
}

// logIn takes the form of the login page.
func (d *Door) logIn(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	identifier, secret := text(r, ui.FieldUsername), r.PostFormValue(ui.FieldPassword)
	status, problems := http.StatusBadRequest, missingCredentials(conn, identifier, secret)
	steps := inSteps(r, st, conn)
	if steps && identifier != "" {
		first := !r.PostForm.Has(ui.FieldPassword)
		if !first {
			if first, err = d.Pipeline.Unlooked(r.Context(), visit(r, st), p.tx, conn, identifier); err != nil {
				return err
			}
		}
		if first {
			return d.identified(w, r, st, p, identifier)
		}
	}
	if steps && identifier == "" {
		problems = problems[:1] // the password is asked for later
	}
	if !steps && identifier != "" { // whoever belongs to a company proves themselves there, not by a password here
		choice, err := p.choose(r, st)
		if err != nil {
			return err
		}
		if home := choice.Home(identifier); home != nil {
			redirect(w, r, p.link("/u/login/with", paramConnection, home.Name))
			return nil
		}
	}
	if who, err := p.asksWho(r, st, conn); err != nil || who {
		if err != nil {
			return err
		}
		problems = ui.Problems{{Code: "no_home", Field: ui.FieldUsername}}
		if identifier == "" {
			problems = missingCredentials(conn, "", "x")
		}
		l, err := d.loginPage(r, st, p, conn, identifier, problems)
		if err != nil {
			return err
		}
		l.Step, l.NoPassword = ui.AskWho, false
		page.Render(w, status, l)
		return nil
	}
	if problems == nil {
		if problems, err = d.human(r, st, guard.FlowPassword); err != nil {
			return err
		}
	}
	if problems == nil {
		opened, err := d.Pipeline.Authenticate(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), identifier, secret)
		if err == nil {
			p.goOn(w, r, opened)
			return nil
		}
		switch {
		case guard.IsThrottled(err):
			status, problems = http.StatusTooManyRequests, ui.Problems{{Code: "too_many_requests"}}
		case stagedoor.IsKind(err, stagedoor.TooMany):
			status, problems = http.StatusTooManyRequests, ui.Problems{{Code: "too_many_attempts"}}
		case stagedoor.HasCode(err, pipeline.CodeLeaked):
			problems = ui.Problems{{Code: "password_leaked"}}
		case stagedoor.HasCode(err, "invalid_grant"):
			problems = ui.Problems{wrongCredentials(conn)}
		default:
			problem, theirs := scriptProblem(err)
			if !theirs {
				return err
			}
			problems = ui.Problems{problem}
		}
	}
	l, err := d.loginPage(r, st, p, conn, identifier, problems)
	if err != nil {
		return err
	}
	if steps {
		l = p.inSteps(l, conn)
	}
	page.Render(w, status, l)
	return nil
}

// identified takes the form of the first of two steps: the person is sent to their provider, or asked for their password.
func (d *Door) identified(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, identifier string) error {
	conn, err := d.Pipeline.Route(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), identifier)
	problem, theirs := scriptProblem(err)
	switch {
	case err == nil && conn.Redirects():
		redirect(w, r, p.link("/u/login/with", paramConnection, conn.Name))
		return nil
	case err != nil && !theirs:
		return err
	}
	var problems ui.Problems
	status := http.StatusOK
	if theirs {
		status, problems = http.StatusBadRequest, ui.Problems{problem}
	}
	p, conn, err = d.loginPrompt(r, st) // as it is now
	if err != nil {
		return err
	}
	address, first := connection.CodeAddress(conn, identifier)
	if first && !theirs {
		return d.codeFirst(w, r, st, p, conn, identifier)
	}
	if address == "" && !conn.Passwords() && !theirs { // nothing is left to ask for
		theirs, status, problems = true, http.StatusBadRequest, ui.Problems{{Code: "no_code_there", Field: ui.FieldUsername}}
	}
	l, err := d.loginPage(r, st, p, conn, identifier, problems)
	if err != nil {
		return err
	}
	if theirs {
		l.Step, l.NoPassword, l.Proof = ui.AskWho, false, nil
	} else {
		l = p.inSteps(l, conn)
	}
	page.Render(w, status, l)
	return nil
}

func missingCredentials(conn *stagedoor.Connection, identifier, secret string) (missing ui.Problems) {
	if identifier == "" {
		missing = append(missing, ui.Problem{Code: missingIdentifier(conn), Field: ui.FieldUsername})
	}
	if secret == "" {
		missing = append(missing, ui.Problem{Code: "missing_password", Field: ui.FieldPassword})
	}
	return missing
}

// wrongCredentials is the same for a wrong password and an unknown person.
func wrongCredentials(conn *stagedoor.Connection) ui.Problem {
	switch asksFor(conn) {
	case ui.Identifiers{Emails: true}:
		return ui.Problem{Code: "invalid_user_password"}
	case ui.Identifiers{Emails: true, Usernames: true}:
		return ui.Problem{Code: "invalid_username_password"}
	}
	return ui.Problem{Code: "invalid_login_password"}
}

// asksFor is what people of a connection log in with.
func asksFor(conn *stagedoor.Connection) ui.Identifiers {
	rules := conn.Options.Attributes()
	if !rules.Flexible {
		return ui.Identifiers{Emails: true, Usernames: conn.Options.Usernames().Have}
	}
	return ui.Identifiers{Emails: rules.Email.Identifies, Phones: rules.Phone.Identifies, Usernames: rules.Username.Identifies}
}

// missingIdentifier is the problem of a form that says nobody.
func missingIdentifier(conn *stagedoor.Connection) string {
	switch asksFor(conn) {
	case ui.Identifiers{Emails: true}:
		return "missing_email"
	case ui.Identifiers{Emails: true, Usernames: true}:
		return "missing_identifier"
	case ui.Identifiers{Phones: true}:
		return "missing_phone_number"
	}
	return "missing_login"
}
