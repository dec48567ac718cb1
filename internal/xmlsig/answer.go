package xmlsig

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/stagedoor/stagedoor"
)

// Answer is what a client is told of somebody who has signed in.
type Answer struct {
	Destination   string // of the response
	Recipient     string // of the assertion: where it is good
	Audience      string // for whom
	InResponseTo  string // id of the request; empty: nobody asked
	NameID        string
	Format        string // of the NameID
	Attributes    []Attribute
	At            time.Time
	Authenticated time.Time // when the person last proved who they are
	Life          time.Duration
	SessionIndex  string
	Class         string  // how they did (SAML authentication context)
	SignResponse  bool    // rather than the assertion in it
	EncryptFor    *Reader // who alone reads the assertion; nil: it is not encrypted
}

// Attribute is one thing that is told of a person.
type Attribute struct {
	Name, Format string // Format may be empty
	Type         string // xs:string, xs:boolean …; empty: none is told
	Values       []string
}

// The outcomes of a request that ends without an assertion (SAML core section 3.2.2.2).
const (
	NoPassive        = saml.StatusNoPassive
	AuthnFailed      = saml.StatusAuthnFailed
	RequestDenied    = saml.StatusRequestDenied
	UnknownPrincipal = saml.StatusUnknownPrincipal
	BadNameIDPolicy  = saml.StatusInvalidNameIDPolicy
)

// Answer makes a signed answer, in base64.
func (i *Issuer) Answer(x Answer) (string, error) {
	a := &saml.Assertion{
		ID: "_" + stagedoor.NewToken(), IssueInstant: x.At, Version: "2.0", Issuer: saml.Issuer{Value: i.EntityID},
		Subject: &saml.Subject{NameID: &saml.NameID{Value: x.NameID, Format: x.Format}, SubjectConfirmations: []saml.SubjectConfirmation{{
			Method:                  "urn:oasis:names:tc:SAML:2.0:cm:bearer",
			SubjectConfirmationData: &saml.SubjectConfirmationData{InResponseTo: x.InResponseTo, NotOnOrAfter: x.At.Add(x.Life), Recipient: x.Recipient},
		}}},
		Conditions: &saml.Conditions{NotBefore: x.At, NotOnOrAfter: x.At.Add(x.Life), AudienceRestrictions: []saml.AudienceRestriction{{Audience: saml.Audience{Value: x.Audience}}}},
		AuthnStatements: []saml.AuthnStatement{{
			AuthnInstant: x.Authenticated, SessionIndex: x.SessionIndex, AuthnContext: saml.AuthnContext{AuthnContextClassRef: &saml.AuthnContextClassRef{Value: x.Class}},
		}},
	}
	if !utterable(x.NameID) || x.NameID == "" {
		return "", errors.New("xmlsig: the name cannot be written in XML")
	}
	if len(x.Attributes) > 0 {
		a.AttributeStatements = []saml.AttributeStatement{{}}
	}
	for _, at := range x.Attributes {
		one := saml.Attribute{Name: uttered(at.Name), NameFormat: at.Format}
		for _, v := range at.Values {
			one.Values = append(one.Values, saml.AttributeValue{Type: at.Type, Value: uttered(v)})
		}
		a.AttributeStatements[0].Attributes = append(a.AttributeStatements[0].Attributes, one)
	}
	el := a.Element()
	if !x.SignResponse {
		signature, err := i.sign(el, "ID")
		if err != nil {
			return "", err
		}
		a.Signature = signature
		el = a.Element()
	}
	if x.EncryptFor != nil {
		sealed, err := x.EncryptFor.encrypt(el)
		if err != nil {
			return "", err
		}
		el = etree.NewElement("saml:EncryptedAssertion")
		el.AddChild(sealed)
	}
	r := i.response(x.Destination, x.InResponseTo, x.At)
	r.Status.StatusCode.Value = saml.StatusSuccess
	out := r.Element()
	out.AddChild(el)
	if x.SignResponse {
		signature, err := i.sign(out, "ID")
		if err != nil {
			return "", err
		}
		r.Signature = signature
		out = r.Element()
		out.AddChild(el)
	}
	return encode(out)
}

// Refuse makes a signed answer that says why there is no assertion, in base64. why is one of the outcomes above; people may read the message.
func (i *Issuer) Refuse(destination, inResponseTo, why, message string, at time.Time) (string, error) {
	r := i.response(destination, inResponseTo, at)
	r.Status.StatusCode = saml.StatusCode{Value: saml.StatusResponder, StatusCode: &saml.StatusCode{Value: why}}
	if why == BadNameIDPolicy {
		r.Status.StatusCode.Value = saml.StatusRequester
	}
	if message != "" {
		r.Status.StatusMessage = &saml.StatusMessage{Value: uttered(message)}
	}
	signature, err := i.sign(r.Element(), "ID")
	if err != nil {
		return "", err
	}
	r.Signature = signature
	return encode(r.Element())
}

func (i *Issuer) response(destination, inResponseTo string, at time.Time) *saml.Response {
	return &saml.Response{ID: "_" + stagedoor.NewToken(), InResponseTo: inResponseTo, Version: "2.0", IssueInstant: at, Destination: destination, Issuer: &saml.Issuer{Value: i.EntityID}}
}

// sign returns the signature over an element, which has its name in the attribute id.
func (i *Issuer) sign(el *etree.Element, id string) (*etree.Element, error) {
	ctx, err := dsig.NewSigningContext(i.Key, [][]byte{i.Cert.Raw})
	if err != nil {
		return nil, err
	}
	ctx.IdAttribute, ctx.Canonicalizer = id, dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	method := dsig.RSASHA256SignatureMethod
	if i.SHA1 {
		method = dsig.RSASHA1SignatureMethod
	}
	if err := ctx.SetSignatureMethod(method); err != nil {
		return nil, err
	}
	signature, err := ctx.ConstructSignature(el, true)
	if digest := digests[i.Digest]; err == nil && digest != 0 && digest != ctx.Hash {
		err = i.redigest(ctx, el, signature, digest)
	}
	return signature, err
}

var digests = map[string]crypto.Hash{"sha1": crypto.SHA1, "sha256": crypto.SHA256}

// redigest gives a signature of the library, which has one hash for both, another digest of what it is over, and signs that (XML Signature section 3.1).
func (i *Issuer) redigest(ctx *dsig.SigningContext, el, signature *etree.Element, digest crypto.Hash) error {
	text, err := ctx.Canonicalizer.Canonicalize(el)
	if err != nil {
		return err
	}
	sum := digest.New()
	sum.Write(text)
	info := signature.FindElement("./SignedInfo")
	reference := info.FindElement("./Reference")
	method := dsig.SigningContext{Hash: digest}
	reference.FindElement("./DigestMethod").CreateAttr(dsig.AlgorithmAttr, method.GetDigestAlgorithmIdentifier())
	reference.FindElement("./DigestValue").SetText(base64.StdEncoding.EncodeToString(sum.Sum(nil)))
	around, err := etreeutils.NSBuildParentContext(info)
	if err != nil {
		return err
	}
	alone, err := etreeutils.NSDetatch(around, info)
	if err != nil {
		return err
	}
	if text, err = ctx.Canonicalizer.Canonicalize(alone); err != nil {
		return err
	}
	sum = ctx.Hash.New()
	sum.Write(text)
	value, err := i.Key.Sign(rand.Reader, sum.Sum(nil), ctx.Hash)
	if err != nil {
		return err
	}
	signature.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	return nil
}

// encode writes an element, in base64.
func encode(el *etree.Element) (string, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el)
	text, err := doc.WriteToBytes()
	return base64.StdEncoding.EncodeToString(text), err
}

// utterable tells whether a text can be written in XML 1.0 and read again as it was.
func utterable(s string) bool { return uttered(s) == s && !strings.ContainsRune(s, '\r') }

// uttered leaves out what XML 1.0 has no way to write (XML section 2.2).
func uttered(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
}
