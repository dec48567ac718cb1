package login

import (
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// fieldNonce is the hidden field that binds a form to its login and step.
const fieldNonce = "nonce"

// visit is the request as the pipeline needs it.
func visit(r *http.Request, st *store.Store) pipeline.Visit {
	return pipeline.VisitOf(r, st, page.Language(r, st))
}

// prompt is a login under way that waits for a page.
type prompt struct {
	tx     *stagedoor.Transaction
	client *stagedoor.Client
	org    *stagedoor.Organization // nil: the login is for none
	choice *connection.Choice      // read when it is needed, once
	frame  ui.Frame
	mailed bool // see [pipeline.Pipeline.Mailed]; where somebody may sign up
}

// prompt finds the login that a page belongs to.
func (d *Door) prompt(r *http.Request, st *store.Store, step string) (*prompt, error) {
	tx, err := d.Pipeline.Page(r.Context(), visit(r, st), r.URL.Query().Get("state"), step)
	if err != nil {
		return nil, err
	}
	client, err := st.Client(r.Context(), tx.Request.ClientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) && tx.Reset != nil {
		client, err = nil, nil
	}
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && client != nil && !st.Tenant().Serves(client) {
		return nil, invalid("invalid_request", "Unknown client: %s", tx.Request.ClientID)
	}
	if err != nil {
		return nil, err
	}
	if client != nil {
		web.EventOf(r.Context()).SetClient(client.ID)
	}
	p := &prompt{tx: tx, client: client, frame: page.Frame(r, st, client)}
	if client != nil && client.Unchecked() && client.Host() == "" {
		p.frame.From = whereTo(tx.Request.RedirectURI)
	}
	if p.frame.Custom != nil {
		p.frame.Custom.Request, p.frame.Custom.Resets = &tx.Request, tx.Reset != nil
	}
	if id := tx.Request.Organization; id != "" {
		p.org, err = st.Organization(r.Context(), id)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			err = d.over(r, st, p, pipeline.ErrOrganization(id))
		}
		if err != nil {
			return nil, err
		}
		p.frame = page.ForOrganization(p.frame, p.org)
	}
	if p.frame.Template != "" && p.frame.Custom != nil && tx.UserID != "" && !proves[step] {
		if p.frame.Custom.User, err = st.User(r.Context(), tx.UserID); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// over is the error of a page whose login cannot go on, because what it is for, or by, was taken away since it began.
type over struct{ to string }

func (o *over) Error() string { return "login: the client is to be told that the login is over" }

// over ends a login at whose page nothing can be done any more: its client is told why, as it would have been at the beginning. A reset has no client that
// waits for it.
func (d *Door) over(r *http.Request, st *store.Store, p *prompt, why error) error {
	if p.tx.Reset != nil {
		return why
	}
	if err := d.Pipeline.Refuse(r.Context(), visit(r, st), p.tx, why); err != nil {
		return err
	}
	return &over{p.link("/authorize/resume")}
}

// proves are the steps at which people are still to prove who they are: a page template learns nothing about them there.
var proves = map[string]bool{pipeline.AskLogin: true, pipeline.AskFactor: true, pipeline.AskDuo: true}

// loginPrompt finds the login that waits for its person, and where it looks for them.
func (d *Door) loginPrompt(r *http.Request, st *store.Store) (*prompt, *stagedoor.Connection, error) {
	p, err := d.prompt(r, st, pipeline.AskLogin)
	if err != nil {
		return nil, nil, err
	}
	conn, err := p.connection(r, st)
	if stagedoor.IsKind(err, stagedoor.Invalid) {
		err = d.over(r, st, p, err)
	}
	if err != nil {
		return nil, nil, err
	}
	if p.mailed, err = d.Pipeline.Mailed(r.Context(), visit(r, st), p.tx); err != nil {
		return nil, nil, err
	}
	may, err := pipeline.Signup(r.Context(), st, &p.tx.Request, conn)
	shown := *conn
	shown.Options.DisableSignup = !may || !conn.ForLogin()
	if p.frame.Custom != nil {
		p.frame.Custom.Connection = &shown
	}
	return p, &shown, err
}

// organization is what pages call the organization that the login is for; empty if it is for none.
func (p *prompt) organization() string {
	if p.org == nil {
		return ""
	}
	return p.org.Title()
}

// connection is where the login looks for its person.
func (p *prompt) connection(r *http.Request, st *store.Store) (*stagedoor.Connection, error) {
	choice, err := p.choose(r, st)
	if err != nil {
		return nil, err
	}
	return choice.First()
}

// choose are the connections by which the person may sign in. They are read once for each page.
func (p *prompt) choose(r *http.Request, st *store.Store) (*connection.Choice, error) {
	if p.choice == nil {
		choice, err := connection.Choose(r.Context(), st, &p.tx.Request)
		if err != nil {
			return nil, err
		}
		p.choice = choice
	}
	return p.choice, nil
}

// link is the address of another page of the same login. Further parameters are pairs of name and value.
func (p *prompt) link(path string, params ...string) string {
	q := url.Values{"state": {p.tx.ID}}
	if locales := p.tx.Request.UILocales; locales != "" {
		q.Set("ui_locales", locales)
	}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return path + "?" + q.Encode()
}

// form is a form of a page of this login.
func (p *prompt) form(path string) ui.Form {
	return ui.Form{Action: p.link(path), Hidden: []ui.Field{{Name: fieldNonce, Value: p.tx.Nonce}}}
}

// goOn sends the browser back to the login, or to the page for a new password, with its session if it has a new one.
func (p *prompt) goOn(w http.ResponseWriter, r *http.Request, opened *pipeline.Opened) {
	if opened != nil {
		session.SetCookie(w, r, opened.Handle, opened.Session)
	}
	if p.tx.Reset != nil {
		redirect(w, r, p.link(resetPath))
		return
	}
	redirect(w, r, p.link("/authorize/resume"))
}

// redirect sends the browser on with a GET. Nothing on the way is kept: addresses hold handles.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
