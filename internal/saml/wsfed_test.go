package saml_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// wsfed is the path of a request to sign in.
func wsfed(params ...string) string {
	q := url.Values{"wa": {"wsignin1.0"}, "wtrealm": {"urn:app"}, "wctx": {`a"><b`}}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return "/wsfed/app?" + q.Encode()
}

// TestWSFederation: a client of WS-Federation gets an assertion of SAML 1.1 that its reader takes, of what scripts say, and signs people out.
func TestWSFederation(t *testing.T) {
	each(t, func(w *world) {
		w.addons("app", `{"wsfed":{}}`)
		w.rule(`function (user, context, callback) {
			if (context.protocol !== 'wsfed') return callback(new Error('another protocol'));
			context.samlConfiguration.mappings = {'https://claims.example/color': 'user_metadata.color', mail: 'email'};
			callback(null, user, context);
		}`)
		w.action(`exports.onExecutePostLogin = async (event, api) => { api.samlResponse.setAttribute('https://claims.example/protocol', event.transaction.protocol); };`)
		party, err := xmlsig.ReadFederation(w.browser().get("/wsfed/FederationMetadata/2007-06/FederationMetadata.xml").want(http.StatusOK).body)
		if err != nil || party.SignIn != origin+"/wsfed" || party.EntityID != "urn:acme.test" || len(party.Certs) != 2 {
			w.Fatalf("%+v %v", party, err)
		}
		b := w.browser()
		action, fields := b.in(b.get(wsfed())).want(http.StatusOK).form()
		if action != acs || fields.Get("wa") != "wsignin1.0" || fields.Get("wctx") != `a"><b` {
			w.Fatalf("%s %v", action, fields)
		}
		a, err := xmlsig.ReadToken(party, "urn:app", fields.Get("wresult"), w.clock())
		w.ok(err)
		if a.NameID != w.ada().ID || a.Attributes["https://claims.example/color"][0] != "green" || a.Attributes["mail"][0] != "ada@example.com" || a.Attributes["https://claims.example/protocol"][0] != "wsfed" || a.Ends.Sub(w.clock()) > time.Hour {
			w.Errorf("%+v", a)
		}
		if _, err := xmlsig.ReadToken(party, "urn:other", fields.Get("wresult"), w.clock()); err == nil {
			w.Error("another realm took it")
		}
		b.get("/wsfed?wtrealm=app&wa=wsignin1.0").want(http.StatusOK)
		b.get(wsfed("wfresh", "0")).says("Log in")
		r := b.get("/wsfed/app?wa=wsignout1.0&wreply=https%3A%2F%2Fapp.example%2Fbye")
		if to := r.header.Get("Location"); to != "https://app.example/bye" {
			w.Errorf("%d %s", r.status, to)
		}
		b.get(wsfed()).says("Log in")
	})
}

// TestSettingsOfWSFederation: how somebody signed in, and the types of what is told, as scripts or the addon say.
func TestSettingsOfWSFederation(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addons("app", `{"wsfed":{}}`)
	b := w.browser()
	_, fields := b.in(b.get(wsfed())).want(http.StatusOK).form()
	if text := fields.Get("wresult"); !strings.Contains(text, `AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:unspecified"`) || strings.Contains(text, "xsi:type") {
		t.Error(text)
	}
	w.action(`exports.onExecutePostLogin = async (event, api) => {
		api.samlResponse.setAuthnContextClassRef('urn:oasis:names:tc:SAML:1.0:am:password').samlResponse.setTypedAttributes(true);
		api.samlResponse.setRecipient('https://app.example/elsewhere');
	};`)
	_, fields = b.get(wsfed()).want(http.StatusOK).form()
	doc := etree.NewDocument()
	w.ok(doc.ReadFromString(fields.Get("wresult")))
	how := doc.FindElement("//AuthenticationStatement").SelectAttrValue("AuthenticationMethod", "")
	mail, verified := doc.FindElement("//Attribute[@AttributeName='emailaddress']/AttributeValue"), doc.FindElement("//Attribute[@AttributeName='email_verified']/AttributeValue")
	if how != "urn:oasis:names:tc:SAML:1.0:am:password" || mail.SelectAttrValue("xsi:type", "") != "xs:string" || verified.SelectAttrValue("xsi:type", "") != "xs:boolean" || strings.Contains(fields.Get("wresult"), "elsewhere") {
		t.Error(fields.Get("wresult"))
	}
	party, err := xmlsig.ReadFederation(b.get("/wsfed/FederationMetadata/2007-06/FederationMetadata.xml").body)
	w.ok(err)
	if a, err := xmlsig.ReadToken(party, "urn:app", fields.Get("wresult"), w.clock()); err != nil || a.NameID != w.ada().ID {
		t.Errorf("%+v %v", a, err)
	}
}

// TestOpenRedirectByWreply: neither answers nor people who sign out go to an address that the client has not registered.
func TestOpenRedirectByWreply(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addons("app", `{"wsfed":{}}`)
	b := w.browser()
	for _, evil := range []string{"https://evil.example/", acs + "/x", acs + "?x=1", "//evil.example", "javascript:alert(1)", "https://app.example@evil.example/saml/acs", `https:\\evil.example`} {
		if r := b.get(wsfed("wreply", evil)); r.status != http.StatusForbidden || strings.Contains(r.body, "username") {
			t.Errorf("%s: %d %s", evil, r.status, words(r.body))
		}
		if r := b.get("/wsfed/app?" + url.Values{"wa": {"wsignout1.0"}, "wreply": {evil}}.Encode()); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", evil, r.status, r.header.Get("Location"))
		}
	}
	b.get("/wsfed/plain").want(http.StatusBadRequest).says("it has no addon wsfed")
	b.get("/wsfed/app?wa=wattr1.0").want(http.StatusBadRequest)
	b.get(wsfed("wctx", strings.Repeat("x", 5000))).want(http.StatusBadRequest)
	w.rule(`function (user, context, callback) { callback(new UnauthorizedError('Not you.')); }`)
	b.in(b.get(wsfed())).want(http.StatusBadRequest).says("Not you.")
}

// TestRealmOfAnother: the realm is for whom an assertion is, so that a client gets none for one by which another client is known.
func TestRealmOfAnother(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.addons("app", `{"wsfed":{}}`)
	w.addons("plain", `{"wsfed":{"audience":"urn:wiki"},"samlp":{"audience":"urn:wiki:2"}}`)
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
	_, err = w.st.UpdateClient(t.Context(), "second", func(c *stagedoor.Client) error {
		c.Stored["addons"] = json.RawMessage(`{"wsfed":{}}`)
		c.Callbacks = []string{"https://payroll.example/in", "https://app.example/second/"}
		return nil
	})
	w.ok(err)
	b := w.browser()
	b.in(b.get(wsfed())).want(http.StatusOK)
	for _, realm := range []string{"https://payroll.example/", "https://PAYROLL.example/in", "https://app.example/second/", "urn:wiki", "urn:wiki:2", "urn:payroll", "plain", "urn:second"} {
		if r := b.get(wsfed("wtrealm", realm)).want(http.StatusForbidden).says("The wtrealm is that of another client."); strings.Contains(r.body, "wresult") {
			t.Errorf("%s: %s", realm, r.body)
		}
	}
	for _, realm := range []string{"urn:app", "app", "urn:both", "https://app.example/", ""} {
		b.get(wsfed("wtrealm", realm)).want(http.StatusOK)
	}
}

// TestWSFederationHomeRealm: whr names the connection that people come through. Programs send other names, too, which say nothing to us.
func TestWSFederationHomeRealm(t *testing.T) {
	each(t, func(w *world) {
		w.addons("app", `{"wsfed":{}}`)
		stored := map[string]json.RawMessage{}
		for name, value := range map[string]string{
			"client_id": "c", "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/authorize", "token_endpoint": "https://idp.example/token", "jwks_uri": "https://idp.example/keys",
		} {
			stored[name], _ = json.Marshal(value)
		}
		w.ok(w.st.CreateConnection(w.Context(), &stagedoor.Connection{Name: "corp", Strategy: "oidc", EnabledClients: []string{"app"}, Options: stagedoor.ConnectionOptions{Stored: stored}}))
		if to := w.browser().get(wsfed("whr", "corp")).header.Get("Location"); !strings.HasPrefix(to, "https://idp.example/authorize?") {
			w.Errorf("whr leads to %q", to)
		}
		for _, other := range []string{"", "urn:federation:corp"} {
			w.browser().get(wsfed("whr", other)).want(http.StatusOK).says("Log in")
		}
		w.browser().get(wsfed("whr", "a\x00b")).want(http.StatusBadRequest)
	})
}
