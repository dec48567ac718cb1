package login

import (
	"context"
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// forgotten is where a wish for a new password comes from: a login under way, or nowhere.
type forgotten struct {
	frame  ui.Frame
	client *stagedoor.Client // nil if unknown
	conn   *stagedoor.Connection
	action string

	codeAction string // of the page for a code
	loginURL   string
	hint       string
	org        string // id of the organization that the login is for
}

// forgotten finds out which connection is meant. A login that is lost does not matter here.
func (d *Door) forgotten(r *http.Request, st *store.Store) (*forgotten, error) {
	p, err := d.prompt(r, st, pipeline.AskLogin)
	if err == nil {
		conn, err := p.connection(r, st)
		if err == nil && !conn.ForLogin() {
			err = connection.ErrNoPassword()
		}
		if err == nil {
			err = selfService(conn)
		}
		if err != nil {
			return nil, err
		}
		return &forgotten{
			frame: p.frame, client: p.client, conn: conn, action: p.link("/u/forgot"), codeAction: p.link(forgotCodePath),
			loginURL: p.link("/u/login", paramScreen, "login"), hint: p.tx.Request.LoginHint, org: p.tx.Request.Organization,
		}, nil
	}
	if stagedoor.AsError(err).Kind != stagedoor.Invalid {
		return nil, err
	}
	conn, err := directory(r.Context(), st)
	if err == nil {
		err = selfService(conn)
	}
	if err != nil {
		return nil, err
	}
	return &forgotten{frame: page.Frame(r, st, nil), conn: conn, action: "/u/forgot", codeAction: forgotCodePath}, nil
}

// selfService refuses people of a connection who may not set a password anew by themselves.
func selfService(conn *stagedoor.Connection) error {
	if !conn.Passwords() || !conn.Options.SelfServicePasswords() {
		return stagedoor.Errorf(stagedoor.Invalid, "change_password_disabled", "People do not reset their passwords themselves here. Ask the people who run the site.")
	}
	return nil
}

// showForgot asks whose password shall be reset.
func (d *Door) showForgot(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	f, err := d.forgotten(r, st)
	if err != nil {
		return err
	}
	return d.renderForgot(w, r, st, f, http.StatusOK, f.hint, nil)
}

func (f *forgotten) page(email string, problems ui.Problems) ui.ForgotPage {
	return ui.ForgotPage{Frame: f.frame, Form: ui.Form{Action: f.action}, Problems: problems, Asks: asksFor(f.conn), Email: email, LoginURL: f.loginURL, Codes: pipeline.ResetsByCode(f.conn, "") || asksFor(f.conn).Phones}
}

func (d *Door) renderForgot(w http.ResponseWriter, r *http.Request, st *store.Store, f *forgotten, status int, email string, problems ui.Problems) (err error) {
	o := f.page(email, problems)
	if o.Proof, err = d.proof(r, st, guard.FlowReset); err == nil {
		page.Render(w, status, o)
	}
	return err
}

// forgot takes the form of the page. The answer is the same whoever it is.
func (d *Door) forgot(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	f, err := d.forgotten(r, st)
	if err != nil {
		return err
	}
	email := text(r, ui.FieldEmail)
	if email == "" {
		return d.renderForgot(w, r, st, f, http.StatusBadRequest, "", ui.Problems{{Code: forgotMissing(f.conn), Field: ui.FieldEmail}})
	}
	byCode, again := pipeline.ResetsByCode(f.conn, email), false
	if byCode && r.PostForm.Has(fieldResend) { // the button for another code brings nothing along: somebody has asked for the one before
		if again, err = d.Pipeline.AwaitsResetCode(r.Context(), visit(r, st), f.conn, email); err != nil {
			return err
		}
	}
	if !again {
		if problems, err := d.human(r, st, guard.FlowReset); err != nil {
			return err
		} else if problems != nil {
			return d.renderForgot(w, r, st, f, http.StatusBadRequest, email, problems)
		}
	}
	if byCode {
		return d.askForgotCode(w, r, st, f, email)
	}
	if err := d.offerReset(r, st, f.conn, f.client, email, f.org, false); err != nil {
		return d.refuseForgot(w, r, st, f, email, err)
	}
	answer := ui.CheckMailPage{Frame: f.frame, Email: email, LoginURL: f.loginURL}
	if st.Tenant().Settings.Local.DevelopmentInbox {
		answer.InboxURL = inboxPath
	}
	page.Render(w, http.StatusOK, answer)
	return nil
}

// refuseForgot shows the page again with what kept a mail or a code from being sent, if people can understand it.
func (d *Door) refuseForgot(w http.ResponseWriter, r *http.Request, st *store.Store, f *forgotten, identifier string, err error) error {
	status, problems := codeProblem(err, "")
	if problems == nil {
		return err
	}
	return d.renderForgot(w, r, st, f, status, identifier, problems)
}

// forgotMissing is the problem of a form that says nobody. Who has a username may say their address only, as ever.
func forgotMissing(conn *stagedoor.Connection) string {
	if code := missingIdentifier(conn); code != "missing_identifier" {
		return code
	}
	return "missing_email"
}

// offerReset sends the mail to choose a new password, or a code, if there is such a user and the user has an address, or a telephone that gets it. It fails
// where too many were asked for, whether or not there is such a user.
func (d *Door) offerReset(r *http.Request, st *store.Store, conn *stagedoor.Connection, client *stagedoor.Client, identifier, org string, byCode bool) error {
	e := event(r, "scpr", conn, client)
	e.UserName = stagedoor.Clip(identifier, 254)
	if err := guard.Reset(r.Context(), st, r.RemoteAddr, connection.Counted(conn, identifier)); err != nil {
		if stagedoor.IsKind(err, stagedoor.TooMany) {
			e.Type, e.Description = "limit_mu", stagedoor.AsError(err).Message
			st.Log(e)
		}
		return err
	}
	issuer, lang := web.Issuer(r), page.MailLanguage(r)
	on, v := occasion(client, org), visit(r, st)
	d.later(r.Context(), st, func(ctx context.Context) error {
		u, err := d.Pipeline.Database.On(on).Find(ctx, st, conn, identifier)
		broken := connection.FromScript(err) != nil || stagedoor.IsKind(err, stagedoor.Scripted) // the tenant's business; a script that mails is another one
		sent := err == nil && u.Email != "" && connection.MaySend(conn, u, u.Email)
		if byCode && (err == nil || stagedoor.IsKind(err, stagedoor.NotFound)) {
			if err != nil {
				u = nil
			}
			if sent, err = d.Pipeline.SendResetCode(ctx, v, conn, client, org, identifier, u); u != nil {
				e.UserID = u.ID
			}
		}
		switch {
		case stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !sent:
			e.Type, e.Description, err = "fcpr", "There is no such user, or no address of theirs to which that may be sent.", nil
		case err == nil:
			if e.UserID = u.ID; !byCode {
				err = d.sendReset(ctx, st, u, client, issuer, lang, org)
			}
		}
		if broken {
			e.Type, e.Description, err = "fcpr", "The script of the connection failed: "+stagedoor.AsError(err).Message, nil
		} else if err != nil {
			e.Type, e.Description = "fcpr", "The mail could not be sent."
		}
		e.Details = consoleOf(on)
		st.Log(e)
		return err
	})
	return nil
}

// occasion is what the operations of a database take place in.
func occasion(client *stagedoor.Client, org string) *connection.Occasion {
	on := &connection.Occasion{Organization: org}
	if client != nil {
		on.ClientID = client.ID
	}
	return on
}

// consoleOf are the details of a log event: what scripts of the connection said.
func consoleOf(on *connection.Occasion) map[string]any {
	if len(on.Console) == 0 {
		return nil
	}
	return map[string]any{"console": on.Console}
}

// event is a log event with what a request tells.
func event(r *http.Request, kind string, conn *stagedoor.Connection, client *stagedoor.Client) stagedoor.LogEvent {
	e := web.LogEvent(r, stagedoor.LogEvent{Type: kind})
	if conn != nil {
		e.Connection, e.ConnID, e.Strategy = conn.Name, conn.ID, conn.Strategy
	}
	if client != nil {
		e.ClientID, e.ClientName = client.ID, client.Name
	}
	return e
}
