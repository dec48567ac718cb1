package script

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/outbound"
)

const (
	maxSockets    = 32      // of a run at a time
	maxSocketOps  = 200_000 // reads, writes and the like of a run
	socketChunk   = 64 << 10
	connectWithin = 15 * time.Second
)

// Dialer connects scripts to the outside, and looks up names for them, under the operator's policy.
type Dialer struct {
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	Addresses func(ctx context.Context, host string) ([]netip.Addr, error)
	Records   func(ctx context.Context, kind, name string) (any, error)
}

// Reach is a Dialer under a policy.
func Reach(c outbound.Config) Dialer {
	names := outbound.NewNames(c)
	return Dialer{Dial: outbound.Dialer(c), Addresses: names.Addresses, Records: names.Records}
}

// sockets are a run's connections. All end with the run.
type sockets struct {
	mu     sync.Mutex
	next   int
	open   map[int]*socket
	shakes map[int]*shaking // by the wire of their tunnel
	ops    int
	bytes  int64 // both ways
}

// socket is one connection. TLS may take the place of what it began as, also while somebody reads.
type socket struct {
	mu        sync.Mutex
	changed   sync.Cond
	conn      net.Conn
	upgrading bool
	reading   bool
	once      sync.Once
}

func newSocket(conn net.Conn) *socket {
	s := &socket{conn: conn}
	s.changed.L = &s.mu
	return s
}

func (s *socket) close() {
	s.once.Do(func() {
		s.mu.Lock()
		conn := s.conn
		s.mu.Unlock()
		_ = conn.SetDeadline(time.Now()) // a TLS connection would wait for its peer
		_ = conn.Close()
	})
}

func (s *socket) current() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.upgrading {
		s.changed.Wait()
	}
	return s.conn
}

// read reads what is there; a reader that an upgrade interrupts goes on behind it.
func (s *socket) read(p []byte) (int, error) {
	for {
		s.mu.Lock()
		for s.upgrading {
			s.changed.Wait()
		}
		conn := s.conn
		s.reading = true
		s.mu.Unlock()
		n, err := conn.Read(p)
		s.mu.Lock()
		s.reading = false
		s.changed.Broadcast()
		upgraded := s.upgrading || s.conn != conn
		s.mu.Unlock()
		if n == 0 && upgraded && errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		return n, err
	}
}

// upgrade puts TLS over the connection.
func (s *socket) upgrade(ctx context.Context, c *tls.Config) (*tls.Conn, error) {
	s.mu.Lock()
	if s.upgrading {
		s.mu.Unlock()
		return nil, &callError{Message: "The socket is being upgraded already"}
	}
	s.upgrading = true
	conn := s.conn
	_ = conn.SetReadDeadline(time.Unix(1, 0))
	for s.reading {
		s.changed.Wait()
	}
	_ = conn.SetReadDeadline(time.Time{})
	s.mu.Unlock()
	secure := tls.Client(conn, c)
	err := secure.HandshakeContext(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upgrading = false
	if err == nil {
		s.conn = secure
	}
	s.changed.Broadcast()
	return secure, err
}

// socketCall is the params of all calls about sockets.
type socketCall struct {
	Socket  int        `json:"socket"`
	Plain   int        `json:"plain"` // the other end of a tunnel, to begin a handshake on
	Host    string     `json:"host"`
	Port    int        `json:"port"`
	Timeout int64      `json:"timeout"` // milliseconds
	Data    []byte     `json:"data"`
	TLS     tlsOptions `json:"tls"`
	Kind    string     `json:"kind"` // of records
	Name    string     `json:"name"`
}

// counted are the calls that count against the limit of calls; the others count in bytes.
var counted = map[string]bool{"connect": true, "tunnel": true, "resolve": true}

// isSocketCall tells whether a method belongs here.
func isSocketCall(method string) bool {
	switch method {
	case "connect", "read", "write", "shutdown", "close", "starttls", "tunnel", "shake", "resolve":
		return true
	}
	return false
}

// socketCall does what a script asks of its sockets.
func (j *job) socketCall(method string, params json.RawMessage) (any, error) {
	var c socketCall
	if err := json.Unmarshal(params, &c); err != nil {
		return nil, &callError{Message: "malformed call"}
	}
	switch method {
	case "connect":
		return j.connect(c)
	case "resolve":
		return j.resolve(c)
	case "tunnel":
		return j.tunnel()
	}
	s, err := j.socket(c.Socket)
	if err != nil {
		return nil, err
	}
	switch method {
	case "read":
		return j.readSocket(s)
	case "write":
		if err := j.countBytes(len(c.Data)); err != nil {
			return nil, err
		}
		if _, err := s.current().Write(c.Data); err != nil {
			return nil, socketError(err, "write")
		}
	case "shutdown":
		if half, ok := s.current().(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		} else {
			s.close()
		}
	case "close":
		j.sockets.mu.Lock()
		delete(j.sockets.open, c.Socket)
		j.sockets.mu.Unlock()
		s.close()
	case "starttls":
		return j.startTLS(s, c.TLS)
	case "shake":
		return j.shake(s, c)
	}
	return struct{}{}, nil
}

func (j *job) socket(id int) (*socket, error) {
	j.sockets.mu.Lock()
	defer j.sockets.mu.Unlock()
	if j.sockets.ops++; j.sockets.ops > maxSocketOps {
		return nil, &callError{Message: "too many operations on sockets"}
	}
	s := j.sockets.open[id]
	if s == nil {
		return nil, &callError{Message: "This socket has been ended by the other party", Code: "EPIPE"}
	}
	return s, nil
}

// keep registers a connection; it is closed with the run.
func (j *job) keep(conn net.Conn) (int, error) {
	s := newSocket(conn)
	context.AfterFunc(j.ctx, s.close)
	j.sockets.mu.Lock()
	defer j.sockets.mu.Unlock()
	if len(j.sockets.open) >= maxSockets {
		go s.close()
		return 0, &callError{Message: fmt.Sprintf("too many sockets: %d are allowed at a time", maxSockets), Code: "EMFILE"}
	}
	if j.sockets.open == nil {
		j.sockets.open = make(map[int]*socket)
	}
	j.sockets.next++
	j.sockets.open[j.sockets.next] = s
	return j.sockets.next, nil
}

func (j *job) countBytes(n int) error {
	j.sockets.mu.Lock()
	defer j.sockets.mu.Unlock()
	if j.sockets.bytes += int64(n); j.sockets.bytes > j.host.cfg.Limits.SocketBytes {
		return &callError{Message: fmt.Sprintf("more than %d bytes over sockets", j.host.cfg.Limits.SocketBytes), Code: "ERESPONSETOOLARGE"}
	}
	return nil
}

func (j *job) connect(c socketCall) (any, error) {
	if j.net().Dial == nil {
		return nil, &callError{Message: "connect ECONNREFUSED: this run opens no connections, unless calls that no stub answers are let out (--http-live, or live at the server)", Code: "ECONNREFUSED", Errno: "ECONNREFUSED"}
	}
	if c.Port < 1 || c.Port > 65535 {
		return nil, &callError{Message: "Port should be > 0 and < 65536", Code: "ERR_SOCKET_BAD_PORT"}
	}
	within := connectWithin
	if c.Timeout > 0 {
		within = min(within, time.Duration(c.Timeout)*time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(j.ctx, within)
	defer cancel()
	address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	began := time.Now()
	conn, err := j.net().Dial(ctx, "tcp", address)
	done := Call{Method: "CONNECT", URL: address, Duration: time.Since(began)}
	var id int
	if err == nil {
		id, err = j.keep(conn)
	} else {
		err = transportError(err, &url.URL{Host: address}, false)
		var coded *callError
		if errors.As(err, &coded) && (coded.Code == "ETIMEDOUT" || coded.Code == "ESOCKETTIMEDOUT") {
			err = &callError{Message: "connect ETIMEDOUT " + address, Code: "ETIMEDOUT", Errno: "ETIMEDOUT"}
		}
	}
	if err != nil {
		done.Error = asCallError(err).Code
	}
	j.mu.Lock()
	if !j.over {
		j.calls = append(j.calls, done)
	}
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	remote, port, _ := net.SplitHostPort(conn.RemoteAddr().String())
	family := "IPv4"
	if addr, err := netip.ParseAddr(remote); err == nil && addr.Is6() {
		family = "IPv6"
	}
	return map[string]any{"socket": id, "remoteAddress": remote, "remotePort": atoi(port), "remoteFamily": family}, nil
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (j *job) readSocket(s *socket) (any, error) {
	p := make([]byte, socketChunk)
	n, err := s.read(p)
	if n > 0 {
		if err := j.countBytes(n); err != nil {
			return nil, err
		}
		return map[string]any{"data": p[:n]}, nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, os.ErrDeadlineExceeded) { // closing sets it
		return map[string]any{"end": true}, nil
	}
	return nil, socketError(err, "read")
}

func socketError(err error, doing string) error {
	var own *callError
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) {
		return &callError{Message: doing + " EPIPE", Code: "EPIPE", Errno: "EPIPE"}
	}
	var fault *net.OpError
	if errors.As(err, &fault) {
		err = fault.Err // without addresses
	}
	out := transportError(err, &url.URL{}, true)
	if errors.As(out, &own) && own.Code == "ECONNRESET" {
		own.Message = doing + " ECONNRESET"
	}
	return out
}

// resolve looks a name up.
func (j *job) resolve(c socketCall) (any, error) {
	if j.net().Addresses == nil || j.net().Records == nil {
		return nil, &callError{Message: "Scripts cannot look up names here", Code: "EREFUSED"}
	}
	ctx, cancel := context.WithTimeout(j.ctx, connectWithin)
	defer cancel()
	var out any
	var err error
	if c.Kind == "" {
		out, err = j.net().Addresses(ctx, c.Name)
	} else {
		out, err = j.net().Records(ctx, c.Kind, c.Name)
	}
	var dns *net.DNSError
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &dns) && dns.IsTimeout:
		return nil, &callError{Message: "ETIMEOUT " + c.Name, Code: "ETIMEOUT"}
	}
	return nil, &callError{Message: "ENOTFOUND " + c.Name, Code: "ENOTFOUND"} // nor is it told why
}
