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
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
)

// query is a request as an address carries it.
func query(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return "/samlp/app?" + url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(b.Bytes())}}.Encode()
}

// xmlOf is a request as text.
func xmlOf(t *testing.T, e *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(e)
	text, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (w *world) request(change ...func(*sp.AuthnRequest)) *sp.AuthnRequest {
	w.Helper()
	p := w.provider()
	r, err := p.MakeAuthenticationRequest(origin+"/samlp/app", sp.HTTPRedirectBinding, sp.HTTPPostBinding)
	w.ok(err)
	for _, fn := range change {
		fn(r)
	}
	return r
}

// refusedHere tells that a request is answered by a page of ours, and that nothing is posted anywhere.
func (w *world) refusedHere(name string, r *reply, text string) {
	w.Helper()
	if r.status != http.StatusBadRequest || strings.Contains(r.body, "SAMLResponse") || strings.Contains(r.body, "username") || !strings.Contains(words(r.body), text) {
		w.Errorf("%s: %d %s", name, r.status, words(r.body))
	}
}

// TestACSSubstitution: an answer goes to no address that the client has not registered, whoever asks for it.
func TestACSSubstitution(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	for _, evil := range []string{
		"https://evil.example/acs", acs + "/", acs + "?x=1", acs + "#x", "https://app.example@evil.example/saml/acs", "http://app.example/saml/acs", "javascript:alert(1)",
		"https://app.example/saml/acs/../../evil", "//evil.example", "data:text/html,x",
	} {
		r := w.request(func(r *sp.AuthnRequest) { r.AssertionConsumerServiceURL = evil })
		w.refusedHere(evil, b.get(query(t, xmlOf(t, r.Element()))), "The SAML request is not valid.")
		w.refusedHere(evil+" by a form", b.post("/samlp/app", w.byForm(r)), "The SAML request is not valid.")
	}
	w.addon("app", `{"recipient":"https://app.example/other"}`)
	r := w.request(func(r *sp.AuthnRequest) { r.AssertionConsumerServiceURL = "https://app.example/other" })
	if action, _ := b.in(b.get(query(t, xmlOf(t, r.Element())))).form(); action != "https://app.example/other" {
		w.Errorf("%s", action)
	}
}

// TestReplayedRequest: a request is good once, for a while, here, and not before it was made.
func TestReplayedRequest(t *testing.T) {
	w := newWorld(t, "sqlite")
	p, b := w.provider(), w.browser()
	_, path := w.ask(p, "")
	b.get(path).want(http.StatusOK).says("Log in")
	w.refusedHere("again", b.get(path), "The SAML request was used before.")
	w.refusedHere("again, by another browser", w.browser().get(path), "The SAML request was used before.")
	const bad = "The SAML request is not valid."
	for name, change := range map[string]func(*sp.AuthnRequest){
		"old":             func(r *sp.AuthnRequest) { r.IssueInstant = w.clock().Add(-11 * time.Minute) },
		"of the future":   func(r *sp.AuthnRequest) { r.IssueInstant = w.clock().Add(11 * time.Minute) },
		"elsewhere":       func(r *sp.AuthnRequest) { r.Destination = "https://other.example/samlp/app" },
		"another client":  func(r *sp.AuthnRequest) { r.Destination = origin + "/samlp/second" },
		"no id":           func(r *sp.AuthnRequest) { r.ID = "" },
		"a long id":       func(r *sp.AuthnRequest) { r.ID = strings.Repeat("x", 300) },
		"an id with a <":  func(r *sp.AuthnRequest) { r.ID = `x"><script>` },
		"no issuer":       func(r *sp.AuthnRequest) { r.Issuer = nil },
		"an empty issuer": func(r *sp.AuthnRequest) { r.Issuer.Value = " " },
		"SAML 1.1":        func(r *sp.AuthnRequest) { r.Version = "1.1" },
		"by artifact":     func(r *sp.AuthnRequest) { r.ProtocolBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" },
	} {
		w.refusedHere(name, b.get(query(t, xmlOf(t, w.request(change).Element()))), bad)
	}
}

// TestForgedRequest: where the client signs, a request that is not signed by it, or that says something else than what it signed, begins nothing
// (among them the wrappings of "On Breaking SAML", 2012).
func TestForgedRequest(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{"signingCert":`+w.cert()+`,"destination":"https://app.example/second"}`)
	b := w.browser()
	const bad = "The SAML request is not valid."
	signed := func(p *sp.ServiceProvider) { p.SignatureMethod = dsig.RSASHA256SignatureMethod }
	good := w.provider(signed)
	if !*good.IDPMetadata.IDPSSODescriptors[0].WantAuthnRequestsSigned {
		w.Error("the metadata do not ask for signatures")
	}
	_, path := w.ask(good, "relay")
	b.get(path).want(http.StatusOK).says("Log in")
	_, path = w.ask(good, "relay")
	w.refusedHere("another RelayState", b.get(strings.Replace(path, "RelayState=relay", "RelayState=other", 1)), bad)
	_, path = w.ask(good, "relay")
	w.refusedHere("no signature", b.get(path[:strings.Index(path, "&SigAlg")]), bad)
	_, path = w.ask(w.provider(), "")
	w.refusedHere("never signed", b.get(path), bad)
	_, path = w.ask(w.provider(signed, func(p *sp.ServiceProvider) { p.SignatureMethod = dsig.RSASHA1SignatureMethod }), "")
	w.refusedHere("SHA-1", b.get(path), bad)
	w.refusedHere("posted without a signature", b.post("/samlp/app", w.byForm(w.request())), bad)
	posted := func(change func(doc *etree.Document)) url.Values {
		r, err := good.MakeAuthenticationRequest(origin+"/samlp/app", sp.HTTPPostBinding, sp.HTTPPostBinding)
		w.ok(err)
		doc := etree.NewDocument()
		doc.SetRoot(r.Element())
		change(doc)
		text, err := doc.WriteToBytes()
		w.ok(err)
		return url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(text)}}
	}
	b.post("/samlp/app", posted(func(*etree.Document) {})).want(http.StatusOK).says("Log in")
	second := func(e *etree.Element) *etree.Element {
		e.CreateAttr("AssertionConsumerServiceURL", "https://app.example/second")
		e.CreateAttr("ID", "evil")
		return e
	}
	bare := func(e *etree.Element) *etree.Element {
		if s := e.FindElement("./Signature"); s != nil {
			e.RemoveChild(s)
		}
		return e
	}
	for name, wrap := range map[string]func(*etree.Document){
		"changed": func(doc *etree.Document) {
			doc.Root().CreateAttr("AssertionConsumerServiceURL", "https://app.example/second")
		},
		"the signature of another": func(doc *etree.Document) { second(doc.Root()) },
		"the signed one in the evil": func(doc *etree.Document) {
			evil := second(bare(doc.Root().Copy()))
			evil.AddChild(doc.Root().Copy())
			doc.SetRoot(evil)
		},
		"the signed one in an object": func(doc *etree.Document) {
			evil := second(doc.Root().Copy())
			object := evil.FindElement("./Signature").CreateElement("ds:Object")
			object.AddChild(bare(doc.Root().Copy()))
			doc.SetRoot(evil)
		},
		"the signed one in extensions": func(doc *etree.Document) {
			evil := second(bare(doc.Root().Copy()))
			signature := doc.Root().FindElement("./Signature").Copy()
			evil.CreateElement("samlp:Extensions").AddChild(bare(doc.Root().Copy()))
			evil.AddChild(signature)
			doc.SetRoot(evil)
		},
	} {
		r := b.post("/samlp/app", posted(wrap))
		if strings.Contains(r.body, "app.example/second") || r.status != http.StatusBadRequest {
			w.Errorf("%s: %d %s", name, r.status, words(r.body))
		}
	}
	w.addon("app", `{"signingCert":"no certificate"}`)
	_, path = w.ask(good, "")
	w.refusedHere("a certificate that is none", b.get(path), "The signingCert of the client cannot be read.")
}

// TestEntities: neither files nor bombs of entities nor of deflated zeros are looked into (XXE, billion laughs).
func TestEntities(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	text := xmlOf(t, w.request().Element())
	const bad = "The SAML request is not valid."
	for name, evil := range map[string]string{
		"a file":   `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(text, entity, "&x;", 1),
		"laughs":   `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + strings.Replace(text, entity, "&b;", 1),
		"a bomb":   text + strings.Repeat(" ", 8<<20),
		"no XML":   "SAMLRequest",
		"a logout": `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="x" Version="2.0"/>`,
	} {
		begun := time.Now()
		w.refusedHere(name, b.get(query(t, evil)), bad)
		w.refusedHere(name+" by a form", b.post("/samlp/app", url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(evil[:min(len(evil), 300<<10)]))}}), bad)
		if d := time.Since(begun); d > time.Minute {
			w.Errorf("%s takes %v", name, d)
		}
	}
	w.refusedHere("no base64", b.get("/samlp/app?SAMLRequest=%25"), bad)
	w.refusedHere("two requests", b.get(query(t, text)+"&SAMLRequest=x"), bad)
}

// TestIssuerOfAnother: the issuer of a request becomes the audience, so that a client gets nothing for a name by which another client is known.
func TestIssuerOfAnother(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("plain", `{"audience":"urn:wiki"}`)
	_, err := w.st.UpdateClient(t.Context(), "second", func(c *stagedoor.Client) error {
		c.Stored = map[string]json.RawMessage{"client_aliases": json.RawMessage(`["urn:payroll","urn:both"]`)}
		return nil
	})
	w.ok(err)
	_, err = w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error {
		c.Stored["client_aliases"] = json.RawMessage(`["urn:both"]`)
		return nil
	})
	w.ok(err)
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	as := func(issuer string) string {
		_, path := w.ask(w.provider(func(p *sp.ServiceProvider) { p.EntityID = issuer }), "")
		return path
	}
	for _, issuer := range []string{"urn:wiki", "urn:payroll", "plain", "urn:second"} {
		if r := b.get(as(issuer)).want(http.StatusForbidden).says("The issuer of the SAML request is another client."); strings.Contains(r.body, "SAMLResponse") {
			t.Errorf("%s: %s", issuer, r.body)
		}
	}
	for _, issuer := range []string{"urn:both", "urn:app", "app", entity} {
		b.get(as(issuer)).posted()
	}
	w.addon("app", `{"audience":"urn:mine"}`)
	b.get(as("urn:wiki")).posted() // what the request calls itself is no matter
}

// TestCommentInSubject: a comment does not cut short whom a request names (CVE-2017-11427 and its kin).
func TestCommentInSubject(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{"nameIdentifierProbes":["`+claims+`emailaddress"]}`)
	r := w.request(func(r *sp.AuthnRequest) {
		r.Subject = &sp.Subject{NameID: &sp.NameID{Value: "ada@example.com.evil.example"}}
	})
	text := strings.Replace(xmlOf(t, r.Element()), "ada@example.com.evil", "ada@example.com<!-- -->.evil", 1)
	b := w.browser()
	if codes, _ := w.status(b.in(b.get(query(t, text))).posted()); strings.Join(codes, " ") != "Responder UnknownPrincipal" {
		w.Errorf("%v", codes)
	}
}

// TestRelayStateInjection: what a RelayState holds is text in the page that posts it, and nothing else; one that is too long is refused.
func TestRelayStateInjection(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	evil := `"><script>alert(1)</script><input name="SAMLResponse" value="x`
	r := b.in(b.get("/samlp/app?" + url.Values{"RelayState": {evil}}.Encode()))
	if got := r.posted().Get("RelayState"); got != evil || strings.Contains(r.body, "<script>alert") || strings.Count(r.body, `name="SAMLResponse"`) != 1 {
		w.Errorf("%s", r.body)
	}
	if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "script-src 'nonce-") || r.header.Get("Cache-Control") != "no-store" {
		w.Errorf("%v", r.header)
	}
	w.refusedHere("too long", b.get("/samlp/app?RelayState="+strings.Repeat("x", 5000)), "too long")
}

// TestNameInXML: a name that XML cannot hold, or would hold as another, is told to nobody; in attributes such characters are left out.
func TestNameInXML(t *testing.T) {
	w := newWorld(t, "sqlite")
	u := w.ada()
	_, err := w.st.UpdateUser(t.Context(), u.ID, func(u *stagedoorUser) error { u.Name = "Ada\x01 <b>&amp;</b> Lovelace"; return nil })
	w.ok(err)
	b := w.browser()
	p := w.provider()
	id, path := w.ask(p, "")
	a, err := w.read(p, b.in(b.get(path)).posted(), id)
	w.ok(err)
	if got := attributes(a)[claims+"name"]; len(got) != 1 || got[0] != "Ada <b>&amp;</b> Lovelace" {
		w.Errorf("%q", got)
	}
	w.addon("app", `{"nameIdentifierProbes":["`+claims+`name"]}`)
	_, path = w.ask(p, "")
	if codes, message := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder RequestDenied" || message != "Internal error" {
		w.Errorf("%v %s", codes, message)
	}
}

// TestRequestsWithoutEnd: of a request that nobody signed the name is kept for twenty minutes, so that one network brings only so many, also of those that need no page.
func TestRequestsWithoutEnd(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.pipe.Networks.LoginRate = 100
	b, yes, p := w.browser(), true, w.provider()
	_, path := w.ask(p, "", func(r *sp.AuthnRequest) { r.IsPassive = &yes })
	for range 5000 - 2 {
		w.ok(w.pipe.Message(pipeline.Visit{Store: w.st, IP: "192.0.2.7"}))
	}
	for i, want := range []int{http.StatusOK, http.StatusBadRequest, http.StatusTooManyRequests} { // one that was used before counts as well
		if r := b.do(http.MethodGet, path, ""); r.status != want {
			t.Errorf("request %d: %d", i, r.status)
		}
	}
	w.wait(time.Second)
	if _, path := w.ask(p, ""); b.get(path).status != http.StatusOK {
		t.Error("a second later there is no room")
	}
}

// TestRefusalsAreLoggedOnce: what is refused on a page of ours is one event of the log, which says what an administrator wants to know; anybody can cause it.
func TestRefusalsAreLoggedOnce(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{}`)
	for path, kind := range map[string]string{"/samlp/app?SAMLRequest=x": "f", "/samlp/app/logout?SAMLRequest=x": "flo", "/wsfed/app?wa=x": "f"} {
		before, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 50})
		w.ok(err)
		w.browser().get(path)
		after, _, err := w.st.Logs(t.Context(), store.LogQuery{PerPage: 50})
		w.ok(err)
		if len(after) != len(before)+1 || after[0].Type != kind || after[0].ClientID != "app" {
			t.Errorf("%s: %d events, %+v", path, len(after)-len(before), after[0])
		}
	}
}
