package login

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// A tenant may have a login page of its own, written for another server: a document that hosts Lock or auth0.js and learns from @@config@@ which login
// it is for (Authentication API fact sheet 2.5). What it sends comes to the protocol's door, which lets this login go on.

// ownLoginPath is where such a page is shown.
const ownLoginPath = "/login"

// configToken is what becomes the settings of the page, the first so many times: what is asked for may be long, and the page is.
const (
	configToken     = "@@config@@"
	maxConfigTokens = 16
)

// maxOwnAddress bounds the address of the page, in bytes: what is asked for stands in it as far as it is not longer.
const maxOwnAddress = 4 << 10

// ownLoginPage is the tenant's page for a login; empty where ours is shown: such pages know nothing of organizations, nor how to do the work by which our own pages
// tell people from programs.
func (d *Door) ownLoginPage(r *http.Request, st *store.Store, p *prompt) (string, error) {
	if p.client == nil || p.tx.Reset != nil || p.org != nil {
		return "", nil
	}
	html, err := page.LoginPage(r.Context(), st, p.client)
	if err != nil || html == "" {
		return "", err
	}
	c, err := d.Pipeline.Challenge(r.Context(), visit(r, st), guard.FlowPassword)
	if err != nil || c != nil && c.Vendor == nil {
		return "", err
	}
	return html, nil
}

// showOwnLogin shows the tenant's page.
func (d *Door) showOwnLogin(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	p, _, err := d.loginPrompt(r, st)
	if stagedoor.HasCode(err, "lost_transaction") { // the address says from where the person may begin anew
		client, lookup := st.Client(r.Context(), r.URL.Query().Get("client"))
		if lookup == nil && !client.Global && st.Tenant().Serves(client) {
			page.Error(w, r, st, http.StatusBadRequest, err, client)
			return nil
		}
	}
	if err != nil {
		return err
	}
	html, err := d.ownLoginPage(r, st, p)
	if err != nil {
		return err
	}
	if html == "" {
		redirect(w, r, p.link("/u/login"))
		return nil
	}
	config, err := json.Marshal(p.ownConfig(r))
	if err != nil {
		return err
	}
	ui.SetHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", ui.LoginPageCSP)
	w.Header().Set("Referrer-Policy", "strict-origin-when-cross-origin") // fonts and riddles are given to known sites alone
	_, err = io.WriteString(w, strings.Replace(html, configToken, base64.StdEncoding.EncodeToString(config), maxConfigTokens))
	return err
}

// protocol is that of the client.
func (p *prompt) protocol() string {
	if f := p.tx.Request.Federation; f != nil {
		return f.Protocol
	}
	return "oauth2"
}

// asked are the parameters of the authorization request that the page may see. The state of the application is not among them: the page's is this login's.
func (p *prompt) asked() map[string]string {
	out := map[string]string{}
	for name, values := range p.tx.Request.Query {
		switch name {
		case "state", "client_id", "request_uri", "_csrf", "_intstate", "RelayState", "SAMLRequest", "SigAlg", "Signature", "wctx":
		default:
			if len(values) > 0 {
				out[name] = values[0]
			}
		}
	}
	return out
}

// ownLoginLink is the address of the tenant's page for this login.
func (p *prompt) ownLoginLink() string {
	q := url.Values{}
	if !p.tx.Request.Unseen {
		for name, value := range p.asked() {
			q.Set(name, value)
		}
	}
	if len(q.Encode()) > maxOwnAddress {
		q = url.Values{}
	}
	q.Set("client", p.tx.Request.ClientID)
	q.Set("protocol", p.protocol())
	q.Del("ui_locales") // which every address of a page of a login has
	return p.link(ownLoginPath) + "&" + q.Encode()
}

// ownConfig are the settings that such pages read. They go to code of the tenant's and whatever that loads: nothing in them is secret.
type ownConfig struct {
	Icon      string `json:"icon"`
	AssetsURL string `json:"assetsUrl"` // empty: libraries load their languages from where they come from
	Domain    string `json:"auth0Domain"`
	Tenant    string `json:"auth0Tenant"`
	Settings  string `json:"clientConfigurationBaseUrl"` // where client/ID.js is
	OnHash    bool   `json:"callbackOnLocationHash"`
	Callback  string `json:"callbackURL"`
	ClientID  string `json:"clientID"`
	Dict      any    `json:"dict"` // the language that was asked for, or else a title

	Connection string            `json:"connection,omitempty"`
	Prompt     string            `json:"prompt,omitempty"`
	Extra      map[string]string `json:"extraParams"`
	Internal   map[string]string `json:"internalOptions"` // what libraries send back to us
	ThirdParty bool              `json:"isThirdPartyClient"`
	Server     map[string]string `json:"authorizationServer"`
	Colors     map[string]string `json:"colors"`
}

func (p *prompt) ownConfig(r *http.Request) *ownConfig {
	req, issuer := &p.tx.Request, web.Issuer(r)
	c := &ownConfig{
		Icon: cmp.Or(p.client.Picture(), p.frame.Logo), Domain: r.Host, Tenant: p.client.Tenant, Settings: issuer, OnHash: req.ResponseMode == "fragment", Callback: req.RedirectURI, ClientID: req.ClientID,
		Connection: req.Connection, Prompt: strings.Join(req.Prompt, " "), ThirdParty: !p.client.IsFirstParty,
		Server: map[string]string{"url": strings.TrimSuffix(issuer, "/"), "issuer": issuer}, Colors: map[string]string{},
	}
	c.Dict = map[string]any{"signin": map[string]string{"title": p.frame.Tenant}}
	if req.UILocales != "" {
		c.Dict = strings.ToLower(p.frame.Lang)
	}
	for name, colour := range map[string]string{"primary": p.frame.Brand.Primary, "page_background": p.frame.Brand.Background} {
		if colour != "" {
			c.Colors[name] = colour
		}
	}
	own := map[string]string{"protocol": p.protocol(), "_csrf": p.tx.Nonce, "_intstate": "deprecated", "state": p.tx.ID, "response_type": "code"}
	c.Extra, c.Internal = p.asked(), map[string]string{}
	for _, name := range []string{"response_type", "response_mode", "scope", "audience", "nonce", "leeway"} {
		if value := c.Extra[name]; value != "" {
			c.Internal[name] = value
		}
	}
	for name, value := range own {
		if name != "response_type" || c.Internal[name] == "" {
			c.Extra[name], c.Internal[name] = value, value
		}
	}
	return c
}
