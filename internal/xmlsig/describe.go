package xmlsig

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"

	"github.com/crewjam/saml"
)

// Description is what clients of SAML are told of us.
type Description struct {
	EntityID, SignIn, SignOut string
	Certs                     []*x509.Certificate // the first of them signs now
	Signed                    bool                // requests have to be signed
	Formats                   []string            // of NameIDs
	Attributes                map[string]string   // what is told of people: names, with words for people
}

func keyDescriptor(c *x509.Certificate) saml.KeyDescriptor {
	return saml.KeyDescriptor{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(c.Raw)}}}}}
}

// Describe writes metadata of an identity provider (SAML metadata section 2.4.3).
func Describe(x Description) ([]byte, error) {
	d := saml.IDPSSODescriptor{}
	d.ProtocolSupportEnumeration = "urn:oasis:names:tc:SAML:2.0:protocol"
	for _, c := range x.Certs {
		d.KeyDescriptors = append(d.KeyDescriptors, keyDescriptor(c))
	}
	for _, binding := range []string{saml.HTTPRedirectBinding, saml.HTTPPostBinding} {
		d.SingleSignOnServices = append(d.SingleSignOnServices, saml.Endpoint{Binding: binding, Location: x.SignIn})
		d.SingleLogoutServices = append(d.SingleLogoutServices, saml.Endpoint{Binding: binding, Location: x.SignOut})
	}
	for _, f := range x.Formats {
		d.NameIDFormats = append(d.NameIDFormats, saml.NameIDFormat(f))
	}
	if x.Signed {
		d.WantAuthnRequestsSigned = &x.Signed
	}
	for name, words := range x.Attributes {
		d.Attributes = append(d.Attributes, saml.Attribute{Name: name, FriendlyName: words, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"})
	}
	text, err := xml.MarshalIndent(&saml.EntityDescriptor{EntityID: x.EntityID, IDPSSODescriptors: []saml.IDPSSODescriptor{d}}, "", "  ")
	return append([]byte(xml.Header), text...), err
}
