package xmlsig

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"slices"

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
	d := provider{Protocols: "urn:oasis:names:tc:SAML:2.0:protocol", Formats: x.Formats}
	for _, c := range x.Certs {
		d.Keys = append(d.Keys, keyDescriptor(c))
	}
	for _, binding := range []string{saml.HTTPRedirectBinding, saml.HTTPPostBinding} {
		d.SignIn = append(d.SignIn, saml.Endpoint{Binding: binding, Location: x.SignIn})
		d.SignOut = append(d.SignOut, saml.Endpoint{Binding: binding, Location: x.SignOut})
	}
	if x.Signed {
		d.Signed = &x.Signed
	}
	for _, name := range slices.Sorted(maps.Keys(x.Attributes)) {
		d.Attributes = append(d.Attributes, saml.Attribute{Name: name, FriendlyName: x.Attributes[name], NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"})
	}
	text, err := xml.MarshalIndent(described{EntityID: x.EntityID, Provider: d}, "", "  ")
	return append([]byte(xml.Header), text...), err
}

// described is an EntityDescriptor whose attributes are elements of SAML's assertions, as the schema has it. The package's own writes them as elements of
// the metadata, and there are readers that refuse the whole of it then.
type described struct {
	XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string   `xml:"entityID,attr"`
	Provider provider `xml:"IDPSSODescriptor"`
}

type provider struct {
	Signed     *bool                `xml:"WantAuthnRequestsSigned,attr,omitempty"`
	Protocols  string               `xml:"protocolSupportEnumeration,attr"`
	Keys       []saml.KeyDescriptor `xml:"KeyDescriptor"`
	SignOut    []saml.Endpoint      `xml:"SingleLogoutService"`
	Formats    []string             `xml:"NameIDFormat"`
	SignIn     []saml.Endpoint      `xml:"SingleSignOnService"`
	Attributes []saml.Attribute     `xml:"urn:oasis:names:tc:SAML:2.0:assertion Attribute"`
}
