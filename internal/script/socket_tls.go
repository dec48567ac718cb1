package script

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"time"
)

// tlsOptions are how a script wants its TLS.
type tlsOptions struct {
	Name     string   `json:"name"`     // server name; empty: none is sent, and none is expected
	Insecure bool     `json:"insecure"` // whoever it is
	AnyName  bool     `json:"anyName"`  // the script looks at the name itself
	CA       string   `json:"ca"`       // PEM; empty: those of the system
	Cert     string   `json:"cert"`     // PEM, to show
	Key      string   `json:"key"`      // PEM
	ALPN     []string `json:"alpn"`
	Old      bool     `json:"old"` // TLS 1.0 and 1.1 are welcome too
}

// config makes Go's configuration of the options. The certificate is looked at in check, so that what is wrong can be told.
func (o tlsOptions) config() (*tls.Config, error) {
	c := &tls.Config{ServerName: o.Name, NextProtos: o.ALPN, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // see check
	if o.Old {
		c.MinVersion = tls.VersionTLS10
	}
	if net.ParseIP(o.Name) != nil {
		c.ServerName = ""
	}
	if o.Cert != "" || o.Key != "" {
		pair, err := tls.X509KeyPair([]byte(o.Cert), []byte(o.Key))
		if err != nil {
			return nil, &callError{Message: "The client certificate and its key cannot be used", Code: "ERR_OSSL_X509_KEY_VALUES_MISMATCH"}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if !o.Insecure {
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if code := o.check(state); code != "" {
				return &callError{Message: verifyTexts[code], Code: code}
			}
			return nil
		}
	}
	return c, nil
}

// check says what is wrong with the peer's certificate in the words of Node, or nothing.
func (o tlsOptions) check(state tls.ConnectionState) string {
	if len(state.PeerCertificates) == 0 {
		return "UNABLE_TO_GET_ISSUER_CERT"
	}
	leaf := state.PeerCertificates[0]
	options := x509.VerifyOptions{Intermediates: x509.NewCertPool(), CurrentTime: time.Now()}
	for _, c := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	if o.CA != "" {
		options.Roots = x509.NewCertPool()
		for rest := []byte(o.CA); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				options.Roots.AddCert(c)
			}
		}
	}
	_, err := leaf.Verify(options)
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "CERT_HAS_EXPIRED"
	case err != nil && len(state.PeerCertificates) == 1 && leaf.CheckSignatureFrom(leaf) == nil:
		return "DEPTH_ZERO_SELF_SIGNED_CERT"
	case err != nil && len(state.PeerCertificates) > 1:
		return "SELF_SIGNED_CERT_IN_CHAIN"
	case err != nil:
		return "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
	case !o.AnyName && o.Name != "" && leaf.VerifyHostname(o.Name) != nil:
		return "ERR_TLS_CERT_ALTNAME_INVALID"
	}
	return ""
}

var verifyTexts = map[string]string{
	"CERT_HAS_EXPIRED": "certificate has expired", "DEPTH_ZERO_SELF_SIGNED_CERT": "self-signed certificate",
	"SELF_SIGNED_CERT_IN_CHAIN": "self-signed certificate in certificate chain", "UNABLE_TO_VERIFY_LEAF_SIGNATURE": "unable to verify the first certificate",
	"UNABLE_TO_GET_ISSUER_CERT": "unable to get issuer certificate", "ERR_TLS_CERT_ALTNAME_INVALID": "Hostname/IP does not match certificate's altnames",
}

// startTLS puts TLS over a socket and tells what came of it.
func (j *job) startTLS(s *socket, o tlsOptions) (any, error) {
	c, err := o.config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(j.ctx, connectWithin)
	defer cancel()
	secure, err := s.upgrade(ctx, c)
	if err != nil {
		var own *callError
		var alert tls.AlertError
		switch {
		case errors.As(err, &own):
			return nil, own
		case errors.As(err, &alert):
			return nil, &callError{Message: "TLS alert: " + alert.Error(), Code: "ERR_SSL_TLS_ALERT"}
		case errors.As(err, new(tls.RecordHeaderError)):
			return nil, &callError{Message: "TLS: wrong version number", Code: "ERR_SSL_WRONG_VERSION_NUMBER"}
		}
		out := socketError(err, "read")
		if errors.As(out, &own) && own.Code == "ECONNRESET" {
			own.Message = "Client network socket disconnected before secure TLS connection was established"
		}
		return nil, out
	}
	state := secure.ConnectionState()
	var chain [][]byte
	for _, c := range state.PeerCertificates {
		chain = append(chain, c.Raw)
	}
	problem := o.check(state)
	return map[string]any{
		"protocol": map[uint16]string{tls.VersionTLS10: "TLSv1", tls.VersionTLS11: "TLSv1.1", tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}[state.Version],
		"cipher":   tls.CipherSuiteName(state.CipherSuite), "alpn": state.NegotiatedProtocol, "chain": chain, "problem": problem, "why": verifyTexts[problem],
	}, nil
}
