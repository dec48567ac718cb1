package server

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/telemetry"
	"github.com/stagedoor/stagedoor/internal/web"
)

// healthRoutes answer under every name.
var healthRoutes = []web.Route{
	{Method: "GET", Pattern: "/healthz", Title: "The process is alive"},
	{Method: "GET", Pattern: "/readyz", Title: "The database answers and is migrated"},
}

// maxUnread is how much of a body that nobody needed is taken nevertheless, in bytes. HTTP/2 resets a stream on which the client still sends,
// and some clients (curl) then lose the answer. HTTP/1 does the same by itself.
const maxUnread = 64 << 10

// requestLimit is how long a request may take unless the configuration says otherwise: less than a connection lives on (writeTimeout), so that
// the caller of one that meets a database that hangs gets an answer.
const requestLimit = 55 * time.Second

// front is what every request passes first: it finds out who asks and under which name, also behind a
// trusted proxy, and writes that into the request for the doors; it answers health checks, refuses plain
// http for anything but loopback, turns panics into a 500 and writes one log line.
func (s *Server) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		event := &web.Event{Log: s.log, ID: requestID(r)}
		rec := &recorder{ResponseWriter: w, status: http.StatusOK, event: event}
		connecting := clientIP(r.RemoteAddr)
		trusted := s.trusts(connecting)
		ctx, span := s.tracer.Request(r, trusted)
		ctx, cancel := context.WithTimeout(web.WithEvent(ctx, event), cmp.Or(s.cfg.RequestLimit, requestLimit))
		defer cancel()
		if cert := s.certificate(r, trusted); cert != nil {
			ctx = web.WithCertificate(ctx, cert)
		}
		if said := s.fingerprints(r, trusted); said != nil {
			ctx = web.WithFingerprints(ctx, said)
		}
		r = s.normalized(r.WithContext(ctx), connecting, trusted)
		r = s.aliased(r)
		rec.Header().Set(requestIDHeader, event.ID)
		s.lastOfConnection(rec.Header())
		s.metrics.Add(telemetry.RequestsNow, 1)
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					s.metrics.Add(telemetry.RequestsNow, -1)
					span.End()
					panic(p)
				}
				event.Logger().Error("panic", "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
				if !rec.wrote {
					http.Error(rec, "Internal error", http.StatusInternalServerError)
				}
			}
			if r.ProtoMajor == 2 {
				_, _ = io.CopyN(io.Discard, r.Body, maxUnread)
			}
			s.metrics.Add(telemetry.RequestsNow, -1)
			s.answered(r, event, span, rec, time.Since(start))
		}()
		switch r.URL.Path {
		case "/healthz":
			event.SetRoute(r.URL.Path)
			alive(rec, r)
			return
		case "/readyz":
			event.SetRoute(r.URL.Path)
			s.ready(rec, r)
			return
		}
		loopback := isLoopback(r.Host)
		if r.URL.Scheme == "http" && !loopback {
			if !trusted && lastValue(r.Header, "X-Forwarded-Proto") == "https" {
				s.disbelieved(connecting)
			}
			toHTTPS(rec, r)
			return
		}
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		if r.URL.Scheme == "https" && !loopback {
			rec.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		var in bool
		if r, in = s.admitted(rec, r, connecting); in {
			next.ServeHTTP(rec, r)
		}
	})
}

// normalized puts the request's effective scheme, host and client address into URL.Scheme, Host and RemoteAddr. The request must be a copy; its
// URL is replaced, its header is only read. connecting is the address that the connection came from, trusted whether it is a trusted proxy's.
func (s *Server) normalized(r *http.Request, connecting string, trusted bool) *http.Request {
	u := *r.URL
	r.URL = &u
	u.Scheme = "http"
	if r.TLS != nil {
		u.Scheme = "https"
	}
	r.RemoteAddr = connecting
	if trusted {
		if proto := lastValue(r.Header, "X-Forwarded-Proto"); proto == "https" || proto == "http" {
			u.Scheme = proto
		}
		if host := lastValue(r.Header, "X-Forwarded-Host"); host != "" {
			r.Host = host
		}
		r.RemoteAddr = s.forwardedFor(r)
	}
	r.Host = strings.ToLower(r.Host)
	if host, port, err := net.SplitHostPort(r.Host); err == nil && (port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http") {
		r.Host = host
	}
	return r
}

func clientIP(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

func lastValue(h http.Header, name string) string {
	values := strings.Split(strings.Join(h.Values(name), ","), ",")
	return strings.TrimSpace(values[len(values)-1])
}

// trusts tells whether the address is one of the trusted proxies'.
func (s *Server) trusts(addr string) bool {
	if len(s.cfg.TrustedProxies) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(addr)
	return err == nil && slices.ContainsFunc(s.cfg.TrustedProxies, func(p config.Network) bool { return p.Contains(ip.Unmap()) })
}

// forwardedFor walks X-Forwarded-For from its end, which trusted proxies wrote, to the first address that is
// not theirs.
func (s *Server) forwardedFor(r *http.Request) string {
	addr := r.RemoteAddr
	values := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, v := range slices.Backward(values) {
		ip, err := forwardedAddr(strings.TrimSpace(v))
		if err != nil {
			break
		}
		addr = ip.String()
		if !s.trusts(addr) {
			break
		}
	}
	return addr
}

// forwardedAddr reads an entry of X-Forwarded-For. Some proxies write the port of the client with its address (Azure Application Gateway, and load balancers of AWS that are
// told to), those of IPv6 in brackets then.
func forwardedAddr(entry string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(entry)
	if err != nil && strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		ip, err = netip.ParseAddr(entry[1 : len(entry)-1])
	}
	if err != nil {
		var both netip.AddrPort
		both, err = netip.ParseAddrPort(entry)
		ip = both.Addr()
	}
	return ip.WithZone("").Unmap(), err
}

// isLoopback tells whether the host, with its port or without, is this machine itself.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return stagedoor.IsLoopback(host)
}

// disbelieved tells once an hour that somebody nearby, such as a proxy that nobody named, says that a request came by https: browsers are sent to
// where they are, again and again. What strangers say tells nothing.
func (s *Server) disbelieved(connecting string) {
	ip, err := netip.ParseAddr(connecting)
	if ip = ip.Unmap(); err != nil || !ip.IsPrivate() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
		return
	}
	now, told := time.Now().UnixNano(), s.doubted.Load()
	if now-told > int64(time.Hour) && s.doubted.CompareAndSwap(told, now) {
		s.log.Warn("a request that X-Forwarded-Proto says came by https is sent to https, since who says so is no trusted proxy", "address", connecting, "if it is a proxy of yours", "--trusted-proxies "+connecting)
	}
}

// toHTTPS sends browsers to https. Anything else gets an error: a credential that came in the clear must not seem to
// have worked.
func toHTTPS(w http.ResponseWriter, r *http.Request) {
	plain := strings.HasPrefix(r.URL.RequestURI(), "/") // not http:@elsewhere, which would become part of the host
	if plain && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if _, err := url.Parse("https://" + host); err == nil {
			w.Header().Set("Cache-Control", "no-store") // no cache may send others where a stranger's Host leads
			http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
			return
		}
	}
	web.WriteJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Use https."})
}

// recorder remembers the status and the size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
	bytes  int64
	event  *web.Event
}

// Logger is where lines about the request go.
func (r *recorder) Logger() *slog.Logger { return r.event.Logger() }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
