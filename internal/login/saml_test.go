package login_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
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

// TestNamesLikeOurIds: where people choose what their provider calls them, a name that begins like an id of ours is nobody else's.
func TestNamesLikeOurIds(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	w.saml("corp", nil)
	w.standin.Choose(&kim)
	w.in("corp")
	for _, name := range []string{"corp|k1", "samlp|corp|k1", "samlp|k1"} {
		eve := standin.Person{Subject: name, Email: "eve@corp.example", Name: "Eve"}
		w.standin.Choose(&eve)
		w.in("corp")
		if u, err := w.st.User(t.Context(), "samlp|corp|"+name); err != nil || u.Name != "Eve" {
			t.Errorf("%s: %+v %v", name, u, err)
		}
	}
	w.oidc("issuer", nil)
	w.standin.Choose(&kim)
	w.in("issuer")
	for name, at := range map[string]string{"k1\u00a0": "corp", "\u3000k1": "corp", " k1": "issuer", "k1 ": "issuer"} {
		w.standin.Choose(&standin.Person{Subject: name, Email: "eve@corp.example", Name: "Eve"})
		w.out(at, "The identity provider gave no profile", "its user_id begins or ends with a space")
	}
	for _, id := range []string{"samlp|corp|k1", "oidc|issuer|k1"} {
		if u, err := w.st.User(t.Context(), id); err != nil || u.LoginsCount != 1 || u.Name != "Kim Corp" {
			t.Errorf("%+v %v", u, err)
		}
	}
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
	for protocol, to := range map[string]string{
		"oauth2": "/authorize?RelayState=x&client_id=app&connection=corp", "": "/authorize?RelayState=x&client_id=app&connection=corp",
		"samlp": "/samlp/app?RelayState=x&connection=corp", "wsfed": "/wsfed/app?RelayState=x&connection=corp&wa=wsignin1.0",
	} {
		w.set(conn, "idpinitiated", map[string]any{"enabled": true, "client_id": "app", "client_protocol": protocol, "client_authorizequery": "RelayState=x"})
		if got := w.browser().post("/login/callback?connection=corp", issue("")).want(http.StatusSeeOther).to(); !strings.HasPrefix(got, to) {
			t.Errorf("%q: %s, want %s", protocol, got, to)
		}
	}
	w.set(conn, "idpinitiated", map[string]any{"enabled": true, "client_id": "app", "client_protocol": "gopher"})
	w.browser().post("/login/callback?connection=corp", issue("")).want(http.StatusForbidden).says("The client of IdP-initiated logins cannot be used.")
	w.browser().post("/login/callback?connection=corp", issue("id-of-a-request")).want(http.StatusForbidden)
	w.browser().post("/login/callback?connection=Users", issue("")).want(http.StatusBadRequest)
	w.browser().post("/login/callback?connection=corp", url.Values{"SAMLResponse": {""}}).want(http.StatusForbidden)
}

// TestEncryptedSAML: assertions that are encrypted for the key that the metadata name are read.
func TestEncryptedSAML(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	w.saml("corp", nil)
	metadata := w.browser().get("/samlp/metadata?connection=corp").want(http.StatusOK).body
	_, rest, _ := strings.Cut(metadata, `use="encryption"`)
	_, rest, _ = strings.Cut(rest, "X509Certificate")
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "<")
	certs := xmlsig.Certificates(text)
	if len(certs) != 1 {
		t.Fatalf("the metadata name no key: %s", metadata)
	}
	answer := w.asserted(w.browser(), "corp", xmlsig.Issued{NameID: "k7", EncryptFor: &xmlsig.Reader{Cert: certs[0]}})
	if raw, _ := base64.StdEncoding.DecodeString(answer); strings.Contains(string(raw), ">k7<") || !strings.Contains(string(raw), "EncryptedAssertion") {
		t.Error("it is not encrypted")
	}
	if _, err := w.st.User(t.Context(), "samlp|corp|k7"); err != nil {
		t.Error(err)
	}
}

// asserted signs in by an answer that says x, and returns it.
func (w *abroadWorld) asserted(b *browser, name string, x xmlsig.Issued) string {
	w.Helper()
	asked, _ := url.Parse(b.begin("connection", name).to())
	request, err := xmlsig.ReadRequest(&http.Request{Method: http.MethodGet, URL: asked})
	w.ok(err)
	x.To, x.Audience, x.InResponseTo, x.At, x.Life = request.ACS, request.Issuer, request.ID, w.clock(), time.Minute
	answer, err := w.standin.Issuer().Issue(x)
	w.ok(err)
	if q := b.finish(b.get(b.post("/login/callback?connection="+name, url.Values{"SAMLResponse": {answer}, "RelayState": {asked.Query().Get("RelayState")}}).to())); q.Get("code") == "" {
		w.Errorf("%v", q)
	}
	return answer
}

// An answer that a browser posted is kept for the moment until it comes by itself: it is long, and whoever knows the login's name can post one. The login has its time again then.
func TestPostedAnswersAreKeptForAMoment(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	w.saml("corp", nil)
	w.pipe.Networks.LoginRate = 10
	posted := func(b *browser) *reply {
		asked, _ := url.Parse(b.begin("connection", "corp").to())
		request, err := xmlsig.ReadRequest(&http.Request{Method: http.MethodGet, URL: asked})
		w.ok(err)
		answer, err := w.standin.Issuer().Issue(xmlsig.Issued{NameID: "k7", To: request.ACS, Audience: request.Issuer, InResponseTo: request.ID, At: w.clock(), Life: 30 * time.Minute})
		w.ok(err)
		return b.post("/login/callback?connection=corp", url.Values{"SAMLResponse": {answer}, "RelayState": {asked.Query().Get("RelayState")}})
	}
	b := w.browser()
	to := posted(b).want(http.StatusSeeOther).to()
	w.wait(6 * time.Minute)
	b.get(to).want(http.StatusBadRequest)

	b = w.browser()
	goesOn := b.get(posted(b).want(http.StatusSeeOther).to())
	w.wait(6 * time.Minute)
	if q := b.finish(goesOn); q.Get("code") == "" {
		t.Errorf("%v", q)
	}

	// What is long counts as more, and one network has only so much room for it.
	b = w.browser()
	n, r := 0, (*reply)(nil)
	for ; n < 1000; n++ {
		asked, _ := url.Parse(b.begin("connection", "corp").to())
		r = b.post("/login/callback?connection=corp", url.Values{"SAMLResponse": {strings.Repeat("x", 400<<10)}, "RelayState": {asked.Query().Get("RelayState")}})
		if r.status != http.StatusSeeOther {
			break
		}
	}
	if r.want(http.StatusTooManyRequests); n != 500/26 {
		t.Errorf("%d answers", n)
	}
}

// TestSAMLLogout: who signs out here signs out there as whom, and of what, the provider named; who signs out there is signed out here, in the sessions
// that it names.
func TestSAMLLogout(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.standin.Now = w.clock
			conn := w.saml("corp", map[string]any{"user_id_attribute": "department"})
			w.saml("other", nil)
			_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error { c.AllowedLogoutURLs = []string{"https://app.example/bye"}; return nil })
			w.ok(err)
			in := func(name, id, index string) *browser {
				b := w.browser()
				w.asserted(b, name, xmlsig.Issued{NameID: id, SessionIndex: index, Attributes: map[string][]string{"department": {"sound"}}})
				return b
			}
			live := func(b *browser, want bool) {
				t.Helper()
				if got := !strings.Contains(b.begin("prompt", "none").to(), "login_required"); got != want {
					t.Errorf("the session lives: %v, want %v", got, want)
				}
			}
			theirs := &xmlsig.Own{EntityID: standin.EntityID, SLO: w.at + "/saml/sign-out", Key: w.standin.Issuer().Key, Cert: w.standin.Issuer().Cert}
			ours, err := w.pipe.Upstream.SAMLOwn(t.Context(), w.st, conn, origin+"/")
			w.ok(err)
			us := &xmlsig.Party{EntityID: ours.EntityID, Certs: xmlsig.Certificates(base64.StdEncoding.EncodeToString(ours.Cert.Raw))}
			to, _ := url.Parse(in("corp", "k1", "s-1").get("/v2/logout?client_id=app&federated&returnTo=https%3A%2F%2Fapp.example%2Fbye").to())
			asked, err := theirs.ReadLogout(us, xmlsig.Message{Query: to.RawQuery}, w.clock())
			if err != nil || asked.NameID != "k1" || len(asked.Indexes) != 1 || asked.Indexes[0] != "s-1" {
				t.Fatalf("%+v %v", asked, err)
			}

			first, second, third, elsewhere := in("corp", "k1", "s-1"), in("corp", "k1", "s-2"), in("corp", "k2", "s-1"), in("other", "k1", "s-1")
			out := func(i *xmlsig.Issuer, came stagedoor.CameBy, post bool) *xmlsig.Departure {
				d, err := i.Logout(origin+"/logout", came, "relay", post, w.clock())
				w.ok(err)
				return d
			}
			send := func(d *xmlsig.Departure) *reply {
				if d.Form == nil {
					return w.browser().get(strings.TrimPrefix(d.Address, origin))
				}
				return w.browser().post("/logout", url.Values{"SAMLRequest": {d.Form["SAMLRequest"]}, "RelayState": {d.Form["RelayState"]}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://idp.example")
			}
			for _, post := range []bool{false, true} { // nobody else's word counts
				send(out(w.standin.Stranger(), stagedoor.CameBy{NameID: "k1"}, post)).want(http.StatusForbidden).says("not valid")
			}
			w.logs(`"type":"flo"`)
			live(first, true)
			once := out(w.standin.Issuer(), stagedoor.CameBy{NameID: "k1", SessionIndex: "s-1"}, false)
			answer, _ := url.Parse(send(once).want(http.StatusSeeOther).to())
			if q := answer.Query(); !strings.HasPrefix(answer.String(), w.at+"/saml/sign-out?") || q.Get("SAMLResponse") == "" || q.Get("RelayState") != "relay" || q.Get("Signature") == "" {
				t.Errorf("%s", answer)
			}
			w.logs(`"type":"slo"`, "signed out there")
			live(first, false)
			live(second, true)
			first = in("corp", "k1", "s-1")
			send(once).want(http.StatusForbidden) // replayed
			live(first, true)
			send(out(w.standin.Issuer(), stagedoor.CameBy{NameID: "k1"}, true)).want(http.StatusSeeOther)
			live(first, false)
			live(second, false)
			live(third, true)
			live(elsewhere, false) // they have signed out at the provider, by whichever connection to it they came
			r := w.browser().post("/logout", url.Values{"SAMLResponse": {"x"}, "RelayState": {"y"}}).want(http.StatusSeeOther)
			if r.to() != "/logout?RelayState=y" {
				t.Errorf("%s", r.to())
			}
			w.browser().get("/logout?SAMLRequest=x").want(http.StatusForbidden)
		})
	}
}

// TestSAMLLogoutStaysHere: a connection with disableSignout signs nobody out at its provider.
func TestSAMLLogoutStaysHere(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	_, err := w.st.UpdateClient(t.Context(), "app", func(c *stagedoor.Client) error { c.AllowedLogoutURLs = []string{"https://app.example/bye"}; return nil })
	w.ok(err)
	for name, there := range map[string]bool{"corp": true, "quiet": false} {
		w.saml(name, map[string]any{"disableSignout": !there})
		b := w.browser()
		w.asserted(b, name, xmlsig.Issued{NameID: "k1"})
		to := b.get("/v2/logout?client_id=app&federated&returnTo=https%3A%2F%2Fapp.example%2Fbye").to()
		if strings.HasPrefix(to, w.at+"/saml/sign-out?") != there || (to == "https://app.example/bye") == there {
			t.Errorf("%s: %s", name, to)
		}
	}
}

// TestSAMLLogoutOfMany: in a tenant with many connections the provider's own is found, whatever comes before it and whatever others lack.
func TestSAMLLogoutOfMany(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	stranger := base64.StdEncoding.EncodeToString(w.standin.Stranger().Cert.Raw)
	for i := range 25 {
		w.saml(fmt.Sprintf("a%02d", i), map[string]any{"signingCert": stranger})
	}
	w.saml("zz", map[string]any{"metadataXml": `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + standin.EntityID + `">
		<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>`})
	signOut := func(name string) {
		t.Helper()
		b := w.browser()
		w.asserted(b, name, xmlsig.Issued{NameID: "k1"})
		d, err := w.standin.Issuer().Logout(origin+"/logout", stagedoor.CameBy{NameID: "k1"}, "", false, w.clock())
		w.ok(err)
		w.browser().get(strings.TrimPrefix(d.Address, origin)).want(http.StatusSeeOther)
		if to := b.begin("prompt", "none").to(); !strings.Contains(to, "login_required") {
			t.Errorf("%s: the session lives: %s", name, to)
		}
	}
	for range 35 { // good ones do not count: a company's people may share an address
		signOut("zz")
	}
	for range 40 { // strangers' messages cost something: an address has thirty of them
		w.browser().get("/logout?SAMLRequest=x")
	}
	w.browser().get("/logout?SAMLRequest=x").want(http.StatusTooManyRequests)

	w = newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	for i := range 25 {
		w.saml(fmt.Sprintf("a%02d", i), map[string]any{"signingCert": stranger})
	}
	w.saml("one", nil) // neither says what its provider calls itself, which is the same
	w.saml("two", nil)
	signOut("two")
	signOut("one")

	w = newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	w.saml("broken", map[string]any{"signing_key": map[string]string{"key": "none", "cert": "none"}})
	w.saml("corp", nil)
	signOut("corp")
}
