package login_test

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/standin"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// thumbprint is that of the stand-in's certificate.
func (w *abroadWorld) thumbprint() string {
	block, _ := pem.Decode([]byte(w.standin.Certificate()))
	sum := sha1.Sum(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// TestWSFederation: people come by AD FS, known by its metadata or by a thumbprint, and by Entra ID where it speaks the same.
func TestWSFederation(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			w := newAbroad(t, kind)
			w.standin.Now = w.clock
			w.standin.Choose(&kim)
			corp := w.upstream("corp", "adfs", map[string]any{"client_id": "", "adfs_server": "adfs.corp.example", "should_trust_email_verified_connection": "always_set_emails_as_verified"})
			w.in("corp")
			u, err := w.st.User(t.Context(), "adfs|corp|k1")
			if err != nil || u.Email != "kim@corp.example" || !u.EmailVerified || u.Name != "Kim Corp" || u.GivenName != "Kim" || string(u.Attributes["department"]) != `"sound"` {
				t.Fatalf("%+v %v", u, err)
			}
			if i := u.Identities[0]; i.IsSocial || i.Provider != "adfs" {
				t.Errorf("%+v", i)
			}
			to, _ := url.Parse(w.browser().begin("connection", "corp").to())
			if q := to.Query(); q.Get("wa") != "wsignin1.0" || q.Get("wtrealm") != "urn:auth0:acme" || q.Get("wreply") != origin+"/login/callback" || q.Get("wctx") == "" {
				t.Errorf("%s", to)
			}
			w.set(corp, "user_id_attribute", "department")
			w.set(corp, "entityId", "urn:us")
			w.in("corp")
			if _, err := w.st.User(t.Context(), "adfs|corp|sound"); err != nil {
				t.Error(err)
			}
			w.upstream("print", "adfs", map[string]any{"client_id": "", "stagedoor": nil, "signInEndpoint": w.at + "/wsfed/sign-in", "thumbprints": []string{strings.ToUpper(w.thumbprint())}})
			w.in("print")
			block, _ := pem.Decode([]byte(w.standin.Certificate()))
			cert, err := x509.ParseCertificate(block.Bytes)
			w.ok(err)
			text, err := xmlsig.DescribeFederation(xmlsig.Description{EntityID: standin.EntityID, SignIn: w.at + "/wsfed/sign-in", Certs: []*x509.Certificate{cert}})
			w.ok(err)
			w.upstream("xml", "adfs", map[string]any{"client_id": "", "stagedoor": nil, "fedMetadataXml": string(text)})
			w.in("xml")
			w.upstream("entra", "waad", map[string]any{"tenant_domain": "contoso.example", "waad_protocol": "ws-federation"})
			w.in("entra")
			if u, err := w.st.User(t.Context(), "waad|k1"); err != nil || u.EmailVerified {
				t.Errorf("%+v %v", u, err)
			}
			b := w.browser()
			b.finish(b.through(b.begin("connection", "xml")))
			away, _ := url.Parse(b.get("/v2/logout?federated").want(http.StatusFound).to())
			if q := away.Query(); q.Get("wa") != "wsignout1.0" || !strings.HasPrefix(q.Get("wreply"), origin+"/logout?state=") {
				t.Errorf("%s", away)
			}
		})
	}
}

// TestHostileWSFederation: answers that are not signed, not for us or not of now let nobody in; nor does one that was used, or that comes to another's
// login with nothing of its own.
func TestHostileWSFederation(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	w.standin.Now = w.clock
	w.standin.Choose(&kim)
	w.upstream("corp", "adfs", map[string]any{"client_id": "", "adfs_server": "adfs.corp.example"})
	w.in("corp")
	for _, mode := range standin.WSFedModes {
		t.Run(mode, func(t *testing.T) {
			w.T = t
			w.standin.Misbehave(mode)
			w.out("corp", "The answer of the identity provider is not valid", "xmlsig")
		})
	}
	w.T = t
	w.standin.Misbehave("")
	token, err := w.standin.Issuer().IssueToken(xmlsig.Issued{Audience: "urn:auth0:acme", NameID: "k1", At: w.clock(), Life: 60e9})
	w.ok(err)
	answer := func(b *browser) url.Values {
		to, _ := url.Parse(b.begin("connection", "corp").to())
		form := url.Values{"wa": {"wsignin1.0"}, "wctx": {to.Query().Get("wctx")}, "wresult": {token}}
		return b.finish(b.get(b.post("/login/callback", form).want(http.StatusSeeOther).to()))
	}
	if q := answer(w.browser()); q.Get("code") == "" {
		t.Fatalf("%v", q)
	}
	if q := answer(w.browser()); q.Get("error") != "access_denied" {
		t.Errorf("an answer was good twice: %v", q)
	}
	w.browser().post("/login/callback", url.Values{"wa": {"wsignin1.0"}, "wctx": {"x"}, "wresult": {token}}).want(http.StatusBadRequest)
	if u, err := w.st.User(t.Context(), "adfs|corp|k1"); err != nil || u.LoginsCount != 2 {
		t.Errorf("%+v %v", u, err)
	}
}

// TestCertificateThatIsNew: an answer that is signed with a certificate which the provider began to use a moment ago is good; one of a stranger is not, and has the metadata read again a few
// times at most.
func TestCertificateThatIsNew(t *testing.T) {
	w := newAbroad(t, storetest.SQLite)
	issuer := func() *xmlsig.Issuer {
		key, err := jose.NewRSAKey(2048, "adfs", w.clock())
		w.ok(err)
		return &xmlsig.Issuer{EntityID: standin.EntityID, Key: key.Private, Cert: key.Cert}
	}
	now, reads := issuer(), 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		reads++
		text, err := xmlsig.DescribeFederation(xmlsig.Description{EntityID: standin.EntityID, SignIn: "https://adfs.corp.example/adfs/ls", Certs: []*x509.Certificate{now.Cert}})
		w.ok(err)
		_, _ = rw.Write(text)
	}))
	defer server.Close()
	w.upstream("corp", "adfs", map[string]any{"client_id": "", "adfs_server": "adfs.corp.example", "stagedoor": map[string]any{"base_url": server.URL}})
	answer := func(from *xmlsig.Issuer) url.Values {
		token, err := from.IssueToken(xmlsig.Issued{Audience: "urn:auth0:acme", NameID: "k1", At: w.clock(), Life: time.Minute})
		w.ok(err)
		b := w.browser()
		to, _ := url.Parse(b.begin("connection", "corp").to())
		form := url.Values{"wa": {"wsignin1.0"}, "wctx": {to.Query().Get("wctx")}, "wresult": {token}}
		return b.finish(b.get(b.post("/login/callback", form).want(http.StatusSeeOther).to()))
	}
	for range 2 {
		if q := answer(now); q.Get("code") == "" {
			t.Errorf("%v", q)
		}
		now = issuer()
	}
	if q := answer(now); q.Get("code") == "" || reads != 3 {
		t.Errorf("after %d reads: %v", reads, q)
	}
	for stranger := range 12 {
		if q := answer(issuer()); q.Get("error") != "access_denied" {
			t.Errorf("stranger %d: %v", stranger, q)
		}
	}
	if reads > 8 {
		t.Errorf("the metadata were read %d times", reads)
	}
}
