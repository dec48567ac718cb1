package saml_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	sp "github.com/crewjam/saml"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// rule adds a rule.
func (w *world) rule(code string) {
	w.Helper()
	w.ok(w.st.CreateRule(w.Context(), &stagedoor.Rule{Name: "rule " + stagedoor.NewToken()[:8], Script: code, Enabled: true, Stage: "login_success"}))
}

// told is what the client is told in a login of its own.
func (w *world) told(b *browser) (*sp.Assertion, map[string][]string) {
	w.Helper()
	p := w.provider(func(p *sp.ServiceProvider) { p.RejectSHA1Signatures = false })
	id, path := w.ask(p, "")
	a, err := w.read(p, b.get(path).posted(), id)
	w.ok(err)
	return a, attributes(a)
}

// TestAddon: what the addon says of the answer holds.
func TestAddon(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	w.addon("app", `{"mappings":{"email":["mail","m"],"user_metadata.color":"color","app_metadata.seats":"seats","nothing":"x"},"passthroughClaimsWithNoMapping":false,
		"mapIdentities":false,"createUpnClaim":false,"nameIdentifierFormat":"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress","nameIdentifierProbes":["mail"],
		"lifetimeInSeconds":60,"authnContextClassRef":"urn:x","issuer":"urn:idp","includeAttributeNameFormat":false}`)
	a, got := w.told(b)
	want := map[string][]string{"mail": {"ada@example.com"}, "m": {"ada@example.com"}, "color": {"green"}, "seats": {"7"}}
	if g, _ := json.Marshal(got); string(g) != string(must(json.Marshal(want))) {
		w.Errorf("%s", g)
	}
	if n := a.Subject.NameID; n.Value != "ada@example.com" || !strings.HasSuffix(n.Format, ":emailAddress") || a.Issuer.Value != "urn:idp" {
		w.Errorf("%+v %+v", n, a.Issuer)
	}
	if a.Conditions.NotOnOrAfter.Sub(a.Conditions.NotBefore) != time.Minute || a.AuthnStatements[0].AuthnContext.AuthnContextClassRef.Value != "urn:x" || a.AttributeStatements[0].Attributes[0].NameFormat != "" {
		w.Errorf("%+v", a)
	}
	w.addon("app", `{"mappings":{"email":"mail"},"mapUnknownClaimsAsIs":true,"typedAttributes":false,"signatureAlgorithm":"rsa-sha1"}`)
	if _, got = w.told(b); got["mail"] == nil || got["email_verified"] == nil || got[claims+"name"] == nil || got[own+"email_verified"] != nil {
		w.Errorf("%v", got)
	}
	raw := func() string {
		values := b.get("/samlp/app").posted()
		text, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
		w.ok(err)
		return string(text)
	}
	if text := raw(); !strings.Contains(text, "xmldsig#rsa-sha1") || strings.Contains(text, `"xs:string"`) || !strings.Contains(text, `"xs:anyType"`) {
		w.Errorf("%s", text)
	}
	w.addon("app", `{"signResponse":true,"audience":"urn:aud","recipient":"https://app.example/r","destination":"https://app.example/d"}`)
	text := raw()
	for _, part := range []string{`Destination="https://app.example/d"`, `Recipient="https://app.example/r"`, ">urn:aud<", "rsa-sha256"} {
		if !strings.Contains(text, part) {
			w.Errorf("no %s in %s", part, text)
		}
	}
	if head, _, _ := strings.Cut(text, "<saml:Assertion"); strings.Count(text, "<ds:SignatureValue>") != 1 || !strings.Contains(head, "<ds:SignatureValue>") {
		w.Errorf("%s", text)
	}
	w.addon("app", `{"audience":7,"lifetimeInSeconds":"x","mappings":[],"nameIdentifierProbes":{}}`) // of other shapes: as if it were not there
	if a, _ := w.told(b); a.Conditions.AudienceRestrictions[0].Audience.Value != entity || a.Conditions.NotOnOrAfter.Sub(a.Conditions.NotBefore) != time.Hour {
		w.Errorf("%+v", a.Conditions)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestRules: context.samlConfiguration goes before the addon, in this login alone.
func TestRules(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addon("app", `{"mappings":{"email":"mail"},"lifetimeInSeconds":60}`)
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	w.rule(`function (user, context, callback) {
		if (context.protocol !== 'samlp') return callback(null, user, context);
		user.shout = user.name.toUpperCase();
		user.list = ['a', 'b'];
		context.samlConfiguration = context.samlConfiguration || {};
		context.samlConfiguration.mappings = {loud: 'shout', list: ['none', 'list'], color: 'user_metadata.color', 'from-token': 'https://claims.example/x'};
		context.samlConfiguration.passthroughClaimsWithNoMapping = false;
		context.samlConfiguration.audience = 'urn:' + context.clientID;
		context.idToken['https://claims.example/x'] = 1.5;
		callback(null, user, context);
	}`)
	p := w.provider(func(p *sp.ServiceProvider) { p.EntityID = "urn:app" })
	id, path := w.ask(p, "")
	a, err := w.read(p, b.get(path).posted(), id)
	w.ok(err)
	got := attributes(a)
	if got["loud"][0] != "ADA LOVELACE" || !slices.Equal(got["list"], []string{"a", "b"}) || got["color"][0] != "green" || got["from-token"][0] != "1.5" || got["mail"] != nil {
		w.Errorf("%v", got)
	}
	if a.Conditions.NotOnOrAfter.Sub(a.Conditions.NotBefore) != time.Minute {
		w.Errorf("%+v", a.Conditions)
	}
	w.rule(`function (user, context, callback) { context.samlConfiguration = 'x'; callback(null, user, context); }`)
	_, path = w.ask(p, "")
	if codes, message := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder RequestDenied" || !strings.Contains(message, "context.samlConfiguration") {
		w.Errorf("%v %s", codes, message)
	}
	w.rule(`function (user, context, callback) { callback(new UnauthorizedError('Not you.')); }`)
	_, path = w.ask(p, "")
	if codes, message := w.status(b.get(path).posted()); strings.Join(codes, " ") != "Responder AuthnFailed" || message != "Not you." {
		w.Errorf("%v %s", codes, message)
	}
}

// TestDigest: the digest is a setting of its own, in signatures over assertions and responses of both protocols; as the library reads it, and xmlsec1
// where it is there.
func TestDigest(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	p := w.provider(func(p *sp.ServiceProvider) { p.RejectSHA1Signatures = false })
	party, err := xmlsig.ReadFederation(b.get("/wsfed/FederationMetadata/2007-06/FederationMetadata.xml").body)
	w.ok(err)
	for _, c := range []struct{ addon, digest, signature string }{
		{`{"digestAlgorithm":"sha1"}`, "xmldsig#sha1", "rsa-sha256"},
		{`{"digestAlgorithm":"sha1","signResponse":true}`, "xmldsig#sha1", "rsa-sha256"},
		{`{"signatureAlgorithm":"rsa-sha1","digestAlgorithm":"sha256"}`, "xmlenc#sha256", "rsa-sha1"},
		{`{"signatureAlgorithm":"rsa-sha1"}`, "xmldsig#sha1", "rsa-sha1"},
		{`{"digestAlgorithm":"md5"}`, "xmlenc#sha256", "rsa-sha256"},
	} {
		methods := func(text []byte) {
			t.Helper()
			doc := etree.NewDocument()
			w.ok(doc.ReadFromBytes(text))
			digest, signature := doc.FindElement("//DigestMethod").SelectAttrValue("Algorithm", ""), doc.FindElement("//SignatureMethod").SelectAttrValue("Algorithm", "")
			if !strings.HasSuffix(digest, c.digest) || !strings.HasSuffix(signature, c.signature) {
				t.Errorf("%s: %s %s", c.addon, digest, signature)
			}
			w.xmlsec(text, "--verify", "--pubkey-cert-pem", "CERT", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response",
				"--id-attr:AssertionID", "urn:oasis:names:tc:SAML:1.0:assertion:Assertion")
		}
		w.addon("app", c.addon)
		id, path := w.ask(p, "")
		values := b.get(path).posted()
		_, err := w.read(p, values, id)
		w.ok(err)
		text, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
		w.ok(err)
		methods(text)

		w.addons("app", `{"wsfed":`+c.addon+`}`)
		_, fields := b.get(wsfed()).want(http.StatusOK).form()
		methods([]byte(fields.Get("wresult")))
		if _, err := xmlsig.ReadToken(party, "urn:app", fields.Get("wresult"), w.clock()); (err == nil) != (c.digest == "xmlenc#sha256" && c.signature == "rsa-sha256") {
			t.Errorf("%s: our own reader: %v", c.addon, err)
		}
	}
}

// action binds an action to the login, behind those that there are.
func (w *world) action(code string) {
	w.Helper()
	a := &stagedoor.Action{ID: stagedoor.NewUUID(), Name: stagedoor.NewID("Action "), Draft: stagedoor.ActionCode{Code: code}}
	w.ok(w.st.CreateAction(w.Context(), a))
	_, _, err := w.st.DeployAction(w.Context(), a.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
		return &stagedoor.ActionVersion{Body: a.Draft}, nil
	})
	w.ok(err)
	_, err = w.st.SetActionBindings(w.Context(), "post-login", func(old []stagedoor.ActionBinding, _ []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
		return append(old, stagedoor.ActionBinding{Action: a.ID}), nil
	})
	w.ok(err)
}

// TestActions: api.samlResponse goes before the addon and before rules.
func TestActions(t *testing.T) {
	w := newWorld(t, "sqlite")
	b := w.browser()
	b.in(b.get("/samlp/app")).posted()
	w.rule(`function (user, context, callback) { context.samlConfiguration.lifetimeInSeconds = 30; context.samlConfiguration.issuer = 'urn:rule'; callback(null, user, context); }`)
	w.action(`exports.onExecutePostLogin = async (event, api) => {
		if (event.transaction.protocol !== 'samlp' || event.transaction.redirect_uri !== '` + acs + `') throw new Error('another protocol');
		api.samlResponse.setAttribute('roles', ['x', 'y']).samlResponse.setAttribute('n', 3);
		api.samlResponse.setAttribute('` + claims + `name', null);
		api.samlResponse.setAudience('urn:actions');
		api.samlResponse.setLifetimeInSeconds(90);
		api.samlResponse.setRelayState('from the action');
		api.samlResponse.setEncryptionCert(` + w.cert() + `);
		for (const bad of [() => api.samlResponse.setAudience(7), () => api.samlResponse.setAttribute('', 1), () => api.samlResponse.setAttribute('x', {}), () => api.samlResponse.setSignatureAlgorithm('md5')]) {
			try { bad(); } catch (e) { continue; }
			throw new Error('taken: ' + bad);
		}
	};`)
	p := w.provider(func(p *sp.ServiceProvider) { p.EntityID = "urn:actions" })
	id, path := w.ask(p, "relay")
	values := b.get(path).posted()
	raw, _ := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
	if values.Get("RelayState") != "from the action" || strings.Contains(string(raw), "roles") || !strings.Contains(string(raw), "EncryptedAssertion") {
		w.Errorf("%v %s", values, raw)
	}
	p.IDPMetadata.EntityID = "urn:rule"
	a, err := w.read(p, values, id)
	w.ok(err)
	got := attributes(a)
	if !slices.Equal(got["roles"], []string{"x", "y"}) || got["n"][0] != "3" || got[claims+"name"] != nil || a.Issuer.Value != "urn:rule" || a.Conditions.NotOnOrAfter.Sub(a.Conditions.NotBefore) != 90*time.Second {
		w.Errorf("%v %+v", got, a)
	}
}
