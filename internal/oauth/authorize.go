package oauth

import (
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
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxForm bounds forms and queries that are read here, in bytes.
const maxForm = 64 << 10

// authorize begins a login (RFC 6749 section 3.1; Authentication API fact sheet 2).
func (d *Door) authorize(w http.ResponseWriter, r *http.Request, st *store.Store) {
	params, err := authorizeParams(w, r)
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	if err := d.described(r, st, params.Get("client_id")); err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	client, err := knownClient(r, st, params.Get("client_id"))
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	if d.fromLoginPage(w, r, st, client, params) {
		return
	}
	in, unread := d.asked(r, st, client, params)
	if unread != nil && in.params == nil {
		page.Fail(w, r, st, unread, client)
		return
	}
	req, err := d.trusted(r, st, client, in.params)
	if err != nil {
		page.Fail(w, r, st, firstOf(unread, err), client)
		return
	}
	req.Unseen = in.pushed || in.signed || r.Method == http.MethodPost
	// From here on the redirect URI is the client's own: every failure goes there.
	var api *stagedoor.ResourceServer
	if err = unread; err == nil {
		api, err = d.check(r, st, client, in, req)
	}
	if err != nil {
		logRefused(r, st, client, req, err)
		d.respondError(w, r, st, req, err)
		return
	}
	if req.Anonymous, err = d.visitor(r, st, client, in.params.Get(ticketParam)); err != nil {
		d.respondError(w, r, st, req, err)
		return
	}
	v := visit(r, st)
	if !req.HasPrompt("none") {
		v.Browser = session.EnsureBrowser(w, r)
		if req.UILocales != "" {
			page.ForgetLanguage(w, r)
		}
	}
	ticket := in.params.Get("login_ticket")
	if ticket == "" || !st.Tenant().Settings.Local.EmbeddedLogin {
		v.Transfer = pipeline.Transfer{Query: in.params.Get(transferParam), Cookie: session.TransferToken(r)}
		out, err := d.Pipeline.Begin(r.Context(), v, client, api, *req)
		d.answer(w, r, st, out, err)
		return
	}
	opened, out, err := d.Pipeline.BeginProved(r.Context(), v, client, api, *req, ticket)
	if opened != nil {
		session.SetCookie(w, r, opened.Handle, opened.Session)
	}
	if out == nil {
		page.Fail(w, r, st, err, client)
		return
	}
	d.answer(w, r, st, out, err)
}

// resume goes on after a page.
func (d *Door) resume(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.Pipeline.Continue(r.Context(), visit(r, st), r.URL.Query().Get("state"))
	if out == nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	d.answer(w, r, st, out, err)
}

// comeBack goes on with a login whose person comes back from another site, to which a rule or an action had sent them
// (extensibility fact sheet 1.13 and 3.8).
func (d *Door) comeBack(w http.ResponseWriter, r *http.Request, st *store.Store) {
	if err := readForm(w, r); err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	state := r.Form.Get("state") // that of a form goes before the address's
	if state == "" {
		page.Fail(w, r, st, missing("state"), nil)
		return
	}
	v := visit(r, st)
	v.Body = map[string]any{}
	for name, values := range r.PostForm {
		v.Body[name] = values[0]
	}
	out, err := d.Pipeline.Return(r.Context(), v, state, r.Method, r.URL.Query())
	if out == nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	d.answer(w, r, st, out, err)
}

// answer sends the browser to the next page, or the login's end to the client.
func (d *Door) answer(w http.ResponseWriter, r *http.Request, st *store.Store, out *pipeline.Outcome, err error) {
	if out.Transferred && session.TransferToken(r) != "" {
		session.ClearTransferToken(w, r)
	}
	if o := out.Opened; o != nil {
		session.SetCookie(w, r, o.Handle, o.Session)
	}
	if s := out.Recookie; s != nil {
		session.SetCookie(w, r, session.Handle(r), s)
	}
	if err != nil {
		d.respondError(w, r, st, &out.Request, err)
		return
	}
	if out.Page != "" {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, out.Page, http.StatusFound)
		return
	}
	if out.Ask == pipeline.AskRedirect {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, out.Elsewhere, http.StatusFound)
		return
	}
	if out.Ask != "" {
		next := "/u/" + out.Ask + "?state=" + url.QueryEscape(out.Transaction.ID)
		if locales := out.Request.UILocales; locales != "" {
			next += "&ui_locales=" + url.QueryEscape(locales)
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, next, http.StatusFound)
		return
	}
	if out.Request.Federation != nil {
		d.Finish(w, r, st, &out.Request, out, nil)
		return
	}
	if out.Request.Device != "" {
		d.grantDevice(w, r, st, out)
		return
	}
	params, err := d.issue(r.Context(), st, out)
	if stagedoor.HasCode(err, store.CodeAccessEnded) {
		err = stagedoor.Errorf(stagedoor.Forbidden, "login_required", "Login required")
	}
	if err != nil {
		d.respondError(w, r, st, &out.Request, err)
		return
	}
	d.respond(w, r, st, &out.Request, params)
}

// Answer is for doors of other protocols, whose logins go on by the same pages: it sends the browser there, or to Finish.
func (d *Door) Answer(w http.ResponseWriter, r *http.Request, st *store.Store, out *pipeline.Outcome, err error) {
	d.answer(w, r, st, out, err)
}

// CheckShared is for them too: it checks what requests of all protocols may name, an organization and a connection.
func (d *Door) CheckShared(r *http.Request, st *store.Store, client *stagedoor.Client, params url.Values, req *stagedoor.AuthorizationRequest) error {
	if err := checkOrganization(r.Context(), st, client, params, req); err != nil {
		return err
	}
	if asksOrganization(client, req) {
		return nil // its connections count, and it is not known yet
	}
	_, err := connection.ForRequest(r.Context(), st, req)
	return err
}

// authorizeParams reads the query or the form. A parameter that comes twice makes the request
// invalid (RFC 6749 section 3.1).
func authorizeParams(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := readForm(w, r); err != nil {
		return nil, err
	}
	for name, values := range r.Form {
		if len(values) > 1 && knownParams[name] {
			return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Duplicate parameter: %s", name)
		}
		if values[0] == "" && knownParams[name] { // as if it had been left out
			delete(r.Form, name)
		}
	}
	return r.Form, nil
}

var knownParams = map[string]bool{
	"client_id": true, "response_type": true, "response_mode": true, "redirect_uri": true, "scope": true, "audience": true,
	"state": true, "nonce": true, "code_challenge": true, "code_challenge_method": true, "prompt": true, "max_age": true,
	"connection": true, "organization": true, "invitation": true, "request": true, "request_uri": true, "login_hint": true, "id_token_hint": true,
	"acr_values": true, "ui_locales": true, "claims_locales": true, "display": true, "claims": true, "registration": true, "screen_hint": true, "dpop_jkt": true,
	"authorization_details": true, "login_ticket": true, transferParam: true, ticketParam: true, "realm": true, "post_logout_redirect_uri": true, "logout_hint": true,
}

// firstOf returns the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// knownClient returns the client that a request names.
func knownClient(r *http.Request, st *store.Store, id string) (*stagedoor.Client, error) {
	if id == "" {
		return nil, missing("client_id")
	}
	client, err := st.Client(r.Context(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (client.Global || !st.Tenant().Serves(client)) {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unknown client: %s", cut(id))
	}
	if err != nil {
		return nil, err
	}
	web.EventOf(r.Context()).SetClient(client.ID)
	return client, nil
}

// trusted finds out where to the answer is: as long as that is not certain, errors are shown on a page and never sent by a redirect.
func (d *Door) trusted(r *http.Request, st *store.Store, client *stagedoor.Client, params url.Values) (*stagedoor.AuthorizationRequest, error) {
	at, err := atOrganization(r.Context(), st, client, params.Get("organization"))
	if err != nil {
		return nil, err
	}
	req := &stagedoor.AuthorizationRequest{
		ClientID: client.ID, RedirectURI: params.Get("redirect_uri"), RedirectGiven: params.Has("redirect_uri"),
		State: params.Get("state"), Issuer: web.Issuer(r), Query: withoutSecrets(params),
	}
	if i := slices.IndexFunc(at.Callbacks, func(s string) bool { return !strings.Contains(s, "*") }); !req.RedirectGiven && i >= 0 {
		req.RedirectURI = at.Callbacks[i]
	}
	if !allowedURL(req.RedirectURI, at.Callbacks) && !echoes(client, req.RedirectURI, params, at.Callbacks) && !st.Tenant().Settings.ComesBackToAccount(client.ID, req.RedirectURI, req.Issuer) {
		e := stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs.")
		e.Extra = map[string]any{"hint": "Add " + req.RedirectURI + " to the Allowed Callback URLs of this client, exactly as it is sent."}
		return nil, e
	}
	req.ResponseType = sortedWords(params.Get("response_type"))
	req.ResponseMode = responseMode(params.Get("response_mode"), req.ResponseType)
	if req.ResponseMode == "web_message" && !originAllowed(at, originOf(req.RedirectURI)) {
		e := stagedoor.Errorf(stagedoor.Forbidden, "invalid_request", "The origin of the redirect_uri is not in the list of allowed web origins.")
		e.Extra = map[string]any{"hint": "Add " + originOf(req.RedirectURI) + " to the Allowed Web Origins of this client."}
		return nil, e
	}
	return req, nil
}

// withoutSecrets is the query as scripts may see it and the database may hold it.
func withoutSecrets(params url.Values) map[string][]string {
	out := map[string][]string{}
	for name, values := range params {
		switch name {
		case "client_secret", "password", "id_token_hint", "login_ticket", transferParam, ticketParam, anonymousHeader, "access_token", "refresh_token", "code", "verification_code", "invitation", "request", "client_assertion": // a login under way is stored with it
		default:
			out[name] = values
		}
	}
	return out
}

// distinct keeps the first of equal words.
func distinct(words []string) []string {
	out := []string{}
	for _, s := range words {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func sortedWords(s string) string {
	all := stagedoor.Words(s)
	slices.Sort(all)
	return joined(slices.Compact(all))
}

var responseModes = []string{"query", "fragment", "form_post", "web_message"}

// responseMode returns the mode that was asked for, or the default of the response type. Tokens never
// go into a query.
func responseMode(asked, responseType string) string {
	front := strings.Contains(responseType, "token")
	if slices.Contains(responseModes, asked) && !(asked == "query" && front) {
		return asked
	}
	if front {
		return "fragment"
	}
	return "query"
}

// responseTypes are the supported ones with the grant types that a client needs for them.
var responseTypes = map[string][]string{
	"code": {"authorization_code"}, "token": {"implicit"}, "id_token": {"implicit"}, "id_token token": {"implicit"},
	"code token": {"authorization_code", "implicit"}, "code id_token": {"authorization_code", "implicit"},
	"code id_token token": {"authorization_code", "implicit"},
}

func logRefused(r *http.Request, st *store.Store, client *stagedoor.Client, req *stagedoor.AuthorizationRequest, err error) {
	e := web.LogEvent(r, stagedoor.LogEvent{Type: "f", ClientID: client.ID, ClientName: client.Name, Audience: req.Audience})
	if slices.Contains(stagedoor.Words(strings.Join(req.Query["prompt"], " ")), "none") {
		e.Type = "fsa"
	}
	pipeline.Denied(&e, err)
	e.Description, e.Audience = cut(stagedoor.AsError(err).Message), cut(e.Audience)
	e.Details = map[string]any{"error": map[string]any{"message": e.Description, "oauthError": stagedoor.AsError(err).Code}}
	st.Log(e)
}
