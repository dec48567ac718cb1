package oauth

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// logout ends the session and returns where the client or the tenant allows (Authentication API
// fact sheet 6.4). Refresh tokens live on.
func (d *Door) logout(w http.ResponseWriter, r *http.Request, st *store.Store) {
	q := r.URL.Query()
	client, allowed, err := logoutClient(r, st, q.Get("client_id"))
	s, ended := session.Live(r.Context(), st, session.Handle(r))
	if ended == nil { // whatever the parameters say
		ended = d.endSession(w, r, st, client, s)
	}
	if err == nil {
		err = ended
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	to := cmp.Or(q.Get("returnTo"), firstPlace(allowed))
	switch {
	case to == "":
		d.signedOut(w, r, st, client, s, q, "", "")
		return
	case !allowedReturn(to, allowed):
		page.Fail(w, r, st, invalid("The \"returnTo\" querystring parameter \"%s\" is not defined as a valid URL in \"Allowed Logout URLs\".", to), client)
		return
	}
	if client != nil && !client.Leads() { // whoever has this link opened, with a session or none
		d.signedOut(w, r, st, client, s, q, "", to)
		return
	}
	d.signedOut(w, r, st, client, s, q, to, "")
}

// firstPlace is the first of registered addresses that is a place to go to: one with a wildcard only tells which others are. "" if there is none.
func firstPlace(registered []string) string {
	if i := slices.IndexFunc(registered, func(to string) bool { return allowedReturn(to, registered) }); i >= 0 {
		return registered[i]
	}
	return ""
}

// signedOut sends somebody whose session has ended on to to, or shows the page that says so, with a link to link, where that is empty. With federated they
// sign out at their provider in between.
func (d *Door) signedOut(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, s *stagedoor.Session, params url.Values, to, link string) {
	if params.Has("federated") {
		v := visit(r, st)
		v.Browser = session.EnsureBrowser(w, r)
		elsewhere, err := d.Pipeline.SignOut(r.Context(), v, s, params, to)
		if err != nil {
			page.Fail(w, r, st, err, client)
			return
		}
		if elsewhere != "" {
			to = elsewhere
		}
	}
	if s != nil && len(s.Participants) > 0 {
		v := visit(r, st)
		v.Browser = session.EnsureBrowser(w, r)
		elsewhere, err := d.Pipeline.TellParticipants(r.Context(), v, s, "", stagedoor.SignOut{To: to})
		if err != nil {
			page.Fail(w, r, st, err, client)
			return
		}
		if elsewhere != "" {
			to = elsewhere
		}
	}
	if to == "" {
		page.Render(w, http.StatusOK, ui.LoggedOutPage{Frame: page.Frame(r, st, client), ReturnURL: link})
		return
	}
	noStore(w)
	redirect(w, to)
}

// backFromProvider goes on with the logout of somebody who has signed out at their provider too, or begins one that the provider asks for.
func (d *Door) backFromProvider(w http.ResponseWriter, r *http.Request, st *store.Store) {
	q := r.URL.Query()
	if q.Has("SAMLRequest") {
		d.loggedOut(w, r, st, connection.Message{Query: r.URL.RawQuery})
		return
	}
	to, err := d.Pipeline.SignedOut(r.Context(), visit(r, st), cmp.Or(q.Get("state"), q.Get("RelayState")))
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	d.signedOut(w, r, st, nil, nil, nil, to, "")
}

// maxLogout is the largest form that a provider has the browser post, in bytes.
const maxLogout = 512 << 10

// postedFromProvider is backFromProvider for providers that have the browser post. A form of another site comes without cookies: an answer to a
// request of ours goes on as an address.
func (d *Door) postedFromProvider(w http.ResponseWriter, r *http.Request, st *store.Store) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogout)
	if err := r.ParseForm(); err != nil {
		page.Fail(w, r, st, invalid("The form cannot be read."), nil)
		return
	}
	if r.PostForm.Has("SAMLRequest") {
		d.loggedOut(w, r, st, connection.Message{Form: r.PostForm})
		return
	}
	if !r.PostForm.Has("SAMLResponse") {
		page.Fail(w, r, st, invalid("The form has neither SAMLRequest nor SAMLResponse."), nil)
		return
	}
	noStore(w)
	http.Redirect(w, r, "/logout?"+url.Values{"RelayState": {r.PostForm.Get("RelayState")}}.Encode(), http.StatusSeeOther)
}

// loggedOut signs somebody out whose identity provider of SAML asks for it, and brings the browser past the clients of SAML and back there with our answer.
func (d *Door) loggedOut(w http.ResponseWriter, r *http.Request, st *store.Store, m connection.Message) {
	v := visit(r, st)
	if v.Session != "" {
		v.Browser = session.EnsureBrowser(w, r)
	}
	to, err := d.Pipeline.LoggedOut(r.Context(), v, m)
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	if to == "" {
		page.Render(w, http.StatusOK, ui.LoggedOutPage{Frame: page.Frame(r, st, nil)})
		return
	}
	noStore(w)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// logoutClient returns the client that a logout names, and where it may return to.
func logoutClient(r *http.Request, st *store.Store, id string) (*stagedoor.Client, []string, error) {
	if id == "" {
		return nil, st.Tenant().Settings.AllowedLogoutURLs, nil
	}
	c, err := st.Client(r.Context(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(c) {
		return nil, nil, invalid("Unknown client: %s", id)
	}
	if err != nil {
		return nil, nil, err
	}
	return c, c.AllowedLogoutURLs, nil
}

// endSession ends the browser's session; s is nil if it has none.
func (d *Door) endSession(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, s *stagedoor.Session) error {
	if s == nil {
		session.ClearCookie(w, r)
		return nil
	}
	var e stagedoor.LogEvent
	if client != nil {
		e.ClientID, e.ClientName = client.ID, client.Name
	}
	return session.SignOut(w, r, st, s, e)
}

// oidcLogout is RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0). Without a hint that fits the
// session the person is asked first, so that no other site can log them out, unless the tenant says not to.
func (d *Door) oidcLogout(w http.ResponseWriter, r *http.Request, st *store.Store) {
	params, err := authorizeParams(w, r)
	answered := false
	if err == nil && byFrontEnd(r) {
		answered, err = page.Submission(w, r, st)
		params = r.PostForm
	}
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	if answered {
		return
	}
	clientID, sid, err := d.logoutHint(r, st, params)
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	client, allowed, err := logoutClient(r, st, clientID)
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	to := params.Get("post_logout_redirect_uri")
	if to != "" && !slices.Contains(allowed, to) && !allowedURL(to, allowed) {
		page.Fail(w, r, st, invalid("The \"post_logout_redirect_uri\" querystring parameter \"%s\" is not defined as a valid URL in \"Allowed Logout URLs\".", to), client)
		return
	}
	s, err := session.Live(r.Context(), st, session.Handle(r))
	if err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	if s != nil && confirmed(r, s) && r.PostFormValue(ui.FieldDecision) == ui.Decline {
		if page.RenderOwn(w, http.StatusOK, ui.LogoutAbortedPage{LogoutPage: ui.LogoutPage{Frame: page.Frame(r, st, client)}}) {
			return
		}
		noStore(w)
		http.Redirect(w, r, "/", http.StatusSeeOther) // not to the client: it would take it for a logout
		return
	}
	if s != nil && s.ID != sid && !confirmed(r, s) && st.Tenant().Settings.AsksLogout() {
		d.askLogout(w, r, st, client, s, params)
		return
	}
	asked := s != nil && (s.ID == sid || confirmed(r, s)) // by who has this session: a hint of another one proves nothing, anybody can have their own
	if err := d.endSession(w, r, st, client, s); err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	if state := params.Get("state"); state != "" && to != "" {
		to = web.WithParameter(to, "state", state)
	}
	if client != nil && !client.Leads() && !asked {
		d.signedOut(w, r, st, client, s, params, "", to)
		return
	}
	d.signedOut(w, r, st, client, s, params, to, "")
}

// logoutHint reads id_token_hint, logout_hint and client_id, which must not contradict each
// other. An expired ID token is a good hint.
func (d *Door) logoutHint(r *http.Request, st *store.Store, params url.Values) (clientID, sid string, err error) {
	clientID, sid = params.Get("client_id"), params.Get("logout_hint")
	hint := params.Get("id_token_hint")
	if hint == "" {
		return clientID, sid, nil
	}
	claims, err := d.Minter.ParseHint(r.Context(), st, hint)
	if err != nil || !token.IsIssuer(st.Tenant(), claims.Issuer) || len(claims.Audience) != 1 {
		return "", "", invalid("The id_token_hint is not valid.")
	}
	if clientID != "" && clientID != claims.Audience[0] {
		return "", "", invalid("client_id and id_token_hint are not of the same client.")
	}
	own, _ := claims.Raw["sid"].(string)
	if sid != "" && sid != own {
		return "", "", invalid("logout_hint and id_token_hint are not of the same session.")
	}
	return claims.Audience[0], own, nil
}

// confirmed tells whether the form of askLogout was posted: it carries the session's id, which another
// site does not know, and comes from our own page.
func confirmed(r *http.Request, s *stagedoor.Session) bool {
	return r.Method == http.MethodPost && r.PostFormValue("confirm") == s.ID && http.NewCrossOriginProtection().Check(r) == nil
}

// byFrontEnd tells whether a front end of the tenant's own has posted its answer. What clients post has a state too, theirs, but no action, and comes from another site.
func byFrontEnd(r *http.Request) bool {
	return r.Method == http.MethodPost && r.PostForm.Has("action") && http.NewCrossOriginProtection().Check(r) == nil
}

func (d *Door) askLogout(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, s *stagedoor.Session, params url.Values) {
	form := ui.Form{Action: "/oidc/logout", Hidden: []ui.Field{{Name: "confirm", Value: s.ID}}}
	for _, name := range []string{"client_id", "id_token_hint", "logout_hint", "post_logout_redirect_uri", "state", "ui_locales", "federated"} {
		if params.Has(name) {
			form.Hidden = append(form.Hidden, ui.Field{Name: name, Value: params.Get(name)})
		}
	}
	user := ""
	if u, err := st.User(r.Context(), s.UserID); err == nil {
		user = u.Email
	}
	page.Render(w, http.StatusOK, ui.LogoutPage{Frame: page.Frame(r, st, client), Form: form, User: user})
}
