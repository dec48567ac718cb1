package login

import (
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/ui"
)

// paramConnection names the connection whose button was pressed.
const paramConnection = "connection"

// buttons are the ways to sign in by a provider.
func (p *prompt) buttons(r *http.Request, st *store.Store) ([]ui.ProviderButton, error) {
	choice, err := p.choose(r, st)
	if err != nil {
		return nil, err
	}
	all := choice.Buttons()
	var out []ui.ProviderButton
	for i := range all {
		c := &all[i]
		out = append(out, ui.ProviderButton{
			Name: connection.Title(c), Icon: c.Option("icon_url"), Mark: connection.Mark(c), URL: p.link("/u/login/with", paramConnection, c.Name),
			Strategy: c.Strategy, Social: c.IsSocial(),
		})
	}
	return out, nil
}

// leave sends the browser to a provider.
func (d *Door) leave(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	to, err := d.Pipeline.Leave(r.Context(), visit(r, st), r.URL.Query().Get("state"), r.URL.Query().Get(paramConnection), nil)
	if err != nil {
		return err
	}
	if to.Form != nil {
		return page.Post(w, r, st, template.URL(to.Address), to.Form, false) //nolint:gosec // http or https: see connection
	}
	redirect(w, r, to.Address)
	return nil
}

const (
	callbackPath = "/login/callback"
	maxAnswer    = 512 << 10 // bytes of a form that a provider has the browser post: an answer of SAML may hold many groups
	maxAt        = 1 << 10   // bytes of a query to which one is posted
)

var (
	answerFields = []string{"code", "iss", "error", "error_description"}   // what of a provider's answer is looked at
	formFields   = []string{"id_token", "user", "SAMLResponse", "wresult"} // further ones, of an answer by a form alone: in an address they would be seen
)

// arrive takes a browser that a provider sent back, and lets the login go on, or end with the provider's word.
func (d *Door) arrive(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if r.Method == http.MethodHead { // programs try links by it
		ui.SetHeaders(w.Header())
		return nil
	}
	q := r.URL.Query()
	came, err := d.Pipeline.Arrive(r.Context(), visit(r, st), q.Get("state"), answerOf(q, answerFields))
	if err != nil {
		return err
	}
	if came.Elsewhere != "" {
		redirect(w, r, came.Elsewhere)
		return nil
	}
	if came.Opened != nil {
		session.SetCookie(w, r, came.Opened.Handle, came.Opened.Session)
	}
	p := &prompt{tx: &stagedoor.Transaction{ID: came.ID}, frame: page.Frame(r, st, nil)}
	redirect(w, r, p.link("/authorize/resume"))
	return nil
}

// connectAccount sends somebody to the provider of an account that a program wants them to connect.
func (d *Door) connectAccount(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if r.Method == http.MethodHead { // programs try links by it, and the ticket works once
		ui.SetHeaders(w.Header())
		return nil
	}
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	to, err := d.Pipeline.LeaveToConnect(r.Context(), v, r.URL.Query().Get(paramTicket))
	if err != nil {
		return err
	}
	redirect(w, r, to)
	return nil
}

func answerOf(q url.Values, fields []string) map[string]string {
	values := map[string]string{}
	for _, name := range fields {
		if v := q.Get(name); v != "" {
			values[name] = v
		}
	}
	return values
}

// posted takes an answer that a provider has the browser post (form_post), keeps it, and lets the browser come by itself: a form of another
// site may come without cookies.
func (d *Door) posted(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != formType {
		return stagedoor.Errorf(stagedoor.UnsupportedMedia, "invalid_request", "The content type must be %s.", formType)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	if err := r.ParseForm(); err != nil {
		return invalid("invalid_request", "The form cannot be read.")
	}
	answer := strings.HasPrefix(strings.TrimSpace(r.PostForm.Get("wresult")), "<") // of a provider of WS-Federation; in the form of our own it is a ticket
	if r.PostForm.Get("wa") != "" && !answer && d.Posted != nil {                  // a form of our own, which a client's page sends
		d.Posted(w, r, st)
		return nil
	}
	state := r.PostForm.Get("state")
	if state == "" {
		state = r.PostForm.Get("RelayState")
	}
	if answer {
		state = r.PostForm.Get("wctx")
	}
	values := answerOf(r.PostForm, slices.Concat(answerFields, formFields))
	if at := r.URL.RawQuery; values["SAMLResponse"] != "" && len(at) <= maxAt {
		values[pipeline.AnsweredAt] = at
	}
	err := d.Pipeline.Posted(r.Context(), visit(r, st), state, values)
	if name := r.URL.Query().Get(paramConnection); stagedoor.HasCode(err, "lost_transaction") && name != "" && r.PostForm.Has("SAMLResponse") {
		return d.unasked(w, r, st, name)
	}
	if err != nil {
		return err
	}
	redirect(w, r, callbackPath+"?"+url.Values{"state": {state}}.Encode())
	return nil
}

// unasked takes somebody whom an identity provider sends though nobody asked, where the connection allows that, and begins a login at its client
// for them.
func (d *Door) unasked(w http.ResponseWriter, r *http.Request, st *store.Store, name string) error {
	opened, to, err := d.Pipeline.Unasked(r.Context(), visit(r, st), name, r.URL.Query().Get("organization"), &connection.Answer{SAMLResponse: r.PostForm.Get("SAMLResponse"), At: r.URL.RawQuery})
	if err != nil {
		return err
	}
	session.SetCookie(w, r, opened.Handle, opened.Session)
	redirect(w, r, to)
	return nil
}

// metadata tells an identity provider of SAML who we are to a connection.
func (d *Door) metadata(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	text, err := d.Pipeline.Metadata(r.Context(), visit(r, st), r.URL.Query().Get(paramConnection))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(text)
	return err
}
