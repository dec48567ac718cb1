package saml

import (
	"crypto/x509"
	"net/http"

	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/internal/xmlsig"
)

// metadata are what a client is told of us: the certificate of the key that signs now, and of the one that will next.
func (d *Door) metadata(w http.ResponseWriter, r *http.Request, st *store.Store) {
	client, addon, ok := d.client(w, r, st)
	if !ok {
		return
	}
	certs, err := d.certificates(r, st)
	var text []byte
	if err == nil {
		at := web.Issuer(r) + "samlp/" + client.ID
		text, err = xmlsig.Describe(xmlsig.Description{
			EntityID: addon.issuer(st), SignIn: at, SignOut: at + "/logout", Certs: certs, Signed: addon.mustSign(),
			Formats: []string{addon.text("nameIdentifierFormat", unspecified)}, Attributes: described,
		})
	}
	if err != nil {
		page.Fail(w, r, st, err, client)
		return
	}
	writeMetadata(w, "application/samlmetadata+xml; charset=utf-8", text)
}

// described are the claims that metadata speak of.
var described = map[string]string{
	nameIdentifier: "Name ID", emailAddress: "E-Mail Address", nameClaim: "Name", claims + "givenname": "Given Name", claims + "surname": "Surname",
}

func writeMetadata(w http.ResponseWriter, contentType string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400") // as the keys of the server
	h.Set("Content-Disposition", `inline; filename="metadata.xml"`)
	_, _ = w.Write(text) // the client has gone
}

// certificates are those of the key that signs now and of the next one.
func (d *Door) certificates(r *http.Request, st *store.Store) ([]*x509.Certificate, error) {
	current, err := d.Keys.Current(r.Context(), st)
	if err != nil {
		return nil, err
	}
	out := []*x509.Certificate{current.Cert}
	all, err := st.SigningKeys(r.Context())
	for _, k := range all {
		if k.State == "next" && err == nil {
			var cert *x509.Certificate
			if cert, err = x509.ParseCertificate(k.CertDER); err == nil {
				out = append(out, cert)
			}
		}
	}
	return out, err
}
