package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/script"
)

// ourselves lets scripts call the server that runs them by the domains of their own tenant, whatever these resolve to from here: such a
// request is handed to the server's own doors and never leaves. So no private address has to be opened for it, and it works before the
// domains do. Domains of other tenants are reached, or not, like any address. It comes from nowhere: what it says about proxies is dropped, and its address is the unspecified one.
type ourselves struct {
	server  *Server
	next    http.RoundTripper
	rewrite map[string]string // hosts by former names, lower case
}

// scriptHTTP is a client for scripts, made of one that goes out.
func (s *Server) scriptHTTP(client *http.Client, rewrite map[string]string) *http.Client {
	c := *client
	lower := make(map[string]string, len(rewrite))
	for former, host := range rewrite {
		lower[strings.ToLower(former)] = strings.ToLower(host)
	}
	c.Transport = &ourselves{server: s, next: client.Transport, rewrite: lower}
	return &c
}

// Around makes it one whose requests go out by another transport.
func (o *ourselves) Around(change func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	other := *o
	other.next = change(o.next)
	return &other
}

// RoundTrip answers a request.
func (o *ourselves) RoundTrip(r *http.Request) (*http.Response, error) {
	host := usualHost(r.URL.Scheme, r.URL.Host)
	if now := o.rewrite[host]; now != "" {
		r = r.Clone(r.Context())
		if r.Host == "" || usualHost(r.URL.Scheme, r.Host) == host {
			r.Host = now
		}
		r.URL.Host, host = now, usualHost(r.URL.Scheme, now)
	}
	tenant, _, _ := strings.Cut(script.TenantOf(r.Context()), " ")
	if st, err := o.server.db.TenantByDomain(r.Context(), host); err != nil || st.Tenant().ID != tenant {
		return o.next.RoundTrip(r)
	}
	return o.serve(r, host)
}

// usualHost is the host of a URL in lower case, without the usual port of its scheme.
func usualHost(scheme, host string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil && (scheme == "https" && port == "443" || scheme == "http" && port == "80") {
		return name
	}
	return host
}

func (o *ourselves) serve(r *http.Request, host string) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), host, "0.0.0.0:0"
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Body == nil {
		in.Body = http.NoBody
	}
	for name := range in.Header {
		if lower := strings.ToLower(name); lower == "forwarded" || lower == "x-real-ip" || strings.HasPrefix(lower, "x-forwarded-") {
			delete(in.Header, name)
		}
	}
	if r.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
	}
	in.URL.Scheme, in.URL.Host = "", ""
	w := &answer{header: http.Header{}}
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		o.server.handler.ServeHTTP(w, in)
	}()
	select {
	case p := <-done:
		if p != nil {
			return nil, errors.New("server: the request was aborted")
		}
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if w.tooLarge {
		return nil, outbound.ErrTooLarge
	}
	return w.response(r), nil
}

// maxAnswer bounds what a script can ask of the server at once, in bytes.
const maxAnswer = 16 << 20

// answer keeps what is answered to a request that never left.
type answer struct {
	header   http.Header
	sent     http.Header
	status   int
	body     bytes.Buffer
	tooLarge bool
}

// Header returns the header to be sent.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader sets the status, once.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write adds to the body.
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > maxAnswer {
		w.tooLarge = true
		return 0, outbound.ErrTooLarge
	}
	return w.body.Write(p)
}

func (w *answer) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}
