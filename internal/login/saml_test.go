package login_test

import (
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// saml adds a connection to the stand-in as an identity provider of SAML.
func (w *abroadWorld) saml(name string, options map[string]any) *stagedoor.Connection {
	block, _ := pem.Decode([]byte(w.standin.Certificate()))
	all := map[string]any{
		"signInEndpoint": w.at + "/saml/sign-in", "signOutEndpoint": w.at + "/saml/sign-out", "signingCert": base64.StdEncoding.EncodeToString(block.Bytes),
		"client_id": "", "stagedoor": nil,
	}
	for name, value := range options {
		all[name] = value
	}
	return w.upstream(name, "samlp", all)
}

func TestSAML(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.standin.Now = w.clock
			conn := w.saml("corp", nil)
			w.standin.Choose(&kim)
			w.in("corp")
			u, err := w.st.User(t.Context(), "samlp|corp|k1")
			if err != nil || u.Email != "Kim@Corp.example" && u.Email != "kim@corp.example" || u.EmailVerified || u.Name != "Kim Corp" || u.GivenName != "Kim" || string(u.Attributes["department"]) != `"sound"` || len(u.Attributes["groups"]) == 0 {
				t.Fatalf("%+v %v", u, err)
			}
			if i := u.Identities[0]; i.IsSocial || i.Provider != "samlp" || i.UserID != "corp|k1" {
				t.Errorf("%+v", i)
			}
			last := func() xmlsig.Asked { all := w.standin.Requests(); return all[len(all)-1] }
			if r := last(); r.Signed || r.Issuer != "urn:auth0:acme:corp" || r.ACS != origin+"/login/callback?connection=corp" {
				t.Errorf("%+v", r)
			}
			w.set(conn, "signSAMLRequest", true)
			w.set(conn, "entityId", "urn:acme")
			w.set(conn, "fieldsMap", map[string]any{"name": []string{"nothing", "department"}, "email": "nothing", "user_id": "department"})
			w.in("corp")
			if r := last(); !r.Signed || r.Issuer != "urn:acme" {
				t.Errorf("%+v", r)
			}
			if u, err = w.st.User(t.Context(), "samlp|corp|sound"); err != nil || u.Name != "sound" || u.Email != "" {
				t.Errorf("%+v %v", u, err)
			}
			w.set(conn, "fieldsMap", map[string]any{})
			w.set(conn, "protocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
			b := w.browser()
			page := b.begin("connection", "corp").want(http.StatusOK).says("Continue")
			action, fields := page.form()
			if action != w.at+"/saml/sign-in" || fields.Get("SAMLRequest") == "" || len(fields.Get("RelayState")) > 80 || !strings.Contains(page.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("%s %v", action, fields)
			}
			metadata := w.browser().get("/samlp/metadata?connection=corp").want(http.StatusOK)
			if ct := metadata.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/samlmetadata+xml") || !strings.Contains(metadata.body, `entityID="urn:acme"`) || !strings.Contains(metadata.body, "X509Certificate") {
				t.Errorf("%s %s", ct, metadata.body)
			}
			w.browser().get("/samlp/metadata?connection=Users").want(http.StatusNotFound)
			w.browser().get("/samlp/metadata").want(http.StatusNotFound)
		})
	}
}

// TestHostileSAML: answers that are not signed, not for us, not of this login or not of now let nobody in.
func TestHostileSAML(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	w.saml("corp", nil)
	w.standin.Choose(&kim)
	w.in("corp") // so that the issuer is not what fails
	for _, mode := range standin.SAMLModes {
		if mode == standin.WrongIssuer {
			continue // without the issuer's name in the options its certificate tells
		}
		t.Run(mode, func(t *testing.T) {
			w.T = t
			w.standin.Misbehave(mode)
			w.out("corp", "The answer of the identity provider is not valid", "xmlsig")
		})
	}
	w.T = t
	if u, err := w.st.User(t.Context(), "samlp|corp|k1"); err != nil || u.LoginsCount != 1 {
		t.Errorf("%+v %v", u, err)
	}
	// Somebody else's answer in one's own login, and one's own answer again: each answers one request.
	w.standin.Misbehave("")
	ada, eve := w.browser(), w.browser()
	first := ada.begin("connection", "corp")
	asked, _ := url.Parse(first.to())
	request, err := xmlsig.ReadRequest(&http.Request{Method: http.MethodGet, URL: asked})
	w.ok(err)
	answer, err := w.standin.Issuer().Issue(xmlsig.Issued{To: request.ACS, Audience: request.Issuer, InResponseTo: request.ID, NameID: "k1", At: w.clock(), Life: time.Minute})
	w.ok(err)
	evil, _ := url.Parse(eve.begin("connection", "corp").to())
	stolen := url.Values{"SAMLResponse": {answer}, "RelayState": {evil.Query().Get("RelayState")}}
	if q := eve.finish(eve.get(eve.post("/login/callback?connection=corp", stolen).to())); q.Get("error") != "access_denied" {
		t.Errorf("another login took the answer: %v", q)
	}
	own := url.Values{"SAMLResponse": {answer}, "RelayState": {asked.Query().Get("RelayState")}}
	if q := ada.finish(ada.get(ada.post("/login/callback?connection=corp", own).to())); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	ada.post("/login/callback?connection=corp", own).want(http.StatusForbidden).says("IdP-Initiated login is not enabled")
}

// TestUnaskedSAML: an identity provider sends people by itself only where the connection says so, and each answer is good once.
func TestUnaskedSAML(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	conn := w.saml("corp", nil)
	issue := func(inResponseTo string) url.Values {
		answer, err := w.standin.Issuer().Issue(xmlsig.Issued{
			To: origin + "/login/callback?connection=corp", Audience: "urn:auth0:acme:corp", InResponseTo: inResponseTo, NameID: "k9", At: w.clock(), Life: time.Minute,
		})
		w.ok(err)
		return url.Values{"SAMLResponse": {answer}}
	}
	b := w.browser()
	b.post("/login/callback?connection=corp", issue("")).want(http.StatusForbidden).says("IdP-Initiated login is not enabled")
	w.set(conn, "idpinitiated", map[string]any{"enabled": true, "client_id": "app", "client_protocol": "oidc", "client_authorizequery": "scope=openid&state=from-idp&code_challenge=" + strings.Repeat("c", 43) + "&code_challenge_method=S256"})
	answer := issue("")
	r := b.post("/login/callback?connection=corp", answer, "Sec-Fetch-Site", "cross-site", "Origin", "https://idp.example").want(http.StatusSeeOther)
	if q := b.finish(r); q.Get("code") == "" || q.Get("state") != "from-idp" {
		t.Errorf("%v", q)
	}
	if u, err := w.st.User(t.Context(), "samlp|corp|k9"); err != nil || u.LoginsCount != 1 {
		t.Errorf("%+v %v", u, err)
	}
	w.ok(w.st.DeleteUser(t.Context(), "samlp|corp|k9"))
	w.browser().post("/login/callback?connection=corp", answer).want(http.StatusForbidden) // replay
	w.logs("its assertion was used before")
	if _, err := w.st.User(t.Context(), "samlp|corp|k9"); !stagedoor.IsKind(err, stagedoor.NotFound) {
		t.Errorf("a replayed answer has written its person: %v", err)
	}
	w.browser().post("/login/callback?connection=corp", issue("id-of-a-request")).want(http.StatusForbidden)
	w.browser().post("/login/callback?connection=Users", issue("")).want(http.StatusBadRequest)
	w.browser().post("/login/callback?connection=corp", url.Values{"SAMLResponse": {""}}).want(http.StatusForbidden)
}
