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

// showLogin asks for identifier and password, unless there is nothing to ask for. Who came with screen_hint=signup sees the sign-up
// page first.
func (d *Door) showLogin(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	to, err := d.insteadOfLogin(r, st, p, conn)
	if err != nil {
		return err
	}
	if to != "" {
		redirect(w, r, to)
		return nil
	}
	l, err := d.loginPage(r, st, p, conn, p.tx.Request.LoginHint, nil)
	if err != nil {
		return err
	}
	who, err := p.asksWho(r, st, conn)
	if err != nil {
		return err
	}
	if to := p.onlyWay(conn, l.Buttons, who); to != "" {
		redirect(w, r, to)
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

// insteadOfLogin is where somebody goes who does not see the login page: to the tenant's own, or to sign up. "": they see it.
func (d *Door) insteadOfLogin(r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection) (string, error) {
	own, err := d.ownLoginPage(r, st, p)
	switch {
	case err != nil:
		return "", err
	case own != "" && p.tx.Request.Connection != "" && conn.Redirects(): // nothing is left to choose
		return p.link("/u/login/with", paramConnection, conn.Name), nil
	case own != "":
		return p.ownLoginLink(), nil
	}
	stranger, err := p.invitesStranger(r, st, conn)
	if err == nil && (p.tx.Request.ScreenHint == "signup" || stranger) && !r.URL.Query().Has(paramScreen) && !conn.Options.DisableSignup {
		return p.link("/u/signup"), nil
	}
	return "", err
}

// onlyWay is where the only way in leads; who tells whether the page asks who somebody is. "": there is something to choose.
func (p *prompt) onlyWay(conn *stagedoor.Connection, buttons []ui.ProviderButton, who bool) string {
	alone := len(buttons) == 0 || len(buttons) == 1 && p.tx.Request.Organization != "" && !conn.IsSocial()
	switch {
	case conn.SendsCodes() && len(buttons) == 1:
		return p.link(codeWishPath, paramConnection, conn.Name)
	case conn.Redirects() && !who && (p.tx.Request.Connection != "" || alone):
		return p.link("/u/login/with", paramConnection, conn.Name)
	}
	return ""
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
	problems := missingCredentials(conn, identifier, secret)
	steps := inSteps(r, st, conn)
	switch {
	case steps && identifier == "":
		problems = problems[:1] // the password is asked for later
	case steps:
		if first, err := d.isFirstStep(r, st, p, conn, identifier); err != nil {
			return err
		} else if first {
			return d.identified(w, r, st, p, identifier)
		}
	case identifier != "": // whoever belongs to a company proves themselves there, not by a password here
		choice, err := p.choose(r, st)
		if err != nil {
			return err
		}
		if home := choice.Home(identifier); home != nil {
			redirect(w, r, p.link("/u/login/with", paramConnection, home.Name))
			return nil
		}
	}
	who, err := p.asksWho(r, st, conn)
	if err != nil {
		return err
	}
	status := http.StatusBadRequest
	switch {
	case who && identifier == "":
		problems = problems[:1]
	case who:
		problems = ui.Problems{{Code: "no_home", Field: ui.FieldUsername}}
	case problems == nil:
		opened, wrong, err := d.tryPassword(r, st, p, conn, identifier, secret)
		if err != nil {
			return err
		}
		if wrong == nil {
			p.goOn(w, r, opened)
			return nil
		}
		status, problems = wrong.status, wrong.problems
	}
	l, err := d.loginPage(r, st, p, conn, identifier, problems)
	if err != nil {
		return err
	}
	if who {
		l.Step, l.NoPassword = ui.AskWho, false
	} else if steps {
		l = p.inSteps(l, conn)
	}
	page.Render(w, status, l)
	return nil
}

// isFirstStep tells whether a form says who somebody is, and no more yet; or who has not been looked up by what it says.
func (d *Door) isFirstStep(r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, identifier string) (bool, error) {
	if !r.PostForm.Has(ui.FieldPassword) {
		return true, nil
	}
	return d.Pipeline.Unlooked(r.Context(), visit(r, st), p.tx, conn, identifier)
}

// refusal is what the login page says to who may not come in.
type refusal struct {
	status   int
	problems ui.Problems
}

// tryPassword logs somebody in by the password, or tells why not.
func (d *Door) tryPassword(r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, identifier, secret string) (*pipeline.Opened, *refusal, error) {
	problems, err := d.human(r, st, guard.FlowPassword)
	if err != nil || problems != nil {
		return nil, &refusal{http.StatusBadRequest, problems}, err
	}
	opened, err := d.Pipeline.Authenticate(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), identifier, secret)
	problem, theirs := scriptProblem(err)
	switch {
	case err == nil:
		return opened, nil, nil
	case guard.IsThrottled(err):
		return nil, &refusal{http.StatusTooManyRequests, ui.Problems{{Code: "too_many_requests"}}}, nil
	case stagedoor.IsKind(err, stagedoor.TooMany):
		return nil, &refusal{http.StatusTooManyRequests, ui.Problems{{Code: "too_many_attempts"}}}, nil
	case stagedoor.HasCode(err, pipeline.CodeLeaked):
		return nil, &refusal{http.StatusBadRequest, ui.Problems{{Code: "password_leaked"}}}, nil
	case stagedoor.HasCode(err, "invalid_grant"):
		return nil, &refusal{http.StatusBadRequest, ui.Problems{wrongCredentials(conn)}}, nil
	case theirs:
		return nil, &refusal{http.StatusBadRequest, ui.Problems{problem}}, nil
	}
	return nil, nil, err
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
