package saml

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/session"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// transferParam brings a session transfer token, as at /authorize.
const transferParam = "session_transfer_token"

const (
	maxForm  = 512 << 10 // of what is posted, in bytes
	maxRelay = 4 << 10   // of RelayState; SAML bindings section 3.4.3 allows 80, and clients put addresses there
)

// message is a request as the browser brought it. It is nil where there is none.
func message(w http.ResponseWriter, r *http.Request, name string) (*xmlsig.Message, url.Values, error) {
	q := r.URL.Query()
	if r.Method != http.MethodPost {
		if !q.Has(name) {
			return nil, q, nil
		}
		return &xmlsig.Message{Query: r.URL.RawQuery}, q, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, q, invalid("The form cannot be read.")
	}
	if !r.PostForm.Has(name) {
		return nil, r.PostForm, nil
	}
	return &xmlsig.Message{Form: r.PostForm}, r.PostForm, nil
}

func invalid(text string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", text, args...)
}

// signOn begins a login that a client asks for (SAML profiles section 4.1), or that nobody asked for (section 4.1.5).
func (d *Door) signOn(w http.ResponseWriter, r *http.Request, st *store.Store) {
	client, addon, ok := d.client(w, r, st)
	if !ok {
		return
	}
	m, params, err := message(w, r, "SAMLRequest")
	if err == nil && m == nil && r.Method == http.MethodPost {
		err = invalid("The form has no SAMLRequest.")
	}
	var req *stagedoor.AuthorizationRequest
	if err == nil {
		req, err = d.request(r, st, client, addon, m, params)
	}
	if err != nil {
		if req != nil {
			refused(r, st, client, err)
			d.Finish(w, r, st, req, nil, err)
			return
		}
		page.Fail(w, r, st, err, client)
		return
	}
	d.begin(w, r, st, client, req)
}

// begin hands a request to the pipeline, once it is certain where the answer belongs.
func (d *Door) begin(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client, req *stagedoor.AuthorizationRequest) {
	if err := d.Check(r, st, client, r.URL.Query(), req); err != nil {
		refused(r, st, client, err)
		d.Finish(w, r, st, req, nil, err)
		return
	}
	v := visit(r, st)
	if !req.HasPrompt("none") {
		v.Browser = session.EnsureBrowser(w, r)
	}
	v.Transfer = pipeline.Transfer{Query: r.URL.Query().Get(transferParam), Cookie: session.TransferToken(r)}
	delete(req.Query, transferParam) // a login under way is stored with it
	if r.Method == http.MethodPost {
		v.Body = map[string]any{}
		for name, values := range r.PostForm {
			v.Body[name] = values[0]
		}
	}
	out, err := d.Pipeline.Begin(r.Context(), v, client, nil, *req)
	d.Answer(w, r, st, out, err)
}

// request checks what a client asks for. m is nil where nobody asked. An error beside a request is answered to the client.
func (d *Door) request(r *http.Request, st *store.Store, client *stagedoor.Client, addon settings, m *xmlsig.Message, params url.Values) (*stagedoor.AuthorizationRequest, error) {
	q := r.URL.Query()
	req := &stagedoor.AuthorizationRequest{
		ClientID: client.ID, State: params.Get("RelayState"), Issuer: web.Issuer(r), Query: q, Connection: q.Get("connection"), LoginHint: q.Get("login_hint"),
		UILocales: q.Get("ui_locales"), ScreenHint: q.Get("screen_hint"), Federation: &stagedoor.FederationRequest{Protocol: stagedoor.ProtocolSAML},
	}
	if len(req.State) > maxRelay || len(r.URL.RawQuery) > maxForm || len(req.LoginHint) > maxRelay {
		return nil, invalid("The RelayState, or the address, is too long.")
	}
	registered := addon.registered(client)
	if m == nil {
		if len(registered) == 0 {
			return nil, invalid("The client has no address that answers could be posted to: add one to its Allowed Callback URLs.")
		}
		req.RedirectURI = registered[0]
		return req, nil
	}
	who := &xmlsig.Client{ACS: registered, Certs: addon.certificates(), Takes: func(acs string) bool { return isWeb(acs) && d.Allowed(acs, client.Callbacks) }}
	if addon.mustSign() && len(who.Certs) == 0 {
		return nil, invalid("The signingCert of the client cannot be read.")
	}
	asked, err := xmlsig.ReadAuthn(who, web.Issuer(r)+"samlp/"+client.ID, *m, st.Clock().Now())
	if err != nil {
		e := invalid("The SAML request is not valid.")
		stagedoor.AsError(e).Extra = map[string]any{"hint": short(err)}
		return nil, e
	}
	if err := notNamed(r.Context(), st, client, addon, asked.Issuer); err != nil {
		return nil, err
	}
	if err := d.Pipeline.Message(visit(r, st)); err != nil {
		return nil, err
	}
	fresh, err := st.UseProof(r.Context(), "saml-request:"+client.ID+":"+asked.Issuer+":"+asked.ID, asked.Ends)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, invalid("The SAML request was used before.")
	}
	req.RedirectURI, req.RedirectGiven = asked.ACS, true
	req.Federation.ID, req.Federation.Issuer, req.Federation.Subject = asked.ID, asked.Issuer, asked.Subject
	if asked.Subject != "" && req.LoginHint == "" {
		req.LoginHint = asked.Subject
	}
	switch {
	case asked.IsPassive && asked.ForceAuthn:
		req.Prompt, req.MaxAge = []string{"none"}, new(int) // which no session is fresh enough for
	case asked.IsPassive:
		req.Prompt = []string{"none"}
	case asked.ForceAuthn:
		req.Prompt = []string{"login"}
	}
	if cannotName(asked.Format, addon) {
		return req, &stagedoor.Error{Kind: stagedoor.Invalid, Code: xmlsig.BadNameIDPolicy, Message: "There are no names of the format that the request asks for."}
	}
	return req, nil
}

// notNamed refuses an issuer by which another client is known (SAML profiles section 4.1.4.1). It becomes the audience: a client that looks at nothing else of whom
// an assertion is for would take one that was made for this one. Where the addon says the audience, the issuer is no matter.
func notNamed(ctx context.Context, st *store.Store, client *stagedoor.Client, addon settings, issuer string) error {
	if addon.text("audience", "") != "" {
		return nil
	}
	known, err := another(ctx, st, client, issuer, func(*stagedoor.Client) bool { return false })
	if known {
		err = stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "The issuer of the SAML request is another client.")
	}
	return err
}

// nameFormats are the formats of names that clients ask for and the addon decides on: of others there is none that the addon does not say.
var nameFormats = []string{
	"", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified", "urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
}

// cannotName tells whether a client asks for names of a kind that it cannot have.
func cannotName(format string, addon settings) bool {
	return !slices.Contains(nameFormats, format) && format != addon.text("nameIdentifierFormat", "")
}

func isWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

// short is what an administrator is told of a message that is not valid.
func short(err error) string {
	text := strings.TrimPrefix(err.Error(), "xmlsig: ")
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// refused notes why a client gets no answer but an error. Of what is told on a page of ours the page notes it.
func refused(r *http.Request, st *store.Store, client *stagedoor.Client, err error) {
	e := stagedoor.AsError(err)
	text := e.Message
	if hint, ok := e.Extra["hint"].(string); ok {
		text += " " + hint
	}
	event := web.LogEvent(r, stagedoor.LogEvent{Type: "f", Description: text, ClientID: client.ID, ClientName: client.Name})
	pipeline.Denied(&event, err)
	st.Log(event)
}
