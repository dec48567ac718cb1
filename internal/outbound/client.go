package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// What a client does when Config does not say otherwise.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxResponse = 1 << 20
)

const (
	dialTimeout      = 3 * time.Second // for each address of a name
	maxAddresses     = 4               // of a name, that are tried
	maxHeaderBytes   = 64 << 10
	idlePerHost      = 8
	idleTimeout      = 60 * time.Second
	handshakeTimeout = 5 * time.Second
)

// Why an exchange is refused. Errors of the client wrap these.
var (
	ErrForbidden = errors.New("outbound: address is not public")
	ErrTooLarge  = errors.New("outbound: response is too large")
)

// Config says what a client may do. The zero value may reach the public Internet, directly.
type Config struct {
	AllowPrivate bool           // loopback, private and carrier networks; never link-local or metadata addresses
	Allow        []netip.Prefix // networks that are allowed whatever else is said
	AllowHosts   []string       // "host:port" pairs that are allowed whatever their address, for neighbours of the server
	Proxy        *url.URL       // http, https or socks5; nil connects directly
	Timeout      time.Duration  // of a whole exchange with its redirects; 0 means DefaultTimeout
	MaxResponse  int64          // bytes of a body after decompression; 0 means DefaultMaxResponse
	RootCAs      *x509.CertPool // nil means those of the system
	// Resolve finds the addresses of a name; nil asks the system. It is asked once for each connection.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// New makes a client. Keep it: its connections are reused.
func New(c Config) *http.Client {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxResponse == 0 {
		c.MaxResponse = DefaultMaxResponse
	}
	if c.Resolve == nil {
		c.Resolve = systemAddresses
	}
	transport := &http.Transport{
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  c.Timeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      true,
	}
	if c.Proxy != nil {
		transport.Proxy = http.ProxyURL(c.Proxy)
	}
	return &http.Client{Transport: &guard{c, transport}, Timeout: c.Timeout}
}

// dial resolves a name once and connects to the first allowed address of it that answers.
func (c Config) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	if proxy := c.Proxy != nil && strings.EqualFold(address, authority(c.Proxy)); !proxy && !c.named(address) {
		addrs = slices.DeleteFunc(addrs, func(addr netip.Addr) bool { return !c.allowed(addr) })
		if len(addrs) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrForbidden, host)
		}
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	err = fmt.Errorf("outbound: %s has no address", host)
	for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, network, net.JoinHostPort(addr.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (c Config) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return c.Resolve(ctx, host)
}

// named tells whether the operator allowed a "host:port" by name.
func (c Config) named(address string) bool {
	return slices.ContainsFunc(c.AllowHosts, func(host string) bool { return strings.EqualFold(host, address) })
}

// authority is the host and port of a URL, with the usual port of its scheme if it names none.
func authority(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// A guard stands before the transport: it refuses what a proxy would not, and limits what comes back.
type guard struct {
	Config
	next http.RoundTripper
}

// RoundTrip sends a request.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.Proxy != nil && !g.proxied(r.URL) {
		return nil, fmt.Errorf("%w: %s", ErrForbidden, r.URL.Hostname())
	}
	response, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.ContentLength > g.MaxResponse && r.Method != http.MethodHead {
		return nil, errors.Join(ErrTooLarge, response.Body.Close())
	}
	response.Body = &limited{response.Body, g.MaxResponse}
	return response, nil
}

// proxied tells whether a URL may be handed to the proxy: its host is an allowed address, or a name that no proxy reads as an
// address (127.1, 0x7f000001) or as itself (localhost).
func (g *guard) proxied(u *url.URL) bool {
	if g.named(authority(u)) {
		return true
	}
	host := u.Hostname()
	if strings.ContainsFunc(host, func(r rune) bool { return r > 0x7e }) { // what the transport asks the proxy for then: digits and dots come in many scripts
		var err error
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return false
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.allowed(addr)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	numeric := strings.HasPrefix(last, "0x") || last == "" || strings.Trim(last, "0123456789") == ""
	return !numeric && last != "localhost"
}

// limited is a body that fails with ErrTooLarge, rather than end early as if it were whole.
type limited struct {
	io.ReadCloser
	left int64
}

// Read reads on within the limit.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > l.left+1 { // one more than allowed tells the end from too much
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

// Dialer returns how to connect under the same rules for protocols other than HTTP: no private address unless the operator allows it. It
// does not use the proxy.
func Dialer(c Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	if c.Resolve == nil {
		c.Resolve = systemAddresses
	}
	c.Proxy = nil
	return c.dial
}

func systemAddresses(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
