package xmlsig

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Own is who we are towards an identity provider.
type Own struct {
	EntityID string // our name
	ACS      string // where answers are posted to
	SLO      string // where people come back to who have signed out there
	Key      crypto.Signer
	Cert     *x509.Certificate
	Decrypts crypto.Signer // for assertions that are encrypted; nil: Key
	Sign     bool          // requests are signed
	SHA1     bool          // … with RSA-SHA1, for old providers

	DecryptsCert *x509.Certificate // for which assertions are encrypted; nil: Cert
}

// Party is an identity provider.
type Party struct {
	EntityID string // empty: whatever the message says, for its certificates tell
	SignIn   string // address
	SignOut  string // address; empty: nobody signs out there
	Post     bool   // requests are posted rather than put into the address
	Certs    []*x509.Certificate

	Thumbprints []string // SHA-1 digests of further certificates, in hexadecimal: of those that a message of WS-Federation brings along, these count
}

// clock is a fixed time as the library wants it.
func clock(now time.Time) *dsig.Clock { return dsig.NewFakeClockAt(now) }

// Certificates reads certificates in PEM or base64, or PEM in base64; what is none is passed over, and so are those of RSA keys with which to verify takes
// seconds: messages may hold signatures of a million bits.
func Certificates(texts ...string) (all []*x509.Certificate) {
	for _, text := range texts {
		data := []byte(text)
		if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
			data = decoded
		}
		found := false
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
				all, found = append(all, cert), true
			}
		}
		if cert, err := x509.ParseCertificate(data); err == nil && !found {
			all = append(all, cert)
		}
	}
	return slices.DeleteFunc(all, func(c *x509.Certificate) bool {
		key, is := c.PublicKey.(*rsa.PublicKey)
		return is && key.N.BitLen() > maxReader
	})
}

// maxKey bounds a key in PEM, in bytes: one of 8192 bits has 6,400, and to check or to use a longer one costs seconds.
const maxKey = 8 << 10

// ReadPair reads a certificate and its private key, both in PEM. Its errors say nothing of the key.
func ReadPair(certificate, private string) (crypto.Signer, *x509.Certificate, error) {
	certs := Certificates(certificate)
	if len(certs) == 0 {
		return nil, nil, errors.New("the certificate is missing or cannot be read")
	}
	block, _ := pem.Decode([]byte(private))
	if block == nil || len(private) > maxKey {
		return nil, nil, errors.New("the key is missing or cannot be read")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
		key, _ = parsed.(*rsa.PrivateKey)
	}
	switch {
	case key == nil || key.N.BitLen() < 2048:
		return nil, nil, errors.New("the key is not an RSA key of 2048 bits or more")
	case !key.PublicKey.Equal(certs[0].PublicKey):
		return nil, nil, errors.New("the key is not that of the certificate")
	}
	return key, certs[0], nil
}

// ReadMetadata takes what an identity provider's metadata say of it (SAML metadata section 2.4.3). Of the addresses to sign in at it is that of the binding,
// else the one for redirects, else the one for forms.
func ReadMetadata(text, binding string) (*Party, error) {
	var d saml.EntityDescriptor
	if len(text) > MaxMessage || xml.Unmarshal([]byte(text), &d) != nil || len(d.IDPSSODescriptors) == 0 {
		return nil, errors.New("xmlsig: no metadata of an identity provider")
	}
	p := &Party{EntityID: d.EntityID}
	role := d.IDPSSODescriptors[0]
	for _, wanted := range []string{cmp.Or(binding, saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding} {
		for _, e := range role.SingleSignOnServices {
			if p.SignIn == "" && e.Binding == wanted {
				p.SignIn, p.Post = e.Location, wanted == saml.HTTPPostBinding
			}
		}
	}
	for _, e := range role.SingleLogoutServices {
		if e.Binding == saml.HTTPRedirectBinding {
			p.SignOut = e.Location
		}
	}
	for _, k := range role.KeyDescriptors {
		if k.Use != "encryption" {
			for _, c := range k.KeyInfo.X509Data.X509Certificates {
				p.Certs = append(p.Certs, Certificates(c.Data)...)
			}
		}
	}
	return p, nil
}

// provider is the library's view of both sides. issuer is what the party calls itself.
func (o *Own) provider(p *Party, issuer string, now time.Time) (*saml.ServiceProvider, error) {
	acs, err := url.Parse(o.ACS)
	if err != nil {
		return nil, err
	}
	slo, err := url.Parse(o.SLO)
	if err != nil {
		return nil, err
	}
	sp := &saml.ServiceProvider{
		EntityID: o.EntityID, Key: o.Key, Certificate: o.Cert, AcsURL: *acs, SloURL: *slo, Clock: clock(now), RejectSHA1Signatures: true, RequireSignedResponseForCBC: true, RejectUnknownConditions: true,
		AssertionConsumerServiceBindings: []string{saml.HTTPPostBinding}, LogoutBindings: []string{saml.HTTPRedirectBinding}, IgnoreCertificateExpiry: true,
		AuthnNameIDFormat: saml.UnspecifiedNameIDFormat, LimitRelayStateLength: true,
	}
	if o.Sign && o.Key != nil {
		sp.SignatureMethod = dsig.RSASHA256SignatureMethod
		if o.SHA1 {
			sp.SignatureMethod = dsig.RSASHA1SignatureMethod
		}
	}
	if o.Key != nil {
		sp.LogoutSignatureMethod = dsig.RSASHA256SignatureMethod
	}
	if key, ok := o.Decrypts.(*rsa.PrivateKey); ok {
		sp.DecryptionKeys = []*rsa.PrivateKey{key}
		sp.EncryptionCertificate = o.DecryptsCert
	}
	d := saml.IDPSSODescriptor{}
	for _, c := range p.Certs {
		d.KeyDescriptors = append(d.KeyDescriptors, saml.KeyDescriptor{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(c.Raw)}}}}})
	}
	binding := saml.HTTPRedirectBinding
	if p.Post {
		binding = saml.HTTPPostBinding
	}
	d.SingleSignOnServices = []saml.Endpoint{{Binding: binding, Location: p.SignIn}}
	if p.SignOut != "" {
		d.SingleLogoutServices = []saml.Endpoint{{Binding: saml.HTTPRedirectBinding, Location: p.SignOut}}
	}
	sp.IDPMetadata = &saml.EntityDescriptor{EntityID: issuer, IDPSSODescriptors: []saml.IDPSSODescriptor{d}}
	return sp, nil
}

// Metadata are what we tell an identity provider of ourselves.
func (o *Own) Metadata(now time.Time) ([]byte, error) {
	sp, err := o.provider(&Party{}, "", now)
	if err != nil {
		return nil, err
	}
	sp.MetadataOmitValidUntil = true
	text, err := xml.MarshalIndent(sp.Metadata(), "", "  ")
	return append([]byte(xml.Header), text...), err
}
