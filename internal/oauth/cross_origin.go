package oauth

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Clients whose own pages ask for the password (Authentication API fact sheets 6.12 and 6.15). The tenant must allow it, and the client; what comes of it
// is a ticket that is good for one login of this client in this browser.

// credentialTypes are those of /co/authenticate and what each comes with.
var credentialTypes = map[string]string{
	"password": "password",
	"http://auth0.com/oauth/grant-type/password-realm":   "password",
	"http://auth0.com/oauth/grant-type/passwordless/otp": "otp",
}

// coAuthenticate proves a person for a page of the client's.
func (d *Door) coAuthenticate(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "fcoa"})
	params, err := readParams(w, r)
	var client *stagedoor.Client
	if err == nil {
		client, err = d.ownForm(w, r, st, params, &event, true)
	}
	if client == nil && err == nil {
		return
	}
	var out map[string]string
	if err == nil {
		out, err = d.crossOrigin(w, r, st, client, params, &event)
	}
	if err == nil {
		event.Type = "scoa"
	}
	logToken(st, &event, err)
	if err != nil {
		answerError(w, r, coError(err))
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

// ownForm returns the client of a request of a client's own form. A page that is not the client's gets a plain 403, and nothing is returned.
func (d *Door) ownForm(w http.ResponseWriter, r *http.Request, st *store.Store, params map[string]string, event *stagedoor.LogEvent, cookies bool) (*stagedoor.Client, error) {
	event.ClientID = params["client_id"]
	client, err := knownClient(r, st, params["client_id"])
	if err != nil {
		return nil, err
	}
	event.ClientName = client.Name
	if origin := r.Header.Get("Origin"); !fromClient(r, client) {
		event.Type = "fco"
		event.Description = "Origin " + cut(origin) + " is not allowed."
		st.Log(*event)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(event.Description))
		return nil, nil //nolint:nilnil // it is answered
	}
	allowOwn(w, r, cookies)
	if !st.Tenant().Settings.Local.EmbeddedLogin || !client.CrossOriginLogin() {
		return client, stagedoor.Errorf(stagedoor.Unauthorized, "unauthorized_client", "Cross origin login not allowed.")
	}
	return client, nil
}

// fromClient tells whether a request comes from a page of the client's, or from one of ours. Browsers say so in Origin, which no page can choose; a request
// without one is no page's, and gains nothing that a login page would not give.
func fromClient(r *http.Request, c *stagedoor.Client) bool {
	return isPage(r, c, r.Header.Get("Origin"))
}

// isPage tells whether an origin is one of the client's, or ours.
func isPage(r *http.Request, c *stagedoor.Client, origin string) bool {
	return origin != "" && (web.LivesAt(c, origin) || origin+"/" == web.Issuer(r))
}

// ownPage tells whether a request that names no client comes from a page of one that may ask for passwords, and that may have what is asked for. Whoever
// comes has all clients read: only where the tenant lets any of them.
func ownPage(r *http.Request, st *store.Store, may func(*stagedoor.Client) bool) (bool, error) {
	if !st.Tenant().Settings.Local.EmbeddedLogin || r.Header.Get("Origin") == "" {
		return false, nil
	}
	all, err := st.Clients(r.Context())
	return slices.ContainsFunc(all, func(c stagedoor.Client) bool { return c.CrossOriginLogin() && fromClient(r, &c) && may(&c) }), err
}

// allowOwn lets the page read the answer.
func allowOwn(w http.ResponseWriter, r *http.Request, cookies bool) {
	h := w.Header()
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	if cookies {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflightOwn answers what browsers ask before they let a page send: pages of clients that may ask for passwords. The client's own name does not come along yet.
func (d *Door) preflightOwn(w http.ResponseWriter, r *http.Request, st *store.Store) {
	known, err := ownPage(r, st, func(*stagedoor.Client) bool { return true })
	if err != nil {
		answerError(w, r, err)
		return
	}
	answerPreflight(w, r, known)
}

// answerPreflight lets a page send that is known.
func answerPreflight(w http.ResponseWriter, r *http.Request, known bool) {
	if known {
		allowOwn(w, r, true)
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Auth0-Client")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) crossOrigin(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, params map[string]string, event *stagedoor.LogEvent) (map[string]string, error) {
	secret, known := credentialTypes[params["credential_type"]]
	if !known {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "unsupported_credential_type", "Unknown credential type parameter.")
	}
	names := []string{"client_id", "credential_type", "username", secret}
	if params["credential_type"] != "password" {
		names = append(names, "realm")
	}
	for _, name := range names {
		if params[name] == "" {
			return nil, invalid("Invalid request body. All and only of %s are required.", strings.Join(names, ", "))
		}
	}
	realm := params["realm"]
	if realm == "" {
		realm = st.Tenant().Settings.DefaultDirectory
	}
	conn, err := connection.ForClient(r.Context(), st, client.ID, realm)
	if realm == "" || stagedoor.IsKind(err, stagedoor.Invalid) || err == nil && !(secret == "otp" && conn.SendsCodes() || secret == "password" && conn.ForLogin() && conn.Passwords()) {
		return nil, invalid("Unknown realm %s.", cut(realm))
	}
	if err != nil {
		return nil, err
	}
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	ticket, err := d.Pipeline.Ticket(r.Context(), v, client, conn, params["username"], params[secret], event)
	if err != nil {
		return nil, err
	}
	return map[string]string{"login_ticket": ticket, "co_verifier": stagedoor.NewToken(), "co_id": stagedoor.NewToken()[:12]}, nil
}

// coError is an error in the words of /co/authenticate.
func coError(err error) error {
	e := stagedoor.AsError(err)
	switch {
	case e.Code == "invalid_grant":
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "%s", e.Message)
	case e.Code == "unauthorized" && e.Message == "user is blocked":
		return stagedoor.Errorf(stagedoor.Forbidden, "blocked_user", "Blocked user")
	}
	return err
}

// wsForm is what /usernamepassword/login answers: the client's page puts it into itself and sends it, and with it the browser, to /login/callback.
var wsForm = template.Must(template.New("wsform").Parse(`<form method="post" name="hiddenform" action="{{.Action}}">
    <input type="hidden" name="wa" value="wsignin1.0">
    <input type="hidden" name="wresult" value="{{.Result}}">
    <input type="hidden" name="wctx" value="{{.Context}}">
    <noscript>
        <p>Script is disabled. Click Submit to continue.</p>
        <input type="submit" value="Submit">
    </noscript>
</form>
`))

// passwordLogin proves a person for a page of the client's that goes on with a form.
func (d *Door) passwordLogin(w http.ResponseWriter, r *http.Request, st *store.Store) {
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "f"})
	params, err := readParams(w, r)
	var tx *stagedoor.Transaction
	if err == nil && isOurs(r) {
		tx, err = d.ownLogin(r, st, func(name string) string { return params[name] })
	}
	var client *stagedoor.Client
	if err == nil && tx != nil {
		client, err = knownClient(r, st, tx.Request.ClientID)
	} else if err == nil {
		client, err = d.ownForm(w, r, st, params, &event, false)
		if client == nil && err == nil {
			return
		}
		if isOurs(r) && stagedoor.HasCode(err, "unauthorized_client") { // the name by which libraries know that a page has to be loaded anew
			err = stagedoor.Errorf(stagedoor.Invalid, "session_missing", "There is no such login under way. Load the page again.")
		}
	}
	var page []byte
	switch {
	case err != nil:
	case tx != nil:
		event.ClientID, event.ClientName = client.ID, client.Name
		page, err = d.ownPasswordForm(r, st, tx, params, &event)
	default:
		page, err = d.passwordForm(r, st, client, params, &event)
	}
	if err != nil {
		if client == nil || event.Connection == "" { // what comes later is logged where it happens
			logToken(st, &event, err)
		}
		answerDatabaseError(w, r, err)
		return
	}
	noStore(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	w.Write(page)
}

func (d *Door) passwordForm(r *http.Request, st *store.Store, client *stagedoor.Client, params map[string]string, event *stagedoor.LogEvent) ([]byte, error) {
	for _, name := range []string{"connection", "username", "password"} {
		if params[name] == "" {
			return nil, missing(name)
		}
	}
	conn, err := forPasswords(r.Context(), st, client, params["connection"])
	if err != nil {
		return nil, err
	}
	ticket, err := d.Pipeline.Ticket(r.Context(), visit(r, st), client, conn, params["username"], params["password"], event)
	if err != nil {
		return nil, err
	}
	request := map[string]string{}
	for name, value := range params {
		switch name {
		case "username", "password", "tenant", "_csrf", "_intstate", "sso", "popup":
		default:
			request[name] = value
		}
	}
	return formOf(r, ticket, request)
}

// formOf is the form that brings the browser on with a ticket.
func formOf(r *http.Request, ticket string, request map[string]string) ([]byte, error) {
	wctx, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = wsForm.Execute(&b, map[string]string{"Action": web.Issuer(r) + "login/callback", "Result": ticket, "Context": string(wctx)})
	return b.Bytes(), err
}

// answerDatabaseError is an error in the words of these endpoints: name, code, description.
func answerDatabaseError(w http.ResponseWriter, r *http.Request, err error) {
	e := stagedoor.AsError(err)
	status, known := statuses[e.Kind]
	if !known || e.Kind == stagedoor.Unavailable {
		answerError(w, r, err)
		return
	}
	name, code := "ValidationError", e.Code
	if code == "invalid_grant" {
		status, code = http.StatusUnauthorized, "invalid_user_password"
	}
	noStore(w)
	web.RetryAfter(w.Header(), err)
	web.WriteJSON(w, status, map[string]any{"name": name, "code": code, "description": e.Message, "statusCode": status})
}

// PostedLogin takes the form of passwordLogin: it binds the ticket to this browser, which a page of the client's or of ours sent here, and goes on with the login.
func (d *Door) PostedLogin(w http.ResponseWriter, r *http.Request, st *store.Store) {
	var request map[string]string
	if readForm(w, r) != nil || r.PostForm.Get("wa") != "wsignin1.0" || json.Unmarshal([]byte(r.PostForm.Get("wctx")), &request) != nil {
		page.Fail(w, r, st, invalid("The form cannot be read."), nil)
		return
	}
	client, err := knownClient(r, st, request["client_id"])
	var tx *stagedoor.Transaction
	if err == nil && isOurs(r) {
		tx, err = d.Pipeline.OwnLogin(r.Context(), visit(r, st), request["state"], client.ID, "")
		if stagedoor.HasCode(err, "lost_transaction") && st.Tenant().Settings.Local.EmbeddedLogin { // it may be a form of the other kind
			err = nil
		}
	}
	if err == nil && tx != nil {
		err = d.redeemTicket(w, r, st, tx, r.PostForm.Get("wresult"))
		if err == nil {
			return
		}
	}
	if err == nil && (!st.Tenant().Settings.Local.EmbeddedLogin || !fromClient(r, client)) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Cross origin login not allowed.")
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	v := visit(r, st)
	v.Browser = session.EnsureBrowser(w, r)
	ticket, err := d.Pipeline.MoveTicket(r.Context(), v, r.PostForm.Get("wresult"), client.ID)
	if err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	q := url.Values{}
	for name, value := range request {
		q.Set(name, value)
	}
	q.Set("login_ticket", ticket)
	noStore(w)
	http.Redirect(w, r, "/authorize?"+q.Encode(), http.StatusSeeOther)
}

// ssoData tells pages of clients of the old kind whether somebody is signed in (Authentication API fact sheet 6.15).
func (d *Door) ssoData(w http.ResponseWriter, r *http.Request, st *store.Store) {
	known, err := ownPage(r, st, func(c *stagedoor.Client) bool { return !c.OIDCConformant })
	if err != nil {
		answerError(w, r, err)
		return
	}
	out := map[string]any{"sso": false}
	if known {
		allowOwn(w, r, true)
		s, err := session.Live(r.Context(), st, session.Handle(r))
		var u *stagedoor.User
		if err == nil && s != nil {
			u, err = st.User(r.Context(), s.UserID)
		}
		if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
			answerError(w, r, err)
			return
		}
		if u != nil {
			out = map[string]any{
				"sso": true, "lastUsedUserID": u.ID, "lastUsedUsername": u.Email, "sessionClients": s.Clients,
				"lastUsedConnection": map[string]string{"strategy": s.Strategy, "name": s.Connection},
			}
			if n := len(s.Clients); n > 0 {
				out["lastUsedClientID"] = s.Clients[n-1]
			}
		}
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}
