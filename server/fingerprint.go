package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/fingerprint"
)

// What a proxy says is one whole fingerprint, or nothing.
var (
	wholeJA3 = regexp.MustCompile(`^[0-9a-f]{32}$`)
	wholeJA4 = regexp.MustCompile(`^[tqd][0-9a-z]{2}[di][0-9]{4}[0-9a-zA-Z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$`)
)

// peer is what is kept of a connection while it lives.
type peer struct{ said *stagedoor.Fingerprints } // nil: no TLS

type peerKey struct{}

// remember gives a connection a place for what its handshake says.
func remember(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, &peer{})
}

// fingerprinted makes a TLS configuration keep the fingerprints of those who connect.
func fingerprinted(c *tls.Config) *tls.Config {
	next := c.GetConfigForClient
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if kept, is := hello.Context().Value(peerKey{}).(*peer); is {
			kept.said = fingerprint.Of(hello)
		}
		if next == nil {
			return nil, nil //nolint:nilnil // the usual configuration
		}
		return next(hello)
	}
	return c
}

// fingerprints returns those of the program that asks; nil if none is known. Behind a trusted proxy that is what the proxy says in the headers that the
// operator named: the connection is the proxy's own. From anybody else the headers count for nothing.
func (s *Server) fingerprints(r *http.Request, proxied bool) *stagedoor.Fingerprints {
	if !proxied {
		if kept, is := r.Context().Value(peerKey{}).(*peer); is {
			return kept.said
		}
		return nil
	}
	said := stagedoor.Fingerprints{JA3: strings.ToLower(named(r, s.cfg.JA3Header)), JA4: named(r, s.cfg.JA4Header)}
	if !wholeJA3.MatchString(said.JA3) {
		said.JA3 = ""
	}
	if !wholeJA4.MatchString(said.JA4) {
		said.JA4 = ""
	}
	if said == (stagedoor.Fingerprints{}) {
		return nil
	}
	return &said
}

// named returns a header that is there once.
func named(r *http.Request, header string) string {
	if header == "" {
		return ""
	}
	if values := r.Header.Values(header); len(values) == 1 {
		return strings.TrimSpace(values[0])
	}
	return ""
}

// fingerprintsKnown is which fingerprints can be told of requests here. Where there are proxies, requests are thought to come through them.
func fingerprintsKnown(cfg config.Config) stagedoor.FingerprintsKnown {
	direct := cfg.HTTPS != "" && len(cfg.TrustedProxies) == 0
	return stagedoor.FingerprintsKnown{JA3: direct || cfg.JA3Header != "", JA4: direct || cfg.JA4Header != ""}
}
