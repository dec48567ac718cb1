package oauth

import (
	"html/template"
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// What a login page of the tenant's own sends (Authentication API fact sheets 2.5 and 6.15). It stands on our own origin and names the login under way by
// the state that it was given; the login goes on only in the browser that began it, which no other page can ask for. What the client had asked for is
// that login's: whatever the page sends of it again counts for nothing.

// isOurs tells whether a request comes from a page of our own origin.
func isOurs(r *http.Request) bool { return r.Header.Get("Origin")+"/" == web.Issuer(r) }

// ownLogin returns the login under way that a request names; nil if it names none of this client and this browser, or one that our own page is shown for: what that page
// asks for, an action looks at, or an organization wants, cannot be left out here.
func (d *Door) ownLogin(r *http.Request, st *store.Store, get func(string) string) (*stagedoor.Transaction, error) {
	if get("state") == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	tx, err := d.Pipeline.OwnLogin(r.Context(), visit(r, st), get("state"), get("client_id"), get("_csrf"))
	if stagedoor.HasCode(err, "lost_transaction") {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, err
	}
	client, err := st.Client(r.Context(), tx.Request.ClientID)
	if err != nil {
		return nil, err
	}
	html, err := page.LoginPage(r.Context(), st, client)
	if err != nil || html == "" || tx.Request.Organization != "" {
		return nil, err
	}
	return tx, nil
}

// ownPasswordForm proves the person of a login under way; it answers the form that brings the browser back to it.
func (d *Door) ownPasswordForm(r *http.Request, st *store.Store, tx *stagedoor.Transaction, params map[string]string, event *stagedoor.LogEvent) ([]byte, error) {
	for _, name := range []string{"connection", "username", "password"} {
		if params[name] == "" {
			return nil, missing(name)
		}
	}
	conn, err := d.Pipeline.OwnConnection(r.Context(), visit(r, st), tx, params["connection"])
	if err == nil && !(conn.ForLogin() && conn.Passwords()) {
		err = connection.ErrNoPassword()
	}
	if err != nil {
		return nil, err
	}
	captcha := func(string) string { return params[paramCaptcha] }
	ticket, err := d.Pipeline.OwnTicket(r.Context(), visit(r, st), tx, conn, params["username"], params["password"], captcha, event)
	if stagedoor.HasCode(err, "requires_verification") { // the name by which libraries know it
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_captcha", "The captcha is wrong or missing.")
	}
	if err != nil {
		return nil, err
	}
	return formOf(r, ticket, map[string]string{"client_id": tx.Request.ClientID, "state": params["state"]})
}

// redeemTicket lets a login under way go on with a ticket.
func (d *Door) redeemTicket(w http.ResponseWriter, r *http.Request, st *store.Store, tx *stagedoor.Transaction, ticket string) error {
	opened, err := d.Pipeline.Redeem(r.Context(), visit(r, st), tx, ticket)
	if err != nil {
		return err
	}
	session.SetCookie(w, r, opened.Handle, opened.Session)
	seeOther(w, r, "/authorize/resume", "state", tx.ID)
	return nil
}

// seeOther sends the browser to a page of a login. Nothing on the way is kept: addresses hold handles.
func seeOther(w http.ResponseWriter, r *http.Request, path string, params ...string) {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, path+"?"+q.Encode(), http.StatusSeeOther)
}

// fromLoginPage takes requests to /authorize that such a page makes, to go to a provider or with a ticket, and tells whether this is one. Others are not
// looked up: a page of ours sends the members of its settings along, or the browser says where it comes from.
func (d *Door) fromLoginPage(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, params url.Values) bool {
	marked := params.Has("_intstate") || params.Has("_csrf")
	if !marked && r.Header.Get("Sec-Fetch-Site") != "same-origin" || params.Get("prompt") == "none" {
		return false
	}
	tx, err := d.ownLogin(r, st, params.Get)
	if err == nil && tx == nil {
		return false
	}
	if err == nil {
		err = d.onward(w, r, st, tx, params)
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
	}
	return true
}

// passedOn are the parameters of such a request that providers may see.
var passedOn = []string{"connection_scope", "login_hint", "access_type", "approval_prompt", "prompt", "display"}

// onward sends a login under way where its page wants it.
func (d *Door) onward(w http.ResponseWriter, r *http.Request, st *store.Store, tx *stagedoor.Transaction, params url.Values) error {
	if ticket := params.Get("login_ticket"); ticket != "" {
		err := d.redeemTicket(w, r, st, tx, ticket)
		if stagedoor.HasCode(err, "lost_transaction") { // the page asks again
			seeOther(w, r, "/u/login", "state", tx.ID)
			return nil
		}
		return err
	}
	name := params.Get("connection")
	if name == "" {
		seeOther(w, r, "/u/login", "state", tx.ID)
		return nil
	}
	v := visit(r, st)
	conn, err := d.Pipeline.OwnConnection(r.Context(), v, tx, name)
	switch {
	case err != nil:
		return err
	case conn.SendsCodes():
		seeOther(w, r, "/u/login/passwordless", "state", tx.ID, "connection", conn.Name)
		return nil
	case !conn.Redirects():
		seeOther(w, r, "/u/login", "state", tx.ID)
		return nil
	}
	more := map[string]string{}
	for _, name := range passedOn {
		if value := params.Get(name); value != "" {
			more[name] = value
		}
	}
	to, err := d.Pipeline.Leave(r.Context(), v, tx.ID, conn.Name, more)
	if err != nil {
		return err
	}
	if to.Form != nil {
		return page.Post(w, r, st, template.URL(to.Address), to.Form, false) //nolint:gosec // http or https: see connection
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to.Address, http.StatusSeeOther)
	return nil
}

// ownCode lets a login under way go on with a code that its page was given, or with a link that it had sent.
func (d *Door) ownCode(w http.ResponseWriter, r *http.Request, st *store.Store, tx *stagedoor.Transaction, conn *stagedoor.Connection, address, code string) error {
	v := visit(r, st)
	if _, err := d.Pipeline.OwnConnection(r.Context(), v, tx, conn.Name); err != nil {
		return err
	}
	opened, err := d.Pipeline.EnterCode(r.Context(), v, tx, conn, address, code)
	if err != nil {
		return err
	}
	session.SetCookie(w, r, opened.Handle, opened.Session)
	seeOther(w, r, "/authorize/resume", "state", tx.ID)
	return nil
}

// ownCodeClient is the client for which a login page of the tenant's own has a code sent; nil where the request is of another kind. The page has no secret of
// the client's, which is not asked for: it is our own page.
func (d *Door) ownCodeClient(r *http.Request, st *store.Store, params, authParams map[string]string) (*stagedoor.Client, error) {
	if !isOurs(r) || params["client_secret"] != "" || params["client_assertion"] != "" {
		return nil, nil //nolint:nilnil // there is none
	}
	tx, err := d.ownLogin(r, st, func(name string) string {
		if name == "client_id" {
			return params[name]
		}
		return authParams[name]
	})
	if tx == nil || err != nil {
		return nil, err
	}
	return knownClient(r, st, tx.Request.ClientID)
}
