package xmlsig_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

const realm = "urn:auth0:acme"

func (s sides) token(t testing.TB, change func(*xmlsig.Issued)) string {
	t.Helper()
	x := xmlsig.Issued{Audience: realm, NameID: "kim", At: now, Life: time.Hour, Attributes: map[string][]string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": {"kim@corp.example"}}}
	if change != nil {
		change(&x)
	}
	text, err := s.issuer.IssueToken(x)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestReadToken(t *testing.T) {
	s := both(t)
	a, err := xmlsig.ReadToken(s.party, realm, s.token(t, nil), now)
	if err != nil || a.NameID != "kim" || a.Attributes["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"][0] != "kim@corp.example" || a.ID == "" || !a.Ends.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v %v", a, err)
	}
	collection := `<t:RequestSecurityTokenResponseCollection xmlns:t="http://docs.oasis-open.org/ws-sx/ws-trust/200512">` +
		strings.Replace(s.token(t, nil), "http://schemas.xmlsoap.org/ws/2005/02/trust", "http://docs.oasis-open.org/ws-sx/ws-trust/200512", 1) + `</t:RequestSecurityTokenResponseCollection>`
	if a, err = xmlsig.ReadToken(s.party, realm, collection, now); err != nil || a.NameID != "kim" {
		t.Errorf("%+v %v", a, err)
	}
	if a, err = xmlsig.ReadToken(s.party, realm, s.token(t, func(x *xmlsig.Issued) { x.NameID = "" }), now); err != nil || a.NameID != "" {
		t.Errorf("%+v %v", a, err)
	}
}

// TestManyGroups: people may be in more groups than the library looks at elements.
func TestManyGroups(t *testing.T) {
	const name = "http://schemas.xmlsoap.org/claims/Group"
	s := both(t)
	var groups []string
	for i := range 3000 {
		groups = append(groups, fmt.Sprint("CN=", i))
	}
	a, err := xmlsig.ReadToken(s.party, realm, s.token(t, func(x *xmlsig.Issued) { x.Attributes[name] = groups }), now)
	if err != nil || !slices.Equal(a.Attributes[name], groups) {
		t.Errorf("%v", err)
	}
}

// TestThumbprints: a certificate that an answer brings along counts if its thumbprint is known, and no other does.
func TestThumbprints(t *testing.T) {
	s := both(t)
	sum := sha1.Sum(s.party.Certs[0].Raw)
	known := &xmlsig.Party{EntityID: "urn:idp", Thumbprints: []string{"00", strings.ToUpper(hex.EncodeToString(sum[:]))}}
	if a, err := xmlsig.ReadToken(known, realm, s.token(t, nil), now); err != nil || a.NameID != "kim" {
		t.Errorf("%+v %v", a, err)
	}
	stranger := both(t)
	stranger.issuer.EntityID = "urn:idp"
	if a, err := xmlsig.ReadToken(known, realm, stranger.token(t, nil), now); err == nil {
		t.Errorf("a stranger's was read as %+v", a)
	}
}

// TestManyNamespaces: what nobody has signed costs little, however many namespaces it declares over however many elements.
func TestManyNamespaces(t *testing.T) {
	s := both(t)
	var many strings.Builder
	for i := range 12000 {
		fmt.Fprintf(&many, ` xmlns:a%x="u"`, i)
	}
	text := s.token(t, nil)
	for name, hostile := range map[string]string{
		"in the assertion": strings.Replace(text, "<saml:Assertion ", "<saml:Assertion"+many.String()+" ", 1), "around it": strings.Replace(text, "<t:RequestedSecurityToken", "<t:RequestedSecurityToken"+many.String(), 1),
	} {
		hostile = strings.Replace(hostile, "</saml:Assertion>", strings.Repeat("<a/>", 900)+"</saml:Assertion>", 1)
		begun := time.Now()
		a, err := xmlsig.ReadToken(s.party, realm, hostile, now)
		if err == nil || !strings.Contains(err.Error(), "too many namespaces") {
			t.Errorf("%s: %d bytes, %v: %+v %v", name, len(hostile), time.Since(begun), a, err)
		}
	}
}

func TestFederationMetadata(t *testing.T) {
	s := both(t)
	text, err := xmlsig.DescribeFederation(xmlsig.Description{EntityID: "urn:idp", SignIn: "https://idp.example/wsfed", Certs: s.party.Certs, Attributes: map[string]string{"a": "A"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := xmlsig.ReadFederation(string(text))
	if err != nil || p.EntityID != "urn:idp" || p.SignIn != "https://idp.example/wsfed" || len(p.Certs) != 1 || !p.Certs[0].Equal(s.party.Certs[0]) {
		t.Errorf("%+v %v %s", p, err, text)
	}
	for _, bad := range []string{"", "<x/>", "<!DOCTYPE x>" + string(text), strings.ReplaceAll(string(text), "SecurityTokenServiceType", "ApplicationServiceType"), strings.Repeat(" ", 2<<20)} {
		if p, err := xmlsig.ReadFederation(bad); err == nil {
			t.Errorf("%.60q was read: %+v", bad, p)
		}
	}
}

// TestHostileTokens: nothing that the provider did not sign, for us and for now, names anybody; nor an assertion around, beside or in a signed one.
func TestHostileTokens(t *testing.T) {
	s := both(t)
	refused := func(name, text string, at time.Time) {
		t.Helper()
		if a, err := xmlsig.ReadToken(s.party, realm, text, at); err == nil {
			t.Errorf("%s: read as %+v", name, a)
		}
	}
	good := s.token(t, nil)
	refused("too late", good, now.Add(2*time.Hour))
	refused("too early", good, now.Add(-time.Hour))
	refused("another realm", s.token(t, func(x *xmlsig.Issued) { x.Audience = "urn:other" }), now)
	refused("another name", strings.ReplaceAll(good, ">kim<", ">root<"), now)
	refused("a later end", strings.Replace(good, "NotOnOrAfter=", "NotOnOrAfter=\"2030-01-01T00:00:00Z\" x=", 1), now)
	refused("entities", "<!DOCTYPE x>"+good, now)
	refused("nothing", "", now)
	refused("no XML", "{}", now)
	refused("too large", good+strings.Repeat(" ", 300<<10), now)
	refused("SAML 2.0", strings.ReplaceAll(good, "SAML:1.0:assertion", "SAML:2.0:assertion"), now)
	refused("another trust", strings.Replace(good, "http://schemas.xmlsoap.org/ws/2005/02/trust", "urn:x", 1), now)
	stranger := both(t)
	stranger.issuer.EntityID = "urn:idp"
	refused("another key", stranger.token(t, nil), now)
	s.issuer.SHA1 = true
	refused("SHA-1", s.token(t, nil), now)
	s.issuer.SHA1, s.issuer.EntityID = false, "urn:evil"
	refused("another issuer", s.token(t, nil), now)
	s.issuer.EntityID = "urn:idp"
	for name, wrap := range map[string]func(doc *etree.Document, holder, signed, evil *etree.Element){
		"evil before it": func(_ *etree.Document, holder, signed, evil *etree.Element) {
			holder.InsertChildAt(signed.Index(), evil)
		},
		"evil behind it": func(_ *etree.Document, holder, _, evil *etree.Element) { holder.AddChild(evil) },
		"it in the evil one": func(_ *etree.Document, holder, signed, evil *etree.Element) {
			holder.RemoveChild(signed)
			evil.AddChild(signed)
			holder.AddChild(evil)
		},
		"evil in it": func(_ *etree.Document, _, signed, evil *etree.Element) { signed.AddChild(evil) },
		"its signature on evil": func(_ *etree.Document, holder, signed, evil *etree.Element) {
			evil.AddChild(signed.FindElement("./Signature"))
			holder.RemoveChild(signed)
			holder.AddChild(evil)
		},
		"it in the signature": func(_ *etree.Document, holder, signed, evil *etree.Element) {
			sig := signed.FindElement("./Signature")
			evil.AddChild(sig)
			sig.CreateElement("ds:Object").AddChild(signed)
			holder.AddChild(evil)
		},
		"two holders": func(doc *etree.Document, holder, _, evil *etree.Element) {
			other := holder.Copy()
			for _, c := range other.ChildElements() {
				other.RemoveChild(c)
			}
			other.AddChild(evil)
			doc.Root().InsertChildAt(0, other)
		},
		"no signature": func(_ *etree.Document, _, signed, _ *etree.Element) {
			signed.RemoveChild(signed.FindElement("./Signature"))
		},
		"empty reference": func(_ *etree.Document, _, signed, _ *etree.Element) {
			signed.FindElement("./Signature/SignedInfo/Reference").CreateAttr("URI", "")
		},
	} {
		doc := etree.NewDocument()
		if err := doc.ReadFromString(good); err != nil {
			t.Fatal(err)
		}
		holder := doc.Root().FindElement("./RequestedSecurityToken")
		signed := holder.FindElement("./Assertion")
		evil := signed.Copy()
		evil.RemoveChild(evil.FindElement("./Signature"))
		for _, n := range evil.FindElements(".//NameIdentifier") {
			n.SetText("root")
		}
		wrap(doc, holder, signed, evil)
		text, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		refused(name, text, now)
	}
	s.party.Certs = nil
	refused("no certificate", good, now)
}

func FuzzReadToken(f *testing.F) {
	s := both(f)
	f.Add(s.token(f, nil))
	f.Add("<a><b/></a>")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := xmlsig.ReadToken(s.party, realm, text, now); err == nil && a.NameID != "kim" {
			t.Errorf("read as %+v", a)
		}
	})
}
