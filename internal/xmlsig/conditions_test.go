package xmlsig_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// under puts a condition into the assertion of an answer, and signs it anew.
func (s sides) under(t *testing.T, doc *etree.Document, condition, id string) {
	t.Helper()
	assertion := doc.FindElement("//Assertion")
	more := etree.NewDocument()
	if err := more.ReadFromString(condition); err != nil {
		t.Fatal(err)
	}
	assertion.FindElement("./Conditions").AddChild(more.Root())
	for _, old := range doc.FindElements("//Signature") { // the answer's, too
		old.Parent().RemoveChild(old)
	}
	ctx, err := dsig.NewSigningContext(s.issuer.Key, [][]byte{s.issuer.Cert.Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.IdAttribute, ctx.Canonicalizer = id, dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := ctx.ConstructSignature(assertion, true)
	if err != nil {
		t.Fatal(err)
	}
	at := len(assertion.Child)
	if id == "ID" { // behind the issuer
		at = assertion.FindElement("./Issuer").Index() + 1
	}
	assertion.InsertChildAt(at, signature)
}

// TestUnknownConditions: an assertion under a condition that is not understood is not relied on (SAML core section 2.5.1.1, SAML 1.1 core section 2.3.2.1).
func TestUnknownConditions(t *testing.T) {
	s := both(t)
	const saml20, saml11 = `xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, `xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"`
	const delegated = `<saml:Condition NS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:del="urn:oasis:names:tc:SAML:2.0:conditions:delegation" xsi:type="del:DelegationRestrictionType"/>`
	for condition, known := range map[string]bool{
		`<saml:OneTimeUse NS/>`:                 true, // each is: it answers one request, or its id is kept
		`<saml:ProxyRestriction NS Count="1"/>`: true,
		delegated:                               false,
		`<x:WithinOffice xmlns:x="https://corp.example/"/>`: false,
	} {
		doc := tree(t, s.answer(t, nil))
		s.under(t, doc, strings.Replace(condition, "NS", saml20, 1), "ID")
		if a, err := s.own.Read(s.party, encoded(t, doc), "id-1", now); (err == nil) != known {
			t.Errorf("%s: %+v %v", condition, a, err)
		}
	}
	for condition, known := range map[string]bool{
		`<saml:DoNotCacheCondition NS/>`: true,
		delegated:                        false,
		`<x:WithinOffice xmlns:x="https://corp.example/"/>`: false,
	} {
		doc := etree.NewDocument()
		if err := doc.ReadFromString(s.token(t, nil)); err != nil {
			t.Fatal(err)
		}
		s.under(t, doc, strings.Replace(condition, "NS", saml11, 1), "AssertionID")
		text, err := doc.WriteToString()
		if err != nil {
			t.Fatal(err)
		}
		if a, err := xmlsig.ReadToken(s.party, realm, text, now); (err == nil) != known {
			t.Errorf("%s: %+v %v", condition, a, err)
		}
	}
}
