package xmlsig

import (
	"bytes"
	"cmp"
	"crypto/sha1" //nolint:gosec // of thumbprints
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/stagedoor/stagedoor"
)

// WS-Federation's passive profile (OASIS WS-Federation 1.2 section 13), as AD FS speaks it: the answer holds a SAML 1.1 assertion, which alone is
// signed. Everything is read from what the signature covers.

const (
	saml11    = "urn:oasis:names:tc:SAML:1.0:assertion"
	bearer11  = "urn:oasis:names:tc:SAML:1.0:cm:bearer"
	wsTrust05 = "http://schemas.xmlsoap.org/ws/2005/02/trust"
	wsTrust13 = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
)

// clockSkew is how far the provider's clock may differ.
const clockSkew = 3 * time.Minute

// strong are the algorithms of signatures and digests that count.
var (
	strongSignatures = []string{
		dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod,
		dsig.ECDSASHA256SignatureMethod, dsig.ECDSASHA384SignatureMethod, dsig.ECDSASHA512SignatureMethod,
	}
	strongDigests = []string{"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
)

// assertion11 is what is read of an assertion (SAML 1.1 core section 2.3).
type assertion11 struct {
	XMLName    xml.Name `xml:"urn:oasis:names:tc:SAML:1.0:assertion Assertion"`
	ID         string   `xml:"AssertionID,attr"`
	Issuer     string   `xml:"Issuer,attr"`
	Conditions []struct {
		NotBefore    time.Time `xml:"NotBefore,attr"`
		NotOnOrAfter time.Time `xml:"NotOnOrAfter,attr"`
		Audiences    []struct {
			Audience []string `xml:"Audience"`
		} `xml:"AudienceRestrictionCondition"`
		NotKept []struct{} `xml:"DoNotCacheCondition"` // each assertion counts once
		Unknown []struct{} `xml:",any"`
	} `xml:"Conditions"`
	Statements []struct {
		Subject    subject11 `xml:"Subject"`
		Attributes []struct {
			Name      string   `xml:"AttributeName,attr"`
			Namespace string   `xml:"AttributeNamespace,attr"`
			Values    []string `xml:"AttributeValue"`
		} `xml:"Attribute"`
	} `xml:"AttributeStatement"`
	Logins []struct {
		Subject subject11 `xml:"Subject"`
	} `xml:"AuthenticationStatement"`
}

type subject11 struct {
	Name    string   `xml:"NameIdentifier"`
	Methods []string `xml:"SubjectConfirmation>ConfirmationMethod"`
}

// ReadToken checks an answer of WS-Federation (wresult) and returns its assertion: signed by the provider, for the realm, of now. The caller holds
// it to be new by its id: it answers no request by name. Its NameID is empty where the provider gives none.
func ReadToken(p *Party, realm, wresult string, now time.Time) (*Assertion, error) {
	el, err := findToken(wresult)
	if err != nil {
		return nil, err
	}
	signed, err := verified(p, el, now)
	if err != nil {
		return nil, err
	}
	var a assertion11
	if err := xml.Unmarshal(signed, &a); err != nil {
		return nil, errors.New("xmlsig: the assertion cannot be read")
	}
	if p.EntityID != "" && a.Issuer != p.EntityID {
		return nil, fmt.Errorf("xmlsig: the issuer is %.100q", a.Issuer)
	}
	if len(a.Conditions) != 1 || a.ID == "" {
		return nil, errors.New("xmlsig: the assertion has no id or no conditions")
	}
	c := a.Conditions[0]
	switch {
	case c.NotOnOrAfter.IsZero() || !now.Before(c.NotOnOrAfter.Add(clockSkew)):
		return nil, errors.New("xmlsig: the assertion has expired")
	case now.Add(clockSkew).Before(c.NotBefore):
		return nil, errors.New("xmlsig: the assertion is not valid yet")
	case len(c.Audiences) == 0:
		return nil, errors.New("xmlsig: the assertion is for nobody")
	case len(c.Unknown) > 0: // SAML 1.1 core section 2.3.2.1
		return nil, errors.New("xmlsig: the assertion is under a condition that is not known")
	}
	for _, r := range c.Audiences {
		if !slices.ContainsFunc(r.Audience, func(s string) bool { return strings.TrimSpace(s) == realm }) {
			return nil, errors.New("xmlsig: the assertion is for somebody else")
		}
	}
	return a.read(c.NotOnOrAfter)
}

// read takes who the assertion is of.
func (a *assertion11) read(ends time.Time) (*Assertion, error) {
	out := &Assertion{ID: a.ID, Attributes: map[string][]string{}, Ends: ends}
	var subjects []subject11
	for _, l := range a.Logins {
		subjects = append(subjects, l.Subject)
	}
	for _, s := range a.Statements {
		subjects = append(subjects, s.Subject)
		for _, at := range s.Attributes {
			name := at.Name
			if at.Namespace != "" {
				name = strings.TrimSuffix(at.Namespace, "/") + "/" + at.Name
			}
			for _, v := range at.Values {
				out.Attributes[name] = append(out.Attributes[name], trimmed(v))
			}
		}
	}
	if len(subjects) == 0 {
		return nil, errors.New("xmlsig: the assertion is of nobody")
	}
	for _, s := range subjects {
		name := trimmed(s.Name)
		switch {
		case !slices.Contains(s.Methods, bearer11):
			return nil, errors.New("xmlsig: the assertion is not for whoever brings it")
		case out.NameID != "" && name != "" && name != out.NameID:
			return nil, errors.New("xmlsig: the assertion is of several people")
		case name != "":
			out.NameID = name
		}
	}
	out.CameBy = stagedoor.CameBy{NameID: out.NameID}
	return out, nil
}

// maxNamespaces is how many namespaces may be declared at one place: what each element costs before anybody knows who signed it grows with them. It is the
// bound of messages of SAML 2.0.
const maxNamespaces = 64

func fewNamespaces(el *etree.Element, declared int) error {
	for _, a := range el.Attr {
		if a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns" {
			declared++
		}
	}
	if declared > maxNamespaces {
		return errors.New("xmlsig: the answer declares too many namespaces")
	}
	for _, child := range el.ChildElements() {
		if err := fewNamespaces(child, declared); err != nil {
			return err
		}
	}
	return nil
}

// findToken finds the one assertion of an answer at the one place where it may be: one elsewhere is a signature wrapped around a forgery.
func findToken(wresult string) (*etree.Element, error) {
	raw := []byte(wresult)
	if len(raw) > MaxMessage || bytes.Contains(raw, []byte("<!DOCTYPE")) || bytes.Contains(raw, []byte("<!ENTITY")) {
		return nil, errors.New("xmlsig: the answer is too large or has a document type")
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
		return nil, errors.New("xmlsig: the answer is no XML")
	}
	el := doc.Root()
	if err := fewNamespaces(el, 0); err != nil {
		return nil, err
	}
	only := func(tag string) error {
		var found []*etree.Element
		for _, child := range el.ChildElements() {
			if child.Tag == tag {
				found = append(found, child)
			}
		}
		if len(found) != 1 {
			return fmt.Errorf("xmlsig: the answer has %d %s", len(found), tag)
		}
		el = found[0]
		return nil
	}
	if el.Tag == "RequestSecurityTokenResponseCollection" {
		if err := only("RequestSecurityTokenResponse"); err != nil {
			return nil, err
		}
	}
	if ns := el.NamespaceURI(); el.Tag != "RequestSecurityTokenResponse" || ns != wsTrust05 && ns != wsTrust13 {
		return nil, errors.New("xmlsig: the answer is no response with a token")
	}
	if err := only("RequestedSecurityToken"); err != nil {
		return nil, err
	}
	if len(el.ChildElements()) != 1 {
		return nil, errors.New("xmlsig: the answer has not one token")
	}
	if el = el.ChildElements()[0]; el.Tag != "Assertion" || el.NamespaceURI() != saml11 {
		return nil, fmt.Errorf("xmlsig: the token is no SAML 1.1 assertion but %.50q", el.Tag)
	}
	if n := len(el.FindElements(".//Assertion")); n != 0 {
		return nil, errors.New("xmlsig: there are assertions in the assertion")
	}
	return el, nil
}

// verified returns the bytes of an assertion that the provider has signed.
func verified(p *Party, el *etree.Element, now time.Time) ([]byte, error) {
	signatures := el.FindElements(".//Signature")
	if len(signatures) != 1 || signatures[0].Parent() != el || signatures[0].NamespaceURI() != dsig.Namespace {
		return nil, fmt.Errorf("xmlsig: the assertion has %d signatures, or not its own", len(signatures))
	}
	id := el.SelectAttrValue("AssertionID", "")
	references := signatures[0].FindElements("./SignedInfo/Reference")
	if id == "" || len(references) != 1 || references[0].SelectAttrValue("URI", "") != "#"+id {
		return nil, errors.New("xmlsig: the signature is not over the assertion")
	}
	for path, strong := range map[string][]string{"./SignedInfo/SignatureMethod": strongSignatures, "./SignedInfo/Reference/DigestMethod": strongDigests} {
		methods := signatures[0].FindElements(path)
		if len(methods) != 1 || !slices.Contains(strong, methods[0].SelectAttrValue("Algorithm", "")) {
			return nil, errors.New("xmlsig: the signature is not of SHA-256 or better")
		}
	}
	certs := slices.Concat(p.Certs, p.brought(signatures[0]))
	if len(certs) == 0 {
		return nil, errors.New("xmlsig: no certificate is known")
	}
	around, err := scopeOf(el)
	if err != nil {
		return nil, errors.New("xmlsig: the assertion cannot be taken out of the answer")
	}
	alone, err := etreeutils.NSDetatch(around, el)
	if err != nil {
		return nil, errors.New("xmlsig: the assertion cannot be taken out of the answer")
	}
	signature := alone.FindElement("./Signature") // the library looks at a thousand elements until it is there: people may be in more groups
	alone.RemoveChild(signature)
	alone.InsertChildAt(0, signature) // which is no part of what it is over
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: certs})
	ctx.IdAttribute, ctx.Clock = "AssertionID", clock(now)
	signed, err := ctx.Validate(alone)
	if err != nil {
		return nil, fmt.Errorf("xmlsig: %w", err)
	}
	doc := etree.NewDocument()
	doc.SetRoot(signed)
	return doc.WriteToBytes()
}

// scopeOf are the namespaces in scope at an element. Unlike the library's own, it has no bound of elements; see findToken for those of messages.
func scopeOf(el *etree.Element) (etreeutils.NSContext, error) {
	around := etreeutils.EmptyNSContext
	if el.Parent() != nil {
		var err error
		if around, err = scopeOf(el.Parent()); err != nil {
			return around, err
		}
	}
	return around.SubContext(el)
}

// brought are the certificates of a signature that the party is known by.
func (p *Party) brought(signature *etree.Element) (out []*x509.Certificate) {
	if len(p.Thumbprints) == 0 {
		return nil
	}
	for _, e := range signature.FindElements("./KeyInfo/X509Data/X509Certificate") {
		for _, cert := range Certificates(e.Text()) {
			sum := sha1.Sum(cert.Raw) //nolint:gosec // that is what a thumbprint is; to find a certificate for one is as hard as ever
			if slices.ContainsFunc(p.Thumbprints, func(t string) bool {
				return strings.EqualFold(strings.ReplaceAll(t, ":", ""), hex.EncodeToString(sum[:]))
			}) {
				out = append(out, cert)
			}
		}
	}
	return out
}

const federation = "http://docs.oasis-open.org/wsfed/federation/200706"

// federated is what is read of metadata of WS-Federation (WS-Federation 1.2 section 3.1.2).
type federated struct {
	XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string   `xml:"entityID,attr"`
	Roles    []struct {
		Type string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		Keys []struct {
			Use   string   `xml:"use,attr"`
			Certs []string `xml:"KeyInfo>X509Data>X509Certificate"`
		} `xml:"KeyDescriptor"`
		Passive []string `xml:"PassiveRequestorEndpoint>EndpointReference>Address"`
	} `xml:"RoleDescriptor"`
}

// ReadFederation takes what a provider's metadata of WS-Federation say of it.
func ReadFederation(text string) (*Party, error) {
	var d federated
	if len(text) > 4*MaxMessage || strings.Contains(text, "<!DOCTYPE") || xml.Unmarshal([]byte(text), &d) != nil {
		return nil, errors.New("xmlsig: no metadata of a provider of WS-Federation")
	}
	p := &Party{EntityID: d.EntityID}
	for _, role := range d.Roles {
		if !strings.HasSuffix(role.Type, "SecurityTokenServiceType") {
			continue
		}
		for _, k := range role.Keys {
			if k.Use != "encryption" {
				p.Certs = append(p.Certs, Certificates(k.Certs...)...)
			}
		}
		if len(role.Passive) > 0 && p.SignIn == "" {
			p.SignIn = strings.TrimSpace(role.Passive[0])
		}
	}
	if p.SignIn == "" || len(p.Certs) == 0 {
		return nil, errors.New("xmlsig: the metadata name no address to sign in at, or no certificate")
	}
	return p, nil
}

// DescribeFederation writes metadata of a provider of WS-Federation.
func DescribeFederation(x Description) ([]byte, error) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("EntityDescriptor")
	root.CreateAttr("xmlns", "urn:oasis:names:tc:SAML:2.0:metadata")
	root.CreateAttr("entityID", x.EntityID)
	role := root.CreateElement("RoleDescriptor")
	role.CreateAttr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
	role.CreateAttr("xmlns:fed", federation)
	role.CreateAttr("xsi:type", "fed:SecurityTokenServiceType")
	role.CreateAttr("protocolSupportEnumeration", federation)
	for _, c := range x.Certs {
		key := role.CreateElement("KeyDescriptor")
		key.CreateAttr("use", "signing")
		info := key.CreateElement("KeyInfo")
		info.CreateAttr("xmlns", dsig.Namespace)
		info.CreateElement("X509Data").CreateElement("X509Certificate").SetText(base64.StdEncoding.EncodeToString(c.Raw))
	}
	offered := role.CreateElement("fed:ClaimTypesOffered")
	for _, name := range slices.Sorted(maps.Keys(x.Attributes)) {
		claim := offered.CreateElement("auth:ClaimType")
		claim.CreateAttr("xmlns:auth", "http://docs.oasis-open.org/wsfed/authorization/200706")
		claim.CreateAttr("Uri", name)
		claim.CreateAttr("Optional", "true")
		claim.CreateElement("auth:DisplayName").SetText(x.Attributes[name])
	}
	for _, endpoint := range []string{"fed:SecurityTokenServiceEndpoint", "fed:PassiveRequestorEndpoint"} {
		reference := role.CreateElement(endpoint).CreateElement("EndpointReference")
		reference.CreateAttr("xmlns", "http://www.w3.org/2005/08/addressing")
		reference.CreateElement("Address").SetText(x.SignIn)
	}
	return doc.WriteToBytes()
}

// IssueToken makes an answer of WS-Federation (wresult) with a signed assertion, for clients and for the stand-in.
func (i *Issuer) IssueToken(x Issued) (string, error) {
	if !utterable(x.NameID) {
		return "", errors.New("xmlsig: the name cannot be written in XML")
	}
	when := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	a := etree.NewElement("saml:Assertion")
	set := func(e *etree.Element, pairs ...string) *etree.Element {
		for n := 0; n < len(pairs); n += 2 {
			e.CreateAttr(pairs[n], pairs[n+1])
		}
		return e
	}
	set(a, "xmlns:saml", saml11, "MajorVersion", "1", "MinorVersion", "1", "AssertionID", "_"+stagedoor.NewHexID(), "Issuer", i.EntityID, "IssueInstant", when(x.At))
	conditions := set(a.CreateElement("saml:Conditions"), "NotBefore", when(x.At), "NotOnOrAfter", when(x.At.Add(x.Life)))
	conditions.CreateElement("saml:AudienceRestrictionCondition").CreateElement("saml:Audience").SetText(x.Audience)
	subject := func(e *etree.Element) {
		s := e.CreateElement("saml:Subject")
		if x.NameID != "" {
			name := s.CreateElement("saml:NameIdentifier")
			if name.SetText(x.NameID); x.Format != "" {
				name.CreateAttr("Format", x.Format)
			}
		}
		s.CreateElement("saml:SubjectConfirmation").CreateElement("saml:ConfirmationMethod").SetText(bearer11)
	}
	statement := a.CreateElement("saml:AttributeStatement")
	subject(statement)
	for _, name := range slices.Sorted(maps.Keys(x.Attributes)) {
		values, at := x.Attributes[name], strings.LastIndex(name, "/")
		attribute := set(statement.CreateElement("saml:Attribute"), "AttributeName", name[at+1:], "AttributeNamespace", name[:max(at, 0)])
		for _, v := range values {
			value := attribute.CreateElement("saml:AttributeValue")
			if value.SetText(uttered(v)); x.Types[name] != "" {
				set(value, "xmlns:xs", "http://www.w3.org/2001/XMLSchema", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance", "xsi:type", x.Types[name])
			}
		}
	}
	since := x.Since
	if since.IsZero() {
		since = x.At
	}
	subject(set(a.CreateElement("saml:AuthenticationStatement"), "AuthenticationMethod", cmp.Or(x.Method, "urn:federation:authentication:windows"), "AuthenticationInstant", when(since)))
	signature, err := i.sign(a, "AssertionID")
	if err != nil {
		return "", err
	}
	a.AddChild(signature)
	if x.EncryptFor != nil {
		if a, err = x.EncryptFor.encrypt(a); err != nil {
			return "", err
		}
	}
	doc := etree.NewDocument()
	response := set(doc.CreateElement("t:RequestSecurityTokenResponse"), "xmlns:t", wsTrust05)
	const utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	life := response.CreateElement("t:Lifetime")
	set(life.CreateElement("wsu:Created"), "xmlns:wsu", utility).SetText(when(x.At))
	set(life.CreateElement("wsu:Expires"), "xmlns:wsu", utility).SetText(when(x.At.Add(x.Life)))
	applies := set(response.CreateElement("wsp:AppliesTo"), "xmlns:wsp", "http://schemas.xmlsoap.org/ws/2004/09/policy")
	set(applies.CreateElement("wsa:EndpointReference"), "xmlns:wsa", "http://www.w3.org/2005/08/addressing").CreateElement("wsa:Address").SetText(x.Audience)
	response.CreateElement("t:RequestedSecurityToken").AddChild(a)
	response.CreateElement("t:TokenType").SetText(saml11)
	response.CreateElement("t:RequestType").SetText(wsTrust05 + "/Issue")
	return doc.WriteToString()
}
