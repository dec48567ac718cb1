package oauth

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// errCertificate is the answer to a certificate that does not prove the client.
func errCertificate(why string) error {
	return stagedoor.Errorf(stagedoor.Unauthorized, "invalid_client", "Invalid client certificate: %s", why)
}

// byCertificate tells whether the client proves itself by a certificate.
func byCertificate(c *stagedoor.Client) bool {
	return c.AuthenticationMethods != nil && (c.AuthenticationMethods.TLS != nil || c.AuthenticationMethods.SelfSignedTLS != nil)
}

// certifiedClient authenticates a client by the certificate that it showed when it connected (RFC 8705 section 2): one of a subject that an
// authority vouches for, or the very one that was registered.
func certifiedClient(ctx context.Context, r *http.Request, st *store.Store, c *stagedoor.Client, secret string) (*stagedoor.Client, error) {
	if secret != "" || r.Header.Get("Authorization") != "" {
		return nil, invalid("The client is authenticated in two ways that differ.")
	}
	cert, now := web.CertificateOf(ctx), st.Clock().Now()
	switch {
	case cert == nil:
		return nil, errCertificate("there is none")
	case now.Before(cert.NotBefore) || now.After(cert.NotAfter):
		return nil, errCertificate("it has expired, or is not valid yet")
	}
	known := func(list *stagedoor.CredentialList, matches func(*stagedoor.ClientCredential) bool) bool {
		return slices.ContainsFunc(c.Credentials, func(cred stagedoor.ClientCredential) bool {
			return list.Names(cred.ID) && !cred.Expired(now) && matches(&cred)
		})
	}
	print := jose.CertificateThumbprint(cert.Certificate)
	if known(c.AuthenticationMethods.SelfSignedTLS, func(cred *stagedoor.ClientCredential) bool {
		return cred.Type == "x509_cert" && jose.Equal(cred.Thumbprint, print)
	}) {
		return c, nil
	}
	if c.AuthenticationMethods.TLS != nil && !cert.Vouched {
		return nil, errCertificate("no authority vouches for it")
	}
	if known(c.AuthenticationMethods.TLS, func(cred *stagedoor.ClientCredential) bool {
		return cred.Type == "cert_subject_dn" && sameSubject(cred.SubjectDN, cert)
	}) {
		return c, nil
	}
	return nil, errCertificate("it is not the client's")
}

// sameSubject tells whether a certificate has the subject that was registered: a part on each line, in its order, or as RFC 4514 writes it.
func sameSubject(registered string, cert *web.Certificate) bool {
	var parts []string
	for line := range strings.Lines(registered) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	text := strings.Join(parts, "\n")
	lines := len(parts) == len(cert.Certificate.Subject.Names) && text == jose.SubjectLines(cert.Certificate) // a value that holds a line break makes two lines of one part
	if len(parts) == 1 {
		return lines && !listed.MatchString(text) || text == jose.SubjectText(cert.Certificate)
	}
	return lines
}

// listed finds a second part in a subject on one line. A certificate whose one part has a value like that is of another subject.
var listed = regexp.MustCompile(`[,+;] *[A-Za-z0-9.-]+=`)
