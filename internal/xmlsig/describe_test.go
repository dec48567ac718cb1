package xmlsig_test

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// Every element of the metadata is of the namespace that the schema has it in (SAML metadata section 2.4.3), and two readings say the same.
func TestDescribe(t *testing.T) {
	s := both(t)
	x := xmlsig.Description{
		EntityID: "urn:idp", SignIn: "https://idp.example/samlp/app", SignOut: "https://idp.example/samlp/app/logout", Certs: s.party.Certs, Formats: []string{"f"},
		Attributes: map[string]string{"https://claims.example/c": "C", "https://claims.example/a": "A", "https://claims.example/b": "B"},
	}
	text, err := xmlsig.Describe(x)
	if err != nil {
		t.Fatal(err)
	}
	const metadata, assertion, signature = "urn:oasis:names:tc:SAML:2.0:metadata", "urn:oasis:names:tc:SAML:2.0:assertion", "http://www.w3.org/2000/09/xmldsig#"
	space := map[string]string{"Attribute": assertion, "KeyInfo": signature, "X509Data": signature, "X509Certificate": signature}
	var elements, attributes []string
	decoder := xml.NewDecoder(strings.NewReader(string(text)))
	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		start, is := token.(xml.StartElement)
		if !is {
			continue
		}
		want := space[start.Name.Local]
		if want == "" {
			want = metadata
		}
		if start.Name.Space != want {
			t.Errorf("%s is of %q, want %q", start.Name.Local, start.Name.Space, want)
		}
		elements = append(elements, start.Name.Local)
		for _, a := range start.Attr {
			if start.Name.Local == "Attribute" && a.Name.Local == "FriendlyName" {
				attributes = append(attributes, a.Value)
			}
		}
	}
	if want := []string{
		"EntityDescriptor", "IDPSSODescriptor", "KeyDescriptor", "KeyInfo", "X509Data", "X509Certificate", "SingleLogoutService", "SingleLogoutService", "NameIDFormat", "SingleSignOnService", "SingleSignOnService", "Attribute", "Attribute", "Attribute",
	}; !slices.Equal(elements, want) {
		t.Errorf("%q, want %q", elements, want)
	}
	if !slices.Equal(attributes, []string{"A", "B", "C"}) {
		t.Error(attributes)
	}
}
