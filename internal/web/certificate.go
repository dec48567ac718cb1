package web

import (
	"context"
	"crypto/x509"
)

// Certificate is what a client showed when it connected (RFC 8705). That it has the private key was proved to whoever ended the connection: the
// server itself or a proxy that it trusts.
type Certificate struct {
	*x509.Certificate
	Vouched bool // by an authority that the operator, or the operator's proxy, knows
}

type certificateKey struct{}

// WithCertificate returns a context with the certificate of the request's client. Only the server in front calls it.
func WithCertificate(ctx context.Context, c *Certificate) context.Context {
	return context.WithValue(ctx, certificateKey{}, c)
}

// CertificateOf returns the certificate of the context's client, or nil.
func CertificateOf(ctx context.Context) *Certificate {
	c, _ := ctx.Value(certificateKey{}).(*Certificate)
	return c
}
