package login

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// showSignup asks for what a new user needs.
func (d *Door) showSignup(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	if conn.Options.DisableSignup {
		redirect(w, r, p.link("/u/login", paramScreen, "login"))
		return nil
	}
	in := pipeline.SignUp{}
	if email, err := connection.NormalizeEmail(p.tx.Request.LoginHint); err == nil {
		in.Email = email
	} else if number, err := connection.NormalizePhone(p.tx.Request.LoginHint); err == nil {
		in.Phone = number
	}
	return d.renderSignup(w, r, st, p, conn, in, http.StatusOK, nil)
}

func (d *Door) renderSignup(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, in pipeline.SignUp, status int, problems ui.Problems) (err error) {
	o := p.signupPage(conn, in, problems)
	o.PasskeyOnly = o.NoPassword && !conn.LoginCodes().On()
	switch {
	case p.provesFirst(conn): // the password comes later
		o.Step, o.Policy, o.Passkeys = ui.AskWho, nil, false
	case asksApart(r, conn, problems):
		o.Step, o.EditURL = ui.AskPassword, p.link("/u/signup")
		o.Hidden = append(o.Hidden, apart(in)...)
	default:
		o.Apart = o.Passkeys && conn.Passwords() && inSteps(r, st, conn)
	}
	if o.Proof, err = d.proof(r, st, guard.FlowPassword); err == nil {
		page.Render(w, status, o)
	}
	return err
}

// asksApart tells whether it is known who somebody is, in a front end of the tenant's own that asked for that first, and the password is all that lacks.
func asksApart(r *http.Request, conn *stagedoor.Connection, problems ui.Problems) bool {
	return r.PostForm.Has(ui.FieldApart) && conn.Passwords() && len(problems) == len(problems.Of(ui.FieldPassword))
}

// apart are the hidden fields of a form that goes on with who somebody is.
func apart(in pipeline.SignUp) []ui.Field {
	return []ui.Field{{Name: ui.FieldApart, Value: "1"}, {Name: ui.FieldEmail, Value: in.Email}, {Name: ui.FieldPhone, Value: in.Phone}, {Name: ui.FieldUsername, Value: in.Username}}
}

func (p *prompt) signupPage(conn *stagedoor.Connection, in pipeline.SignUp, problems ui.Problems) ui.SignupPage {
	o := ui.SignupPage{
		Frame: p.frame, Form: p.form("/u/signup"), Problems: problems, Email: in.Email, Phone: in.Phone, Username: in.Username,
		Asks: signupFields(conn), Policy: policyRules(conn, in.Password), Organization: p.organization(),
		LoginURL: p.link("/u/login", paramScreen, "login"), Passkeys: conn.Passkeys().On, NoPassword: !conn.Passwords(),
	}
	if o.NoPassword {
		o.Policy, o.PasskeyOnly = nil, !in.ByCodeAlone(conn)
	}
	return o
}

// signUp takes the form of the sign-up page.
func (d *Door) signUp(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, conn, err := d.loginPrompt(r, st)
	if err != nil {
		return err
	}
	in := signupForm(r, conn)
	p, conn, problems, err := d.routeSignUp(w, r, st, p, conn, in)
	if p == nil || err != nil {
		return err
	}
	if problems != nil {
		return d.renderSignup(w, r, st, p, conn, in, http.StatusBadRequest, problems)
	}
	in = signupForm(r, conn)
	if p.provesFirst(conn) && !conn.Options.DisableSignup {
		return d.beginSignUp(w, r, st, p, conn, in)
	}
	if r.PostForm.Has(ui.FieldPasskey) {
		return d.signUpWithPasskey(w, r, st, p, conn, in, nil)
	}
	if r.PostForm.Has(ui.FieldApart) && !r.PostForm.Has(ui.FieldPassword) && conn.Passwords() {
		status, problems := http.StatusOK, identityProblems(conn, in)
		if problems != nil {
			status = http.StatusBadRequest
		}
		return d.renderSignup(w, r, st, p, conn, in, status, problems)
	}
	if problems = signupProblems(conn, in); problems == nil {
		if problems, err = d.human(r, st, guard.FlowPassword); err != nil {
			return err
		}
	}
	if problems == nil {
		if problems, err = d.signsUp(w, r, st, p, in, nil); err != nil || problems == nil {
			return err
		}
	}
	return d.renderSignup(w, r, st, p, conn, in, http.StatusBadRequest, problems)
}

// signsUp makes the user, asks them by mail to prove their address, and goes on with the login. Problems are what the form is shown again for; body is what was posted before, if that was another form.
func (d *Door) signsUp(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, in pipeline.SignUp, body map[string]any) (ui.Problems, error) {
	opened, u, err := d.Pipeline.SignUp(r.Context(), signupVisit(r, st, body), p.tx.ID, r.PostFormValue(fieldNonce), in)
	if u != nil && !u.EmailVerified && !p.mailed {
		issuer, lang := web.Issuer(r), page.MailLanguage(r)
		d.later(r.Context(), st, func(ctx context.Context) error { return d.askToVerify(ctx, st, u, p.client, issuer, lang) })
	}
	if err == nil {
		p.goOn(w, r, opened)
		return nil, nil
	}
	problem, ours := signupProblem(st, err)
	if !ours {
		return nil, err
	}
	return ui.Problems{problem}, nil
}

// ownField is how names begin of fields that a tenant has put on the page itself.
const ownField = "ulp-"

// signupVisit is the visit of who has sent the form. Scripts see who the person wants to be, and what the tenant's own fields hold; first is what the page before told of that, if
// there was one.
func signupVisit(r *http.Request, st *store.Store, first map[string]any) pipeline.Visit {
	v := visit(r, st)
	v.Body = map[string]any{}
	maps.Copy(v.Body, first)
	for name := range r.PostForm {
		if first == nil && slices.Contains([]string{ui.FieldEmail, ui.FieldPhone, ui.FieldUsername}, name) || strings.HasPrefix(name, ownField) {
			v.Body[name] = r.PostForm.Get(name)
		}
	}
	return v
}

// routeSignUp lets actions say where somebody belongs who has said who they want to be, and returns the login and the connection as they are then. Whom
// they send to a provider is on their way there: the prompt is nil.
func (d *Door) routeSignUp(w http.ResponseWriter, r *http.Request, st *store.Store, p *prompt, conn *stagedoor.Connection, in pipeline.SignUp) (*prompt, *stagedoor.Connection, ui.Problems, error) {
	open := *conn
	if open.Options.DisableSignup = false; identityProblems(&open, in) != nil { // closed it may be because an action sent an earlier try there
		return p, conn, nil, nil
	}
	identifier := connection.KnownBy(conn, &stagedoor.User{Email: in.Email, PhoneNumber: in.Phone, Username: in.Username})
	to, err := d.Pipeline.RouteSignUp(r.Context(), visit(r, st), p.tx.ID, r.PostFormValue(fieldNonce), identifier)
	problem, theirs := scriptProblem(err)
	switch {
	case theirs:
		return p, conn, ui.Problems{problem}, nil
	case err != nil || to == nil:
		return p, conn, nil, err
	case to.Redirects():
		redirect(w, r, p.link("/u/login/with", paramConnection, to.Name))
		return nil, nil, nil, nil
	}
	p, conn, err = d.loginPrompt(r, st) // as it is now
	return p, conn, nil, err
}

// signupProblems finds what is wrong with the form alone, all at once.
func signupProblems(conn *stagedoor.Connection, in pipeline.SignUp) ui.Problems {
	problems := identityProblems(conn, in)
	if conn.Options.DisableSignup || !conn.Passwords() {
		return problems
	}
	return append(problems, passwordProblems(conn, in.Password)...)
}

// identityProblems finds what is wrong with what the person wants to be known by.
func identityProblems(conn *stagedoor.Connection, in pipeline.SignUp) (problems ui.Problems) {
	if conn.Options.DisableSignup {
		return ui.Problems{{Code: "signup_disabled"}}
	}
	rules := conn.Options.Attributes()
	if in.Email == "" && rules.Email.Must {
		problems = append(problems, ui.Problem{Code: "missing_email", Field: ui.FieldEmail})
	} else if _, err := connection.NormalizeEmail(in.Email); err != nil {
		problems = append(problems, ui.Problem{Code: "invalid_email", Field: ui.FieldEmail})
	}
	if in.Phone == "" && rules.Phone.Must {
		problems = append(problems, ui.Problem{Code: "missing_phone_number", Field: ui.FieldPhone})
	} else if _, err := connection.NormalizePhone(in.Phone); err != nil && in.Phone != "" {
		problems = append(problems, ui.Problem{Code: "invalid_phone_number", Field: ui.FieldPhone})
	}
	if in.Username == "" && rules.Username.Must {
		problems = append(problems, ui.Problem{Code: "missing_username", Field: ui.FieldUsername})
	} else if name, err := connection.Username(conn, in.Username); err != nil || name != "" && !conn.Options.Usernames().Takes(name) {
		problems = append(problems, ui.Problem{Code: "invalid_username", Field: ui.FieldUsername})
	}
	if len(problems) == 0 && stagedoor.HasCode(connection.CheckSignUp(conn, &stagedoor.User{Email: in.Email, PhoneNumber: in.Phone, Username: in.Username}), "missing_identifier") {
		problems = ui.Problems{{Code: "missing_signup_identifier"}}
	}
	if len(problems) == 0 && !conn.Passwords() && !conn.Passkeys().On && !in.ByCodeAlone(conn) {
		problems = ui.Problems{{Code: "missing_signup_identifier"}}
	}
	return problems
}

// signupFields are the fields that a connection's sign-up form has.
func signupFields(conn *stagedoor.Connection) ui.SignupFields {
	use := func(r stagedoor.AttributeRule) ui.FieldUse {
		switch {
		case r.Must:
			return ui.FieldRequired
		case r.Asked:
			return ui.FieldOptional
		}
		return ui.FieldAbsent
	}
	rules := conn.Options.Attributes()
	return ui.SignupFields{Email: use(rules.Email), Phone: use(rules.Phone), Username: use(rules.Username)}
}

// signupForm reads the form. What the connection does not ask for is not looked at.
func signupForm(r *http.Request, conn *stagedoor.Connection) pipeline.SignUp {
	in, rules := pipeline.SignUp{Password: r.PostFormValue(ui.FieldPassword)}, conn.Options.Attributes()
	for _, f := range []struct {
		asked bool
		name  string
		into  *string
	}{{rules.Email.Asked, ui.FieldEmail, &in.Email}, {rules.Phone.Asked, ui.FieldPhone, &in.Phone}, {rules.Username.Asked, ui.FieldUsername, &in.Username}} {
		if f.asked {
			*f.into = text(r, f.name)
		}
	}
	return in
}

// signupProblem is what people read about an error of the sign-up; false for one that is no fault of
// the form. That an address is known is told only where the tenant wants it.
func signupProblem(st *store.Store, err error) (ui.Problem, bool) {
	if weak := (*password.Error)(nil); errors.As(err, &weak) {
		return passwordProblem(err), true
	}
	switch stagedoor.AsError(err).Code {
	case "user_exists":
		if st.Tenant().Settings.Flags[stagedoor.FlagSignupUserExists] {
			if errors.Is(err, store.ErrPhoneTaken) {
				return ui.Problem{Code: "phone_exists", Field: ui.FieldPhone}, true
			}
			return ui.Problem{Code: "user_exists", Field: ui.FieldEmail}, true
		}
		return ui.Problem{Code: "invalid_signup"}, true
	case "username_exists":
		return ui.Problem{Code: "username_exists", Field: ui.FieldUsername}, true
	case "missing_identifier":
		return ui.Problem{Code: "missing_signup_identifier"}, true
	case pipeline.CodeLeaked:
		return ui.Problem{Code: "password_leaked_new", Field: ui.FieldPassword}, true
	case "not_invited":
		return ui.Problem{Code: "not_invited", Field: ui.FieldEmail}, true
	case pipeline.CodeExtensibility:
		friendly, _ := stagedoor.AsError(err).Extra[pipeline.FriendlyMessage].(string)
		return ui.Problem{Code: pipeline.CodeExtensibility, Text: friendly}, true
	case "signup_disabled", "too_many_requests":
		return ui.Problem{Code: stagedoor.AsError(err).Code}, true
	}
	return scriptProblem(err)
}
