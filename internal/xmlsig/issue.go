package xmlsig

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/stagedoor/stagedoor"
)

// Issuer is an identity provider of our own.
type Issuer struct {
	EntityID string
	Key      crypto.Signer
	Cert     *x509.Certificate
	SHA1     bool // signs as nobody should any more

	Digest string // of what is signed, sha1 or sha256; empty: as the signature's
}

// Issued is what an answer says.
type Issued struct {
	To, Audience string // where it is posted to, and our party's name
	InResponseTo string // id of the request; empty: nobody asked
	NameID       string
	Attributes   map[string][]string
	At           time.Time
	Life         time.Duration
	SessionIndex string  // empty: "s"
	EncryptFor   *Reader // who alone reads the assertion; nil: it is not encrypted. Where it is of SAML 2.0 they need a certificate

	// of assertions of SAML 1.1
	Format string            // of the NameID; empty: none is told
	Since  time.Time         // when the person last proved who they are; zero: At
	Method string            // how they did (SAML 1.1 core section 7.1); empty: as in AD FS
	Types  map[string]string // of the values of attributes, such as xs:string; nil: none are told
}

// Asked is what somebody else's request to sign in says. Its signature is not looked at.
type Asked struct {
	ID, ACS, Issuer string
	Signed          bool
}

// ReadRequest reads a request that came in an address or by a form.
func ReadRequest(r *http.Request) (*Asked, error) {
	// the library asks for the request as a whole
	req, err := saml.NewIdpAuthnRequest(&saml.IdentityProvider{}, r)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(req.RequestBuffer); err != nil || doc.Root() == nil || len(req.RequestBuffer) > MaxMessage {
		return nil, errors.New("xmlsig: the request cannot be read")
	}
	root := doc.Root()
	a := &Asked{ID: root.SelectAttrValue("ID", ""), ACS: root.SelectAttrValue("AssertionConsumerServiceURL", ""), Signed: r.URL.Query().Get("Signature") != "" || root.FindElement("./Signature") != nil}
	if issuer := root.FindElement("./Issuer"); issuer != nil {
		a.Issuer = issuer.Text()
	}
	return a, nil
}

// Issue makes a signed answer, in base64.
func (i *Issuer) Issue(x Issued) (string, error) {
	name, err := url.Parse(i.EntityID)
	if err != nil {
		return "", err
	}
	idp := &saml.IdentityProvider{Signer: i.Key, Certificate: i.Cert, MetadataURL: *name, SignatureMethod: dsig.RSASHA256SignatureMethod, Clock: clock(x.At)}
	if i.SHA1 {
		idp.SignatureMethod = dsig.RSASHA1SignatureMethod
	}
	req := &saml.IdpAuthnRequest{
		IDP: idp, HTTPRequest: &http.Request{}, Now: x.At, Request: saml.AuthnRequest{ID: x.InResponseTo, IssueInstant: x.At},
		ServiceProviderMetadata: &saml.EntityDescriptor{EntityID: x.Audience}, SPSSODescriptor: &saml.SPSSODescriptor{},
		ACSEndpoint: &saml.IndexedEndpoint{Binding: saml.HTTPPostBinding, Location: x.To},
	}
	if x.EncryptFor != nil {
		req.SPSSODescriptor.KeyDescriptors = []saml.KeyDescriptor{{
			Use: "encryption", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(x.EncryptFor.Cert.Raw)}}}},
		}}
	}
	session := &saml.Session{ID: "s", Index: cmp.Or(x.SessionIndex, "s"), CreateTime: x.At, ExpireTime: x.At.Add(x.Life), NameID: x.NameID}
	for name, values := range x.Attributes {
		a := saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}
		for _, v := range values {
			a.Values = append(a.Values, saml.AttributeValue{Type: "xs:string", Value: v})
		}
		session.CustomAttributes = append(session.CustomAttributes, a)
	}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(req, session); err != nil {
		return "", err
	}
	if err := req.MakeResponse(); err != nil {
		return "", err
	}
	doc := etree.NewDocument()
	doc.SetRoot(req.ResponseEl)
	text, err := doc.WriteToBytes()
	return base64.StdEncoding.EncodeToString(text), err
}

// Logout asks the party whose name and SLO address to has to sign somebody out: in an address, or by a form.
func (i *Issuer) Logout(to string, came stagedoor.CameBy, relay string, post bool, at time.Time) (*Departure, error) {
	own := &Own{EntityID: i.EntityID, Key: i.Key, Cert: i.Cert}
	sp, err := own.provider(&Party{SignOut: to}, "", at)
	if err != nil {
		return nil, err
	}
	if i.SHA1 {
		sp.LogoutSignatureMethod = dsig.RSASHA1SignatureMethod
	}
	index := saml.WithSessionIndex(came.SessionIndex)
	if !post {
		u, err := sp.MakeRedirectLogoutRequest(came.NameID, relay, index)
		if err != nil {
			return nil, err
		}
		return &Departure{Address: u.String()}, nil
	}
	req, err := sp.MakeLogoutRequest(to, came.NameID, index)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.SetRoot(req.Element())
	text, err := doc.WriteToBytes()
	return &Departure{Address: to, Form: map[string]string{"SAMLRequest": base64.StdEncoding.EncodeToString(text), "RelayState": relay}}, err
}
