package oauth

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// params are the members of an authorization response; numbers stay numbers in a web message.
type params map[string]any

// respondError tells the client why it gets nothing. Where the client is a stranger the person is told, on a page: an address that anybody has registered
// would make this server an open redirector, of those too who decline (RFC 9700 section 4.11.2; Authentication API fact sheet 7). A web message leads nobody
// away.
func (d *Door) respondError(w http.ResponseWriter, r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, err error) {
	if req.Federation != nil {
		d.Finish(w, r, st, req, nil, err)
		return
	}
	if client, unknown := st.Client(r.Context(), req.ClientID); unknown == nil && !client.Leads() && req.ResponseMode != "web_message" && req.Device == "" {
		page.Fail(w, r, st, err, client)
		return
	}
	e := stagedoor.AsError(err)
	code, description := e.Code, e.Message
	if e.Kind == stagedoor.Internal || code == "" {
		web.Failed(r.Context(), web.Logger(r.Context()), "an authorization request failed", err, "tenant", st.Tenant().ID, "client", req.ClientID)
		code, description = "server_error", "Internal error"
	}
	if e.Kind == stagedoor.Unavailable { // the code that clients know for it (RFC 6749 section 4.1.2.1)
		code = "temporarily_unavailable"
	}
	if req.Device != "" {
		refuseDevice(w, r, st, req, err)
		return
	}
	d.respond(w, r, st, req, params{"error": code, "error_description": description})
}

// respond writes every authorization response: success and error, in the mode that was asked
// for (OAuth 2.0 Multiple Response Types, Form Post and Web Message Response Mode).
func (d *Door) respond(w http.ResponseWriter, r *http.Request, st *store.Store, req *stagedoor.AuthorizationRequest, p params) {
	if req.State != "" {
		p["state"] = req.State
	}
	if st.Tenant().Settings.NamesIssuer() && req.Issuer != "" { // against mix-up (RFC 9207)
		p["iss"] = req.Issuer
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	switch req.ResponseMode {
	case "web_message":
		d.written(w, respondMessage(w, p, originOf(req.RedirectURI)))
	case "form_post":
		d.written(w, page.Post(w, r, st, template.URL(req.RedirectURI), p.strings(), true)) //nolint:gosec // a registered callback
	case "fragment":
		w.Header().Set("Referrer-Policy", "no-referrer")
		redirect(w, req.RedirectURI+"#"+p.encode())
	default:
		w.Header().Set("Referrer-Policy", "no-referrer")
		sep := "?"
		if strings.Contains(req.RedirectURI, "?") {
			sep = "&"
		}
		redirect(w, req.RedirectURI+sep+p.encode())
	}
}

// written tells the operator of an answer that could not be written.
func (d *Door) written(w http.ResponseWriter, err error) {
	if err != nil {
		web.WriterLogger(w).Error("an authorization response cannot be written", "error", err)
	}
}

// redirect sends the browser to a registered callback, whatever its scheme; http.Redirect would rewrite it.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

func (p params) strings() map[string]string {
	out := map[string]string{}
	for k, v := range p {
		switch v := v.(type) {
		case string:
			out[k] = v
		case int:
			out[k] = strconv.Itoa(v)
		}
	}
	return out
}

// encode escapes spaces as %20, which every client decodes; + some do not.
func (p params) encode() string {
	v := url.Values{}
	for k, s := range p.strings() {
		v.Set(k, s)
	}
	return strings.ReplaceAll(v.Encode(), "+", "%20")
}

// A web message goes to the opener of a popup or the parent of a frame, and only to the origin of
// the redirect URI. The page may be framed and keeps its opener: it holds nothing but this message.
var webMessage = template.Must(template.New("web_message").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Authorization response</title></head><body>
<script nonce="{{.Nonce}}">
(function () {
  var message = {type: "authorization_response", response: {{.Response}}};
  var target = window.opener || window.parent;
  target.postMessage(message, {{.Origin}});
})();
</script></body></html>
`))

func respondMessage(w http.ResponseWriter, p params, origin string) error {
	nonce := stagedoor.NewToken()
	response, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = webMessage.Execute(&b, map[string]any{"Response": template.JS(response), "Origin": origin, "Nonce": nonce}) //nolint:gosec // encoding/json escapes <, > and &
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; script-src 'nonce-"+nonce+"'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, err = w.Write(b.Bytes())
	return err
}
