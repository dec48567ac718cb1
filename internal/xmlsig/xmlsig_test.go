package xmlsig_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

const acs = "https://login.example/login/callback?connection=corp"

func key(t testing.TB, name string) *jose.Key {
	t.Helper()
	k, err := jose.NewRSAKey(2048, name, now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type sides struct {
	own    *xmlsig.Own
	party  *xmlsig.Party
	issuer *xmlsig.Issuer
}

func both(t testing.TB) sides {
	ours, theirs := key(t, "ours"), key(t, "theirs")
	return sides{
		&xmlsig.Own{EntityID: "urn:auth0:acme:corp", ACS: acs, SLO: "https://login.example/logout", Key: ours.Private, Cert: ours.Cert, Decrypts: ours.Private, Sign: true},
		&xmlsig.Party{EntityID: "urn:idp", SignIn: "https://idp.example/sso", SignOut: "https://idp.example/slo", Certs: xmlsig.Certificates(string(theirs.CertificatePEM()))},
		&xmlsig.Issuer{EntityID: "urn:idp", Key: theirs.Private, Cert: theirs.Cert},
	}
}

func (s sides) answer(t testing.TB, change func(*xmlsig.Issued)) string {
	t.Helper()
	x := xmlsig.Issued{To: acs, Audience: s.own.EntityID, InResponseTo: "id-1", NameID: "kim", Attributes: map[string][]string{"email": {"kim@corp.example"}, "groups": {"a", "b"}}, At: now, Life: 5 * time.Minute}
	if change != nil {
		change(&x)
	}
	text, err := s.issuer.Issue(x)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestHugeKeys: certificates of keys that cost seconds to verify with are none.
func TestHugeKeys(t *testing.T) {
	signer := key(t, "theirs")
	for bits, want := range map[uint]int{4096: 1, 8192: 1, 800_000: 0} {
		public := &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1)), E: 65537}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, signer.Cert, public, signer.Private)
		if err != nil {
			t.Fatal(err)
		}
		certs := xmlsig.Certificates(base64.StdEncoding.EncodeToString(der))
		if len(certs) == want {
			continue
		}
		s := both(t)
		text := regexp.MustCompile(`SignatureValue>[^<]+<`).ReplaceAllString(regexp.MustCompile(`<ds:KeyInfo>.*</ds:KeyInfo>`).ReplaceAllString(s.token(t, nil), ""), "SignatureValue>AA"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, int(bits/8)-1))[2:]+"<")
		begun := time.Now()
		_, err = xmlsig.ReadToken(&xmlsig.Party{Certs: certs}, realm, text, now)
		t.Errorf("%d bits: %d certificates; %v in %v", bits, len(certs), err, time.Since(begun))
	}
}

func TestRead(t *testing.T) {
	s := both(t)
	a, err := s.own.Read(s.party, s.answer(t, nil), "id-1", now)
	if err != nil || a.NameID != "kim" || a.Attributes["email"][0] != "kim@corp.example" || len(a.Attributes["groups"]) != 2 || a.ID == "" || !a.Ends.After(now) {
		t.Fatalf("%+v %v", a, err)
	}
	unasked := s.answer(t, func(x *xmlsig.Issued) { x.InResponseTo = "" })
	if a, err = s.own.Read(s.party, unasked, "", now); err != nil || a.NameID != "kim" {
		t.Errorf("%+v %v", a, err)
	}
	s.party.EntityID = "" // the certificate tells
	if a, err = s.own.Read(s.party, s.answer(t, nil), "id-1", now); err != nil || a.NameID != "kim" {
		t.Errorf("%+v %v", a, err)
	}
}

// TestHostileAnswers: nothing that is not signed, for us, from them, of this request and of now is read.
func TestHostileAnswers(t *testing.T) {
	s := both(t)
	refused := func(name, answer, requestID string, at time.Time) {
		t.Helper()
		if a, err := s.own.Read(s.party, answer, requestID, at); err == nil {
			t.Errorf("%s: read as %+v", name, a)
		}
	}
	good := s.answer(t, nil)
	refused("another request", good, "id-2", now)
	refused("nobody asked", good, "", now)
	refused("asked, but it answers nothing", s.answer(t, func(x *xmlsig.Issued) { x.InResponseTo = "" }), "id-1", now)
	refused("too late", good, "id-1", now.Add(time.Hour))
	refused("too early", good, "id-1", now.Add(-time.Hour))
	refused("another audience", s.answer(t, func(x *xmlsig.Issued) { x.Audience = "urn:other" }), "id-1", now)
	refused("another recipient", s.answer(t, func(x *xmlsig.Issued) { x.To = "https://evil.example/" }), "id-1", now)
	refused("nothing", "", "id-1", now)
	refused("no base64", "%%%", "id-1", now)
	refused("no XML", base64.StdEncoding.EncodeToString([]byte("nothing")), "id-1", now)
	refused("too large", strings.Repeat("QUFB", 200<<10), "id-1", now)
	raw, _ := base64.StdEncoding.DecodeString(good)
	refused("another name", base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(raw), ">kim<", ">root<", 1))), "id-1", now)
	refused("entities", base64.StdEncoding.EncodeToString([]byte(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`+string(raw))), "id-1", now)
	stranger := both(t)
	stranger.issuer.EntityID = "urn:idp"
	refused("another certificate", stranger.answer(t, nil), "id-1", now)
	s.issuer.SHA1 = true
	refused("SHA-1", s.answer(t, nil), "id-1", now)
	s.issuer.SHA1 = false
	s.issuer.EntityID = "urn:evil"
	refused("another issuer", s.answer(t, nil), "id-1", now)
	s.party.Certs = nil
	refused("no certificate", good, "id-1", now)
}

// TestClocksDiffer: an answer may be five minutes old, or ahead, by the provider's clock, and not longer than its assertion is good.
func TestClocksDiffer(t *testing.T) {
	s := both(t)
	for _, row := range []struct {
		later time.Duration // than it was issued
		life  time.Duration // of the assertion
		good  bool
	}{
		{100 * time.Second, time.Hour, true},
		{5 * time.Minute, time.Hour, true},
		{5*time.Minute + time.Second, time.Hour, false},
		{-4 * time.Minute, time.Hour, true},
		{-5 * time.Minute, time.Hour, true},
		{-5*time.Minute - time.Second, time.Hour, false},
		{3*time.Minute + 50*time.Second, time.Minute, true}, // within what clocks may differ
		{4 * time.Minute, time.Minute, false},
	} {
		doc := tree(t, s.answer(t, nil))
		for _, path := range []string{"//SubjectConfirmationData", "//Conditions"} {
			doc.FindElement(path).CreateAttr("NotOnOrAfter", now.Add(row.life).Format(time.RFC3339))
		}
		s.under(t, doc, `<saml:OneTimeUse xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`, "ID")
		if _, err := s.own.Read(s.party, encoded(t, doc), "id-1", now.Add(row.later)); (err == nil) != row.good {
			t.Errorf("%v after it was issued for %v: %v", row.later, row.life, err)
		}
	}
}

func tree(t testing.TB, answer string) *etree.Document {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(answer)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	return doc
}

func encoded(t testing.TB, doc *etree.Document) string {
	t.Helper()
	raw, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// TestSignatureWrapping: an assertion that nobody signed, put beside, around or into one that is, names nobody (the eight permutations of
// Somorovsky and others, "On Breaking SAML", 2012).
func TestSignatureWrapping(t *testing.T) {
	s := both(t)
	// parts gives the response, the assertion, and copies of both that name somebody else.
	parts := func() (doc *etree.Document, response, assertion, evilResponse, evil *etree.Element) {
		doc = tree(t, s.answer(t, nil))
		response = doc.Root()
		assertion = response.FindElement("./Assertion")
		rename := func(e *etree.Element, id string) *etree.Element {
			e.CreateAttr("ID", id)
			for _, name := range e.FindElements(".//NameID") {
				name.SetText("root")
			}
			return e
		}
		evil = rename(assertion.Copy(), "evil-assertion")
		evilResponse = response.Copy()
		evilResponse.CreateAttr("ID", "evil-response")
		rename(evilResponse.FindElement("./Assertion"), "evil-assertion")
		return doc, response, assertion, evilResponse, evil
	}
	drop := func(e *etree.Element) *etree.Element {
		if sig := e.FindElement("./Signature"); sig != nil {
			e.RemoveChild(sig)
		}
		return e
	}
	for name, wrap := range map[string]func() *etree.Document{
		"1: the response in the signature of the evil one": func() *etree.Document {
			doc, response, _, evil, _ := parts()
			evil.FindElement("./Signature").AddChild(drop(response.Copy()))
			doc.SetRoot(evil)
			return doc
		},
		"2: the response before the signature of the evil one": func() *etree.Document {
			doc, response, _, evil, _ := parts()
			evil.InsertChildAt(0, drop(response.Copy()))
			doc.SetRoot(evil)
			return doc
		},
		"3: the evil assertion before the signed one": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			response.InsertChildAt(assertion.Index(), drop(evil))
			drop(response)
			return doc
		},
		"4: the signed assertion in the evil one": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			response.RemoveChild(assertion)
			drop(evil).AddChild(assertion)
			response.AddChild(evil)
			drop(response)
			return doc
		},
		"5: the signature moved to the evil assertion, the signed one behind it": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			drop(response)
			signed := drop(assertion.Copy())
			response.RemoveChild(assertion)
			response.AddChild(evil)
			response.AddChild(signed)
			return doc
		},
		"6: the signed assertion in the signature of the evil one": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			drop(response)
			evil.FindElement("./Signature").AddChild(drop(assertion.Copy()))
			response.RemoveChild(assertion)
			response.AddChild(evil)
			return doc
		},
		"7: the evil assertion in extensions": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			drop(response)
			extensions := etree.NewElement("samlp:Extensions")
			extensions.AddChild(drop(evil))
			response.InsertChildAt(assertion.Index(), extensions)
			return doc
		},
		"8: the signed assertion in an object of the evil one's signature": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			drop(response)
			object := etree.NewElement("ds:Object")
			object.AddChild(drop(assertion.Copy()))
			evil.FindElement("./Signature").AddChild(object)
			response.RemoveChild(assertion)
			response.AddChild(evil)
			return doc
		},
		"9: the same ID twice": func() *etree.Document {
			doc, response, assertion, _, evil := parts()
			drop(response)
			drop(evil).CreateAttr("ID", assertion.SelectAttrValue("ID", ""))
			response.InsertChildAt(assertion.Index(), evil)
			return doc
		},
		"10: no signature at all": func() *etree.Document {
			doc, response, assertion, _, _ := parts()
			drop(response)
			drop(assertion)
			return doc
		},
	} {
		if a, err := s.own.Read(s.party, encoded(t, wrap()), "id-1", now); err == nil && a.NameID != "kim" {
			t.Errorf("%s: read as %q", name, a.NameID)
		}
	}
}

// TestCommentInName: a comment does not cut a name short: kim<!-- -->@corp.example is not kim (CVE-2017-11427 and its kin).
func TestCommentInName(t *testing.T) {
	s := both(t)
	answer := s.answer(t, func(x *xmlsig.Issued) { x.NameID = "kim@corp.example.evil.example" })
	raw, _ := base64.StdEncoding.DecodeString(answer)
	commented := strings.Replace(string(raw), "kim@corp.example.evil.example", "kim@corp.example<!-- -->.evil.example", 1)
	if a, err := s.own.Read(s.party, base64.StdEncoding.EncodeToString([]byte(commented)), "id-1", now); err == nil && a.NameID != "kim@corp.example.evil.example" {
		t.Errorf("read as %q", a.NameID)
	}
}

func TestRequest(t *testing.T) {
	s := both(t)
	to, err := s.own.Request(s.party, "state-1", now)
	if err != nil || to.Form != nil {
		t.Fatalf("%+v %v", to, err)
	}
	u, _ := url.Parse(to.Address)
	if q := u.Query(); q.Get("RelayState") != "state-1" || q.Get("Signature") == "" || q.Get("SigAlg") != "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" || u.Host != "idp.example" {
		t.Errorf("%v", q)
	}
	asked, err := xmlsig.ReadRequest(httptest.NewRequest(http.MethodGet, to.Address, nil))
	if err != nil || asked.ID != to.ID || asked.ACS != acs || asked.Issuer != s.own.EntityID || !asked.Signed {
		t.Errorf("%+v %v", asked, err)
	}
	s.party.Post = true
	if to, err = s.own.Request(s.party, "state-2", now); err != nil || to.Form["RelayState"] != "state-2" || to.Address != "https://idp.example/sso" {
		t.Fatalf("%+v %v", to, err)
	}
	r := httptest.NewRequest(http.MethodPost, to.Address, strings.NewReader(url.Values{"SAMLRequest": {to.Form["SAMLRequest"]}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if asked, err = xmlsig.ReadRequest(r); err != nil || asked.ID != to.ID || !asked.Signed {
		t.Errorf("%+v %v", asked, err)
	}
	out, err := s.own.Logout(s.party, stagedoor.CameBy{NameID: "kim"}, "back", now)
	if err != nil || !strings.HasPrefix(out, "https://idp.example/slo?") || !strings.Contains(out, "SAMLRequest=") || !strings.Contains(out, "Signature=") {
		t.Errorf("%s %v", out, err)
	}
}

func TestMetadata(t *testing.T) {
	s := both(t)
	text, err := s.own.Metadata(now)
	for _, want := range []string{`entityID="urn:auth0:acme:corp"`, `Location="` + acs + `"`, "X509Certificate", "HTTP-POST"} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("no %s: %s %v", want, text, err)
		}
	}
	for _, bad := range []string{"", "<x/>", string(text), strings.Repeat(" ", 1<<20)} {
		if p, err := xmlsig.ReadMetadata(bad, ""); err == nil {
			t.Errorf("%.50q was read: %+v", bad, p)
		}
	}
	cert := base64.StdEncoding.EncodeToString(s.party.Certs[0].Raw)
	p, err := xmlsig.ReadMetadata(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:idp"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
		<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>`+cert+`</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
		<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo"/>
		<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/post"/>
		<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></IDPSSODescriptor></EntityDescriptor>`, "")
	if err != nil || p.EntityID != "urn:idp" || p.SignIn != "https://idp.example/sso" || p.Post || p.SignOut != "https://idp.example/slo" || len(p.Certs) != 1 {
		t.Errorf("%+v %v", p, err)
	}
}

func FuzzRead(f *testing.F) {
	s := both(f)
	good := s.answer(f, nil)
	raw, _ := base64.StdEncoding.DecodeString(good)
	f.Add(raw)
	f.Add([]byte(strings.Replace(string(raw), "<saml:Assertion", "<!-- --><saml:Assertion", 1)))
	f.Add([]byte("<x/>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := s.own.Read(s.party, base64.StdEncoding.EncodeToString(data), "id-1", now)
		if err == nil && a.NameID != "kim" {
			t.Errorf("read as %q", a.NameID)
		}
	})
}
