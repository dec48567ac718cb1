package xmlsig

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// Client is a service provider as we know it.
type Client struct {
	ACS   []string              // addresses that answers may be posted to, the first of them where the request names none
	Certs []*x509.Certificate   // with one of which its requests must be signed; none: they need not be, and signatures are not looked at
	Takes func(ACS string) bool // whether another address is good too; nil: none is
}

// Authn is what a client's request to sign somebody in says, checked (SAML core section 3.4.1).
type Authn struct {
	ID, Issuer, ACS string
	RelayState      string
	ForceAuthn      bool
	IsPassive       bool
	Format          string    // of the NameID that it asks for; empty: any
	Subject         string    // the NameID of whom it expects; empty: anybody
	Ends            time.Time // when the request is no longer good
}

// authnLife is how old a request may be, and how far the client's clock may differ.
const authnLife = 10 * time.Minute

// ReadAuthn checks a request that came to the address at. The answer's address is one of the client's: one that it did not register is refused.
// The caller holds the request to be new by its id.
func ReadAuthn(c *Client, at string, m Message, now time.Time) (*Authn, error) {
	raw, err := m.request()
	if err != nil {
		return nil, err
	}
	var seen struct {
		XMLName      xml.Name  `xml:"urn:oasis:names:tc:SAML:2.0:protocol AuthnRequest"`
		IssueInstant time.Time `xml:",attr"`
		Destination  string    `xml:",attr"`
		ACS          string    `xml:"AssertionConsumerServiceURL,attr"`
	}
	if err := xml.Unmarshal(raw, &seen); err != nil {
		return nil, errors.New("xmlsig: the request is no AuthnRequest")
	}
	if d := now.Sub(seen.IssueInstant); d > authnLife || d < -authnLife {
		return nil, errors.New("xmlsig: the request is not of now")
	}
	where, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	if bare, _, _ := strings.Cut(seen.Destination, "?"); bare == at { // the query is ours as well
		if where, err = url.Parse(seen.Destination); err != nil {
			return nil, errors.New("xmlsig: the destination cannot be read")
		}
	}
	r, err := c.carry(m, raw)
	if err != nil {
		return nil, err
	}
	idp := &saml.IdentityProvider{SSOURL: *where, RejectSHA1Signatures: true, WantAuthnRequestsSigned: len(c.Certs) > 0, Clock: clock(now), ServiceProviderProvider: known{c, seen.ACS}}
	req, err := saml.NewIdpAuthnRequest(idp, r)
	if err != nil {
		return nil, fmt.Errorf("xmlsig: %w", err)
	}
	req.Now = seen.IssueInstant // which is of now by our own bounds; the library's are those of machines, not of people
	if err := req.Validate(); err != nil {
		return nil, fmt.Errorf("xmlsig: %w", err)
	}
	return authnOf(req, now)
}

func authnOf(req *saml.IdpAuthnRequest, now time.Time) (*Authn, error) {
	q := &req.Request
	a := &Authn{ID: q.ID, Issuer: strings.TrimSpace(q.Issuer.Value), ACS: req.ACSEndpoint.Location, RelayState: req.RelayState, Ends: now.Add(2 * authnLife)}
	a.ForceAuthn, a.IsPassive = q.ForceAuthn != nil && *q.ForceAuthn, q.IsPassive != nil && *q.IsPassive
	if p := q.NameIDPolicy; p != nil && p.Format != nil {
		a.Format = *p.Format
	}
	if q.Subject != nil && q.Subject.NameID != nil {
		a.Subject = strings.TrimSpace(q.Subject.NameID.Value)
	}
	switch {
	case a.Issuer == "":
		return nil, errors.New("xmlsig: the request has no issuer")
	case len(a.ID) > 256 || len(a.Issuer) > 1024 || len(a.Subject) > 1024:
		return nil, errors.New("xmlsig: what the request calls itself, its issuer or its subject is too long")
	case strings.ContainsFunc(a.ID, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`<>&"'`, r) }):
		return nil, errors.New("xmlsig: the id of the request is none")
	case q.ProtocolBinding != "" && q.ProtocolBinding != saml.HTTPPostBinding:
		return nil, fmt.Errorf("xmlsig: answers are posted, and not sent by %.100q", q.ProtocolBinding)
	}
	return a, nil
}

// carry is the message as the library wants it. Signatures that there is no certificate for are left out: they tell nothing.
func (c *Client) carry(m Message, raw []byte) (*http.Request, error) {
	if m.Form == nil {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: m.Query}, Header: http.Header{}}
		if len(c.Certs) == 0 {
			q := r.URL.Query()
			r.URL.RawQuery = url.Values{"SAMLRequest": q["SAMLRequest"], "RelayState": q["RelayState"]}.Encode()
		}
		return r, nil
	}
	if len(c.Certs) == 0 {
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(raw); err != nil || doc.Root() == nil {
			return nil, errors.New("xmlsig: the request is no XML")
		}
		for _, child := range doc.Root().ChildElements() {
			if child.Tag == "Signature" {
				doc.Root().RemoveChild(child)
			}
		}
		var err error
		if raw, err = doc.WriteToBytes(); err != nil {
			return nil, err
		}
	}
	one := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(raw)}, "RelayState": {m.Form.Get("RelayState")}}
	return &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}, Form: one, PostForm: one}, nil
}

// known is what the library is told of the client: which addresses are its own.
type known struct {
	*Client
	asked string // the address that the request names
}

// GetServiceProvider is the client, whatever it calls itself: the address of the request says which one it is.
func (k known) GetServiceProvider(_ *http.Request, name string) (*saml.EntityDescriptor, error) {
	d := saml.SPSSODescriptor{}
	all := k.ACS
	if k.asked != "" && k.Takes != nil && k.Takes(k.asked) {
		all = append(all[:len(all):len(all)], k.asked)
	}
	if len(all) == 0 {
		return nil, os.ErrNotExist
	}
	for i, address := range all {
		d.AssertionConsumerServices = append(d.AssertionConsumerServices, saml.IndexedEndpoint{Binding: saml.HTTPPostBinding, Location: address, Index: i})
	}
	for _, c := range k.Certs {
		d.KeyDescriptors = append(d.KeyDescriptors, keyDescriptor(c))
	}
	return &saml.EntityDescriptor{EntityID: name, SPSSODescriptors: []saml.SPSSODescriptor{d}}, nil
}
