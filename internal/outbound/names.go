package outbound

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// Names looks names up under the same rules as a client: what a client may not reach, nobody is told.
type Names struct{ c Config }

// NewNames returns how names are looked up under c.
func NewNames(c Config) *Names {
	if c.Resolve == nil {
		c.Resolve = systemAddresses
	}
	return &Names{c}
}

// Addresses returns the addresses of a name that may be connected to. A name that has only others is ErrForbidden.
func (n *Names) Addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := n.c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	addrs = slices.DeleteFunc(addrs, func(addr netip.Addr) bool { return !n.c.allowed(addr) })
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrForbidden, host)
	}
	return addrs, nil
}

// Records returns the records of a kind (MX, TXT, SRV, CNAME, NS, PTR) that a public name has, in the form of package net.
func (n *Names) Records(ctx context.Context, kind, name string) (any, error) {
	r := net.DefaultResolver
	switch kind {
	case "MX":
		return r.LookupMX(ctx, name)
	case "TXT":
		return r.LookupTXT(ctx, name)
	case "SRV":
		_, records, err := r.LookupSRV(ctx, "", "", name)
		return records, err
	case "CNAME":
		return r.LookupCNAME(ctx, name)
	case "NS":
		return r.LookupNS(ctx, name)
	case "PTR":
		addr, err := netip.ParseAddr(name)
		if err != nil {
			return nil, err
		}
		if !n.c.allowed(addr) {
			return nil, fmt.Errorf("%w: %s", ErrForbidden, name)
		}
		return r.LookupAddr(ctx, name)
	}
	return nil, fmt.Errorf("outbound: no records of kind %s", kind)
}

// A Wrapper is what stands around the transport of a client of [New], or around another Wrapper.
type Wrapper interface {
	http.RoundTripper
	// Around is the same around what change makes of what is within.
	Around(change func(http.RoundTripper) http.RoundTripper) http.RoundTripper
}

// WithTLS returns a client that is like a client of [New] but for how it trusts servers and shows itself to them, whatever stands around its transport. It
// keeps no connections.
func WithTLS(client *http.Client, c *tls.Config) *http.Client {
	out := *client
	out.Transport = withTLS(client.Transport, c)
	return &out
}

func withTLS(t http.RoundTripper, c *tls.Config) http.RoundTripper {
	switch t := t.(type) {
	case Wrapper:
		return t.Around(func(within http.RoundTripper) http.RoundTripper { return withTLS(within, c) })
	case *guard:
		if transport, ok := t.next.(*http.Transport); ok {
			next := transport.Clone()
			next.TLSClientConfig, next.DisableKeepAlives = c, true
			return &guard{t.Config, next}
		}
	}
	return t
}
