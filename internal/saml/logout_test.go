package saml_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	sp "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

type stagedoorUser = stagedoor.User

const sloURL = `"logout":{"callback":"` + slo + `"}`

// bye is the path of a client's request to sign somebody out.
func (w *world) bye(p *sp.ServiceProvider, name, index string, change ...func(*sp.LogoutRequest)) (id, path string) {
	w.Helper()
	p.Clock = dsig.NewFakeClockAt(w.clock())
	p.LogoutSignatureMethod = dsig.RSASHA256SignatureMethod
	r, err := p.MakeLogoutRequest(origin+"/samlp/app/logout", name, sp.WithSessionIndex(index))
	w.ok(err)
	for _, fn := range change {
		fn(r)
	}
	r.Signature = nil
	u, err := p.RedirectLogoutRequestURL(r, "relay")
	w.ok(err)
	return r.ID, strings.TrimPrefix(u.String(), origin)
}

// TestSingleLogout: a client's signed request ends the session, other clients hear of it one after the other, and the one that asked gets its answer.
func TestSingleLogout(t *testing.T) {
	each(t, func(w *world) {
		w.addon("app", `{"signingCert":`+w.cert()+`,`+sloURL+`}`)
		w.addon("second", `{"logout":{"callback":"https://second.example/slo"}}`)
		w.addon("plain", `{"logout":{"callback":"https://plain.example/slo","slo_enabled":false}}`)
		p, b := w.provider(func(p *sp.ServiceProvider) { p.SignatureMethod = dsig.RSASHA256SignatureMethod }), w.browser()
		id, path := w.ask(p, "")
		a, err := w.read(p, b.in(b.get(path)).posted(), id)
		w.ok(err)
		b.get("/samlp/second").posted()
		b.get("/samlp/plain").posted()
		asked, path := w.bye(p, a.Subject.NameID.Value, a.AuthnStatements[0].SessionIndex)
		r := b.get(path).want(http.StatusSeeOther)
		to, err := url.Parse(r.header.Get("Location"))
		w.ok(err)
		if to.Host != "second.example" || to.Query().Get("SAMLRequest") == "" || to.Query().Get("Signature") == "" || len(to.Query().Get("RelayState")) > 80 {
			w.Fatalf("%s", to)
		}
		relay := to.Query().Get("RelayState")
		w.browser().get("/samlp/second/logout?SAMLResponse=x&RelayState=" + relay).want(http.StatusBadRequest) // of another browser
		r = b.post("/samlp/second/logout", url.Values{"SAMLResponse": {"x"}, "RelayState": {relay}}).want(http.StatusSeeOther)
		if to, err = url.Parse(r.header.Get("Location")); err != nil || !strings.HasPrefix(to.String(), slo+"?") || to.Query().Get("RelayState") != "relay" {
			w.Fatalf("%s", to)
		}
		p.Clock = dsig.NewFakeClockAt(w.clock())
		if err := p.ValidateLogoutResponseRequest(&http.Request{Method: http.MethodGet, URL: to}); err != nil {
			w.Errorf("%v", err)
		}
		if e := inflated(w, to.Query().Get("SAMLResponse")); e.SelectAttrValue("InResponseTo", "") != asked {
			w.Errorf("an answer to %v, not to %s", e.Attr, asked)
		}
		b.get("/samlp/app").says("Log in")
		b.get("/samlp/second/logout?SAMLResponse=x&RelayState=" + relay).want(http.StatusBadRequest) // again
		if events := w.events(); !strings.Contains(events, "slo") {
			w.Errorf("%s", events)
		}
	})
}

// inflated is the element that an address brings.
func inflated(w *world, text string) *etree.Element {
	w.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	w.ok(err)
	doc := etree.NewDocument()
	_, err = doc.ReadFrom(flate.NewReader(bytes.NewReader(raw)))
	w.ok(err)
	return doc.Root()
}

// TestLogoutAnsweredByForm: where the client wants forms, the answer in it is signed and names the request.
func TestLogoutAnsweredByForm(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{"binding":"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST","signingCert":`+w.cert()+`,`+sloURL+`}`)
	p, b := w.provider(func(p *sp.ServiceProvider) { p.SignatureMethod = dsig.RSASHA256SignatureMethod }), w.browser()
	id, path := w.ask(p, "")
	a, err := w.read(p, b.in(b.get(path)).posted(), id)
	w.ok(err)
	asked, path := w.bye(p, a.Subject.NameID.Value, a.AuthnStatements[0].SessionIndex)
	to, values := b.get(path).form()
	if e := response(w, values); to != slo || e.SelectAttrValue("InResponseTo", "") != asked || values.Get("RelayState") != "relay" {
		w.Errorf("%s %v %v", to, e.Attr, values.Get("RelayState"))
	}
	p.Clock = dsig.NewFakeClockAt(w.clock())
	w.ok(p.ValidateLogoutResponseForm(values.Get("SAMLResponse")))
}

// TestLogoutHereTellsClients: a logout of another protocol brings the browser past the clients of SAML, and then where it should go.
func TestLogoutHereTellsClients(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{`+sloURL+`}`)
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	r := b.get("/v2/logout?client_id=app&returnTo=https%3A%2F%2Fapp.example%2Fbye").want(http.StatusSeeOther)
	to, _ := url.Parse(r.header.Get("Location"))
	if !strings.HasPrefix(to.String(), slo+"?SAMLRequest=") {
		w.Fatalf("%s", to)
	}
	r = b.get("/samlp/app/logout?" + url.Values{"SAMLResponse": {"x"}, "RelayState": {to.Query().Get("RelayState")}}.Encode())
	if got := r.header.Get("Location"); got != "https://app.example/bye" {
		w.Errorf("%s", got)
	}
}

// TestLogoutUpstreamTellsClients: a logout request of the identity provider brings the browser past the clients of SAML, and then back with our answer.
func TestLogoutUpstreamTellsClients(t *testing.T) {
	each(t, func(w *world) {
		w.addon("app", `{`+sloURL+`}`)
		cert := base64.StdEncoding.EncodeToString(w.own.Cert.Raw)
		corp := &stagedoor.Connection{Name: "corp", Strategy: stagedoor.StrategySAML, Options: stagedoor.ConnectionOptions{Stored: map[string]json.RawMessage{
			"signInEndpoint": json.RawMessage(`"https://idp.example/in"`), "signOutEndpoint": json.RawMessage(`"https://idp.example/out"`), "signingCert": json.RawMessage(`"` + cert + `"`),
		}}}
		w.ok(w.st.CreateConnection(w.Context(), corp))
		idp := &xmlsig.Issuer{EntityID: "urn:corp", Key: w.own.Private, Cert: w.own.Cert}
		in := func() *browser {
			b := w.browser()
			b.in(b.get("/samlp/app")).posted()
			all, err := w.st.UserSessions(w.Context(), w.ada().ID)
			w.ok(err)
			for i := range all {
				w.ok(w.st.UpdateSession(w.Context(), all[i].ID, func(s *stagedoor.Session) { s.CameBy = &stagedoor.CameBy{Connection: corp.ID, NameID: "k1"} }))
			}
			return b
		}
		bye := func(b *browser) *url.URL {
			d, err := idp.Logout(origin+"/logout", stagedoor.CameBy{NameID: "k1"}, "relay", false, w.clock())
			w.ok(err)
			to, err := url.Parse(b.get(strings.TrimPrefix(d.Address, origin)).want(http.StatusSeeOther).header.Get("Location"))
			w.ok(err)
			return to
		}
		b := in()
		to := bye(b)
		if !strings.HasPrefix(to.String(), slo+"?SAMLRequest=") {
			w.Fatalf("%s", to)
		}
		r := b.get("/samlp/app/logout?" + url.Values{"SAMLResponse": {"x"}, "RelayState": {to.Query().Get("RelayState")}}.Encode())
		if to, _ = url.Parse(r.header.Get("Location")); to.Host != "idp.example" || to.Query().Get("SAMLResponse") == "" || to.Query().Get("RelayState") != "relay" {
			w.Errorf("%s", to)
		}
		b.get("/samlp/app").says("Log in")
		in()
		if to = bye(w.browser()); to.Host != "idp.example" { // of another browser, which knows nobody's clients
			w.Errorf("%s", to)
		}
	})
}

// TestForgedLogout: what a client did not sign, for here and for now, signs nobody out; nor does its word of somebody else.
func TestForgedLogout(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{`+sloURL+`}`)
	p, b := w.provider(), w.browser()
	id, path := w.ask(p, "")
	a, err := w.read(p, b.in(b.get(path)).posted(), id)
	w.ok(err)
	name, index := a.Subject.NameID.Value, a.AuthnStatements[0].SessionIndex
	stays := func(what string, r *reply, status int) {
		t.Helper()
		if r.status != status {
			t.Errorf("%s: %d %s", what, r.status, words(r.body))
		}
		if got := b.get("/samlp/app"); !strings.Contains(got.body, "SAMLResponse") {
			t.Fatalf("%s signed somebody out", what)
		}
	}
	_, path = w.bye(p, name, index)
	stays("no certificate is known", b.get(path), http.StatusBadRequest)
	w.addon("app", `{"signingCert":`+w.cert()+`,`+sloURL+`}`)
	_, path = w.bye(p, name, index)
	stays("unsigned", b.get(path[:strings.Index(path, "&SigAlg")]), http.StatusBadRequest)
	_, path = w.bye(p, name, index)
	stays("another RelayState", b.get(strings.Replace(path, "RelayState=relay", "RelayState=evil", 1)), http.StatusBadRequest)
	_, path = w.bye(p, name, index, func(r *sp.LogoutRequest) { r.Destination = "https://other.example/samlp/app/logout" })
	stays("elsewhere", b.get(strings.TrimPrefix(path, "https://other.example")), http.StatusBadRequest)
	_, path = w.bye(p, name, index, func(r *sp.LogoutRequest) { r.IssueInstant = w.clock().Add(-time.Hour) })
	stays("old", b.get(path), http.StatusBadRequest)
	_, path = w.bye(p, "auth0|somebody", index)
	stays("somebody else", b.get(path), http.StatusSeeOther)
	stays("again", b.get(path), http.StatusBadRequest)
	stays("nothing", b.get("/samlp/app/logout"), http.StatusBadRequest)
	stays("an answer to nothing", b.get("/samlp/app/logout?SAMLResponse=x&RelayState=y"), http.StatusBadRequest)
	w.addon("app", `{"signingCert":`+w.cert()+`,"binding":"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",`+sloURL+`}`)
	_, path = w.bye(p, name, index)
	if action, fields := b.get(path).want(http.StatusOK).form(); action != slo || fields.Get("SAMLResponse") == "" || fields.Get("RelayState") != "relay" {
		t.Errorf("%s %v", action, fields)
	}
	b.get("/samlp/app").says("Log in")
}
