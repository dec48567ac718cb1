package saml

import (
	"cmp"
	"context"
	"html/template"
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

// wsfed signs somebody in to a client of WS-Federation, or out (WS-Federation 1.2 section 13).
func (d *Door) wsfed(w http.ResponseWriter, r *http.Request, st *store.Store) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		page.Fail(w, r, st, invalid("The form cannot be read."), nil)
		return
	}
	client, addon, ok := d.named(w, r, st, cmp.Or(r.PathValue("client_id"), r.Form.Get("wtrealm")), stagedoor.ProtocolWSFed)
	if !ok {
		return
	}
	var err error
	switch wa := cmp.Or(r.Form.Get("wa"), "wsignin1.0"); wa {
	case "wsignin1.0":
		var req *stagedoor.AuthorizationRequest
		if req, err = d.wsfedRequest(r, client, addon); err == nil {
			err = notAnothers(r.Context(), st, client, req.Federation.Issuer)
		}
		if err == nil && req.Connection == "" {
			req.Connection, err = homeRealm(r.Context(), st, r.Form.Get("whr"))
		}
		if err == nil {
			d.begin(w, r, st, client, req)
			return
		}
	case "wsignout1.0", "wsignoutcleanup1.0":
		err = d.wsfedSignOut(w, r, st, client)
	default:
		err = invalid("wa is neither wsignin1.0 nor wsignout1.0.")
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
	}
}

// wsfedRequest checks a request to sign in. The answer goes to wreply if the client has registered it, and to no other.
func (d *Door) wsfedRequest(r *http.Request, client *stagedoor.Client, addon settings) (*stagedoor.AuthorizationRequest, error) {
	q := r.Form
	req := &stagedoor.AuthorizationRequest{
		ClientID: client.ID, State: q.Get("wctx"), RedirectURI: q.Get("wreply"), RedirectGiven: q.Has("wreply"), Issuer: web.Issuer(r), Query: r.URL.Query(),
		Connection: q.Get("connection"), LoginHint: cmp.Or(q.Get("login_hint"), q.Get("username")), UILocales: q.Get("ui_locales"),
		Federation: &stagedoor.FederationRequest{Protocol: stagedoor.ProtocolWSFed, Issuer: q.Get("wtrealm")},
	}
	for _, text := range []string{req.State, req.LoginHint, req.Federation.Issuer} {
		if len(text) > maxRelay {
			return nil, invalid("wctx, wtrealm, or the name of the user is too long.")
		}
	}
	if len(r.URL.RawQuery) > maxForm {
		return nil, invalid("The address is too long.")
	}
	if all := addon.registered(client); req.RedirectURI == "" && len(all) > 0 {
		req.RedirectURI = all[0]
	}
	if !isWeb(req.RedirectURI) || !d.Allowed(req.RedirectURI, append(addon.registered(client), client.Callbacks...)) {
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "The wreply is not in the list of allowed callback URLs.")
	}
	if q.Get("wfresh") == "0" {
		req.Prompt = []string{"login"}
	}
	return req, nil
}

// homeRealm is the connection that whr names (WS-Federation 1.2 section 13.2.2); empty if it names none: programs send names of realms that are no connection of ours.
func homeRealm(ctx context.Context, st *store.Store, whr string) (string, error) {
	if whr == "" {
		return "", nil
	}
	conn, err := st.ConnectionByName(ctx, whr)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return conn.Name, nil
}

// notAnothers refuses a realm by which another client is known. It becomes the audience, and an assertion of SAML 1.1 says nothing else of whom it is for: who
// has it could be the person there. Programs of .NET call themselves by their address, so that one of a host at which another client alone takes assertions is refused, too.
func notAnothers(ctx context.Context, st *store.Store, client *stagedoor.Client, realm string) error {
	known, err := another(ctx, st, client, realm, func(c *stagedoor.Client) bool {
		at, exactly := livesAt(c, realm)
		ours, oursExactly := livesAt(client, realm)
		return at && !ours || exactly && !oursExactly
	})
	if known {
		err = stagedoor.Errorf(stagedoor.Forbidden, "unauthorized_client", "The wtrealm is that of another client.")
	}
	return err
}

// another tells whether a client that is not this one is known by the name, or by what is says. A client's own names are its own, whoever else has them.
func another(ctx context.Context, st *store.Store, client *stagedoor.Client, name string, is func(*stagedoor.Client) bool) (bool, error) {
	if name == "" || slices.Contains(realmsOf(client), name) {
		return false, nil
	}
	all, err := st.Clients(ctx)
	return err == nil && slices.ContainsFunc(all, func(c stagedoor.Client) bool {
		return c.ID != client.ID && (slices.Contains(realmsOf(&c), name) || is(&c))
	}), err
}

// realmsOf are the names by which a client is known: its id, those that its settings list, and the audiences of its addons.
func realmsOf(c *stagedoor.Client) []string {
	out := append(textsOf(c.Stored["client_aliases"]), c.ID, "urn:"+c.ID)
	for _, protocol := range []string{stagedoor.ProtocolWSFed, stagedoor.ProtocolSAML} {
		if addon, there := addonOf(c, protocol); there {
			if audience := addon.text("audience", ""); audience != "" {
				out = append(out, audience)
			}
		}
	}
	return out
}

// livesAt tells whether a client of WS-Federation takes its assertions at the host of an address, and whether it does at the address itself.
func livesAt(c *stagedoor.Client, address string) (there, exactly bool) {
	u, err := url.Parse(address)
	if _, is := addonOf(c, stagedoor.ProtocolWSFed); !is || err != nil || u.Host == "" {
		return false, false
	}
	for _, callback := range c.Callbacks {
		if at, err := url.Parse(callback); err == nil && strings.EqualFold(at.Host, u.Host) {
			there, exactly = true, exactly || callback == address
		}
	}
	return there, exactly
}

// finishWSFed is the end of a login: an answer that the browser posts. The protocol knows no answer that refuses: why there is none is told on a page.
func (d *Door) finishWSFed(w http.ResponseWriter, r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, out *pipeline.Outcome, err error) {
	fields := map[string]string{"wa": "wsignin1.0"}
	if err == nil {
		fields["wresult"], fields["wctx"], err = d.wresult(r, st, req, out)
	}
	if err != nil {
		var client *stagedoor.Client
		if out != nil {
			client = out.Client
		}
		page.Fail(w, r, st, err, client)
		return
	}
	if fields["wctx"] == "" {
		delete(fields, "wctx")
	}
	if err := page.Post(w, r, st, template.URL(req.RedirectURI), fields, false); err != nil { //nolint:gosec // a registered http or https address
		web.WriterLogger(w).Error("an answer of WS-Federation cannot be written", "error", err)
	}
}

func (d *Door) wresult(r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, out *pipeline.Outcome) (text, wctx string, err error) {
	s, told, name, err := said(req, out)
	if err != nil {
		return "", "", err
	}
	who, err := d.signer(r.Context(), st, s, out)
	if err != nil {
		return "", "", err
	}
	opened, err := st.Session(r.Context(), out.Result.SessionID)
	if err != nil {
		return "", "", err
	}
	x := xmlsig.Issued{
		Audience: s.text("audience", cmp.Or(req.Federation.Issuer, req.RedirectURI)), NameID: name, Format: s.text("nameIdentifierFormat", unspecified),
		At: st.Clock().Now(), Life: s.life(), Since: opened.AuthenticatedAt, Attributes: map[string][]string{}, Types: map[string]string{},
		Method: s.text("authnContextClassRef", "urn:oasis:names:tc:SAML:1.0:am:unspecified"),
	}
	typed := s.flag("typedAttributes", false) // unlike those of SAML 2.0: readers of SAML 1.1 are older
	for claim, v := range told {
		if x.Attributes[claim] = v.texts; typed {
			x.Types[claim] = v.kind
		}
	}
	if x.EncryptFor, err = s.encryptFor(); err != nil {
		return "", "", err
	}
	text, err = who.IssueToken(x)
	return text, s.text("wctx", s.text("relayState", req.State)), err
}

// wsfedSignOut ends the browser's session and returns where the client allows, as /v2/logout does.
func (d *Door) wsfedSignOut(w http.ResponseWriter, r *http.Request, st *store.Store, client *stagedoor.Client) error {
	to := r.Form.Get("wreply")
	if to != "" && (!isWeb(to) || !d.Allowed(to, client.AllowedLogoutURLs)) {
		return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The wreply is not in the list of allowed logout URLs.")
	}
	s, err := session.Live(r.Context(), st, session.Handle(r))
	if err != nil {
		return err
	}
	if s != nil {
		if err := session.SignOut(w, r, st, s, stagedoor.LogEvent{ClientID: client.ID, ClientName: client.Name}); err != nil {
			return err
		}
	}
	if wctx := r.Form.Get("wctx"); to != "" && wctx != "" && len(wctx) <= maxRelay {
		u, err := url.Parse(to)
		if err != nil {
			return err
		}
		q := u.Query()
		q.Set("wctx", wctx)
		u.RawQuery = q.Encode()
		to = u.String()
	}
	return d.leave(w, r, st, client, s, stagedoor.SignOut{To: to})
}

// federation is what clients of WS-Federation are told of us.
func (d *Door) federation(w http.ResponseWriter, r *http.Request, st *store.Store) {
	certs, err := d.certificates(r, st)
	var text []byte
	if err == nil {
		text, err = xmlsig.DescribeFederation(xmlsig.Description{EntityID: settings{}.issuer(st), SignIn: web.Issuer(r) + "wsfed", Certs: certs, Attributes: described})
	}
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return
	}
	writeMetadata(w, "application/xml; charset=utf-8", text)
}
