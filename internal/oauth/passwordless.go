package oauth

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// The endpoints by which people sign in with a code or a link instead of a password (Authentication API fact sheet 6.9).
const (
	passwordlessStart  = "/passwordless/start"
	passwordlessVerify = "/passwordless/verify"
	passwordlessLink   = "/passwordless/verify_redirect"
)

// grantPasswordless redeems a code that was sent to somebody (Authentication API fact sheet 4.7).
const grantPasswordless = "http://auth0.com/oauth/grant-type/passwordless/otp"

// paramPhone is where the wire has the number of a code.
const paramPhone = "phone_number"

// startCode sends a code or a link.
func (d *Door) startCode(w http.ResponseWriter, r *http.Request, st *store.Store) {
	out, err := d.sendCode(r, w, st)
	if err != nil {
		refuse(w, r, st, err)
		return
	}
	noStore(w)
	web.WriteJSON(w, http.StatusOK, out)
}

func (d *Door) sendCode(r *http.Request, w http.ResponseWriter, st *store.Store) (map[string]any, error) {
	params, authParams, err := startParams(w, r)
	if err != nil {
		return nil, err
	}
	client, err := d.ownCodeClient(r, st, params, authParams)
	own := client != nil // where its login ends is settled
	if !own && err == nil {
		client, err = codeClient(r, st, params)
	}
	if err != nil {
		return nil, err
	}
	conn, err := codeConnection(r.Context(), st, client, params["connection"])
	if err != nil {
		return nil, err
	}
	wish := pipeline.CodeWish{
		Client: client, Connection: conn, Address: params["email"], Organization: authParams["organization"],
		Link: conn.Strategy == stagedoor.StrategyEmail && !strings.HasPrefix(params["send"], "code"),
	}
	if conn.Strategy == stagedoor.StrategySMS {
		wish.Address = params[paramPhone]
	}
	if wish.Link {
		wish.Params = pipeline.AuthParams(conn, authParams)
		if to, given := wish.Params["redirect_uri"]; given && !own && !allowedURL(to, client.Callbacks) {
			return nil, stagedoor.Errorf(stagedoor.Invalid, "bad.authParams", "The redirect_uri is not in the list of allowed callback URLs.")
		}
		if wish.Params["response_type"] == "" {
			wish.Params["response_type"] = "code"
			if !client.Allows("authorization_code") {
				wish.Params["response_type"] = "token"
			}
		}
	}
	v := visitForMail(r, st, client)
	if err := d.Pipeline.Human(r.Context(), v, guard.FlowPasswordless, func(string) string { return params[paramCaptcha] }); err != nil {
		return nil, err
	}
	c, err := d.Pipeline.StartCode(r.Context(), v, wish)
	if stagedoor.IsKind(err, stagedoor.Invalid) {
		switch e := stagedoor.AsError(err); e.Code {
		case "invalid_email":
			return nil, stagedoor.Errorf(stagedoor.Invalid, "bad.email", "%s", e.Message)
		case "invalid_phone_number":
			return nil, stagedoor.Errorf(stagedoor.Invalid, "bad.phone_number", "%s", e.Message)
		}
	}
	if err != nil {
		return nil, err
	}
	// The answer is the same for those who are known: an id of the moment, which becomes that of whoever is new.
	if conn.Strategy == stagedoor.StrategySMS {
		return map[string]any{"_id": c.UserID, paramPhone: c.Subject, "phone_verified": false}, nil
	}
	return map[string]any{"_id": c.UserID, "email": c.Subject, "email_verified": false}, nil
}

// startParams reads the body: texts, and authParams, which is an object of texts.
func startParams(w http.ResponseWriter, r *http.Request) (params, authParams map[string]string, err error) {
	bad := func(text string) error { return stagedoor.Errorf(stagedoor.Invalid, "bad.request", "%s", text) }
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		params, err := readParams(w, r)
		return params, nil, err
	}
	b, err := readBody(w, r, "bad.request")
	if err != nil {
		return nil, nil, err
	}
	if params, err = jsonParams(b); err != nil {
		return nil, nil, bad(stagedoor.AsError(err).Message)
	}
	var more struct {
		AuthParams json.RawMessage `json:"authParams"`
	}
	if json.Unmarshal(b, &more) != nil {
		return nil, nil, bad("The request body is not a valid JSON object.")
	}
	if len(more.AuthParams) == 0 || string(more.AuthParams) == "null" {
		return params, nil, nil
	}
	if authParams, err = jsonParams(more.AuthParams); err != nil {
		return nil, nil, stagedoor.Errorf(stagedoor.Invalid, "bad.authParams", "authParams must be an object of texts.")
	}
	for _, name := range []string{"client_id", "client_secret", "connection", "email", paramPhone, "verification_code", "request", "request_uri"} { // the link has its own
		delete(authParams, name)
	}
	return params, authParams, nil
}

// codeClient is the client that asks for a code. One that has a secret must prove itself.
func codeClient(r *http.Request, st *store.Store, params map[string]string) (*stagedoor.Client, error) {
	if _, _, basic := r.BasicAuth(); params["client_id"] == "" && params["client_assertion"] == "" && !basic {
		return nil, stagedoor.Errorf(stagedoor.Invalid, "bad.client_id", "Missing required property: client_id")
	}
	return authenticateClient(r.Context(), r, st, params)
}

// codeConnection is the connection that a request for a code names.
func codeConnection(ctx context.Context, st *store.Store, client *stagedoor.Client, name string) (*stagedoor.Connection, error) {
	bad := func(text string) error { return stagedoor.Errorf(stagedoor.Invalid, "bad.connection", "%s", text) }
	if name == "" {
		return nil, bad("Missing required property: connection")
	}
	all, err := st.Connections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c stagedoor.Connection) bool {
		return connection.IsPasswordless(c.Strategy) && (c.Name == name || slices.Contains(c.Realms, name))
	})
	switch {
	case i < 0:
		return nil, bad("Connection does not exist")
	case !all[i].SendsCodes() || !all[i].EnabledFor(client.ID):
		return nil, bad("Connection is disabled")
	}
	return &all[i], nil
}

// codeAddress is where the code of a request was sent.
func codeAddress(conn *stagedoor.Connection, get func(string) string) (string, error) {
	name := "email"
	if conn.Strategy == stagedoor.StrategySMS {
		name = paramPhone
	}
	if get(name) == "" {
		return "", missing(name)
	}
	return connection.Address(conn, get(name))
}

// verifyCode tells whether a code is right, and leaves it for the redirect that follows.
func (d *Door) verifyCode(w http.ResponseWriter, r *http.Request, st *store.Store) {
	params, err := readParams(w, r)
	if err == nil {
		err = d.codeIsRight(r, st, params)
	}
	if err != nil {
		answerError(w, r, err)
		return
	}
	noStore(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "OK") //nolint:errcheck // the client is gone
}

func (d *Door) codeIsRight(r *http.Request, st *store.Store, params map[string]string) error {
	client, err := st.Client(r.Context(), params["client_id"])
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(client) {
		return stagedoor.Errorf(stagedoor.Invalid, "bad.client_id", "Unknown client: %s", cut(params["client_id"]))
	}
	if err != nil {
		return err
	}
	conn, err := codeConnection(r.Context(), st, client, params["connection"])
	if err != nil {
		return err
	}
	if params["verification_code"] == "" {
		return missing("verification_code")
	}
	address, err := codeAddress(conn, func(name string) string { return params[name] })
	if err != nil {
		return err
	}
	return d.Pipeline.CheckCode(r.Context(), visit(r, st), client, conn, address, params["verification_code"])
}

// byLink signs a person in by a code in the address. The link of a mail asks first: programs that look into mails open links too, and a
// link that somebody else sends would sign a person in as them. A code that was typed goes on at once where the browser says that it comes from a page of the client's: anybody can
// have a code sent to themselves, and lead somebody else's browser here with it (login CSRF, RFC 9700 section 4.7).
func (d *Door) byLink(w http.ResponseWriter, r *http.Request, st *store.Store) {
	if r.Method == http.MethodHead { // programs try links by it
		ui.SetHeaders(w.Header())
		return
	}
	posted := r.Method == http.MethodPost
	if posted && http.NewCrossOriginProtection().Check(r) != nil {
		page.Fail(w, r, st, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "This form was sent by another site."), nil)
		return
	}
	if posted {
		r.Body = http.NoBody // all is in the address
	}
	params, err := authorizeParams(w, r)
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	if params.Get("response_type") == "" {
		params.Set("response_type", "code")
	}
	client, err := knownClient(r, st, params.Get("client_id"))
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	tx, err := d.ownLogin(r, st, params.Get)
	if err == nil && tx == nil && params.Has("_intstate") { // a login page of ours had it sent: only its own login goes on
		err = stagedoor.Errorf(stagedoor.Invalid, "lost_transaction", "Open this link in the browser in which you asked for it, within an hour, and do not close the page there before.")
	}
	var req *stagedoor.AuthorizationRequest
	if err == nil && tx == nil {
		req, err = d.trusted(r, st, client, params)
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	conn, err := codeConnection(r.Context(), st, client, params.Get("connection"))
	if err == nil && tx == nil {
		_, err = d.check(r, st, client, asked{params: params}, req)
	}
	var address string
	if err == nil {
		address, err = codeAddress(conn, params.Get)
	}
	if err == nil && params.Get("verification_code") == "" {
		err = missing("verification_code")
	}
	if err != nil && tx != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	if err != nil {
		logRefused(r, st, client, req, err)
		d.respondError(w, r, st, req, err)
		return
	}
	v := visit(r, st)
	if !posted && (tx == nil && !ledHere(r, client) || d.Pipeline.IsLink(r.Context(), v, conn, address)) {
		page.Render(w, http.StatusOK, ui.LinkPage{Frame: page.Frame(r, st, client), Address: address, Form: ui.Form{Action: passwordlessLink + "?" + r.URL.RawQuery}})
		return
	}
	if tx != nil {
		if err := d.ownCode(w, r, st, tx, conn, address, params.Get("verification_code")); err != nil {
			page.Fail(w, r, st, err, client)
		}
		return
	}
	v.Browser = session.EnsureBrowser(w, r)
	id, opened, err := d.Pipeline.EnterByCode(r.Context(), v, client, *req, conn, address, params.Get("verification_code"))
	if err != nil {
		d.respondError(w, r, st, req, err)
		return
	}
	session.SetCookie(w, r, opened.Handle, opened.Session)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, "/authorize/resume?state="+url.QueryEscape(id), http.StatusSeeOther)
}

// ledHere tells whether the browser says that a page of the client's, or of ours, has led it here. A page can have it say nothing, but not the name of another one.
func ledHere(r *http.Request, c *stagedoor.Client) bool {
	return isPage(r, c, originOf(r.Referer()))
}

// redeemPasswordless signs somebody in by a code.
func redeemPasswordless(ctx context.Context, t *tokenRequest) (*tokenResponse, error) {
	if t.params["auth_session"] != "" {
		return redeemDatabaseCode(ctx, t)
	}
	for _, param := range []string{"realm", "username", "otp"} {
		if t.params[param] == "" {
			return nil, missing(param)
		}
	}
	conn, err := codeConnection(ctx, t.st, t.client, t.params["realm"])
	if stagedoor.IsKind(err, stagedoor.Invalid) {
		err = invalid("%s", stagedoor.AsError(err).Message)
	}
	if err != nil {
		return nil, err
	}
	x, err := t.direct(ctx, "oauth2-password", "")
	if err != nil {
		return nil, err
	}
	a, user, err := t.Pipeline.ByCode(ctx, t.visit, x, conn, t.params["username"], t.params["otp"], t.event)
	return t.directly(ctx, x, a, user, err)
}
