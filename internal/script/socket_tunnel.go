package script

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// tunnelSize is how much one end of a tunnel may be ahead of the other.
const tunnelSize = 1 << 20

// tunnelEnd is one of the two ends of a pipe in memory. Unlike net.Pipe's, it holds what is written until it is read, and tells when its
// reader has nothing left: then what was written has been worked in.
type tunnelEnd struct {
	pipe *tunnelPipe
	side int
}

type tunnelPipe struct {
	mu      sync.Mutex
	changed sync.Cond
	to      [2][]byte // what waits for the reader of each side
	hungry  [2]bool   // the reader of the side waits
	expired [2]bool
	closed  bool
}

func newTunnel() (wire, plain *tunnelEnd) {
	p := &tunnelPipe{}
	p.changed.L = &p.mu
	return &tunnelEnd{p, 0}, &tunnelEnd{p, 1}
}

func (e *tunnelEnd) Read(b []byte) (int, error) {
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.to[e.side]) == 0 {
		switch {
		case p.expired[e.side]:
			return 0, os.ErrDeadlineExceeded
		case p.closed:
			return 0, io.EOF
		}
		p.hungry[e.side] = true
		p.changed.Broadcast()
		p.changed.Wait()
	}
	p.hungry[e.side] = false
	n := copy(b, p.to[e.side])
	p.to[e.side] = p.to[e.side][n:]
	p.changed.Broadcast()
	return n, nil
}

func (e *tunnelEnd) Write(b []byte) (int, error) {
	p, other := e.pipe, 1-e.side
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.to[other]) > tunnelSize && !p.closed {
		p.changed.Wait()
	}
	if p.closed {
		return 0, io.ErrClosedPipe
	}
	p.to[other] = append(p.to[other], b...)
	p.hungry[other] = false
	p.changed.Broadcast()
	return len(b), nil
}

func (e *tunnelEnd) Close() error {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	e.pipe.closed = true
	e.pipe.changed.Broadcast()
	return nil
}

// SetReadDeadline knows only never and at once.
func (e *tunnelEnd) SetReadDeadline(t time.Time) error {
	e.pipe.mu.Lock()
	defer e.pipe.mu.Unlock()
	e.pipe.expired[e.side] = !t.IsZero() && !t.After(time.Now())
	e.pipe.changed.Broadcast()
	return nil
}

func (e *tunnelEnd) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *tunnelEnd) SetWriteDeadline(time.Time) error { return nil }
func (e *tunnelEnd) LocalAddr() net.Addr              { return tunnelAddr{} }
func (e *tunnelEnd) RemoteAddr() net.Addr             { return tunnelAddr{} }

type tunnelAddr struct{}

func (tunnelAddr) Network() string { return "tunnel" }
func (tunnelAddr) String() string  { return "tunnel" }

// turn hands data to the other end and waits until its reader wants more or over says so; it returns what the other end has written.
func (e *tunnelEnd) turn(data []byte, over func() bool) []byte {
	p := e.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(data) > 0 {
		p.to[1-e.side] = append(p.to[1-e.side], data...)
		p.hungry[1-e.side] = false
		p.changed.Broadcast()
	}
	for !p.hungry[1-e.side] && !p.closed && !over() {
		p.changed.Wait()
	}
	out := p.to[e.side]
	p.to[e.side] = nil
	return out
}

// tunnel makes a pair of sockets, for TLS over a stream of the script's own: what the one is given, the other's TLS reads.
func (j *job) tunnel() (any, error) {
	wire, plain := newTunnel()
	first, err := j.keep(wire)
	if err != nil {
		return nil, err
	}
	second, err := j.keep(plain)
	if err != nil {
		return nil, err
	}
	return map[string]int{"wire": first, "socket": second}, nil
}

// shaking is a handshake under way over a tunnel.
type shaking struct {
	state any
	err   error
	over  bool // under the pipe's lock
}

// shaken is what a turn of a handshake brought.
type shaken struct {
	Data  []byte     `json:"data,omitempty"`
	State any        `json:"state,omitempty"` // see startTLS; there when the handshake is over
	Error *callError `json:"error,omitempty"`
}

// shake takes a handshake over a tunnel one turn further: what came over the wire is worked in, and what TLS says to it comes back, with the
// end of the handshake when that is all. The script stands meanwhile, because clients of databases that speak TLS inside of their own packets
// expect, as in Node, that what they hand over has had its effect.
func (j *job) shake(s *socket, c socketCall) (any, error) {
	wire, ok := s.current().(*tunnelEnd)
	if !ok {
		return nil, &callError{Message: "not a tunnel"}
	}
	if err := j.countBytes(len(c.Data)); err != nil {
		return nil, err
	}
	pipe := wire.pipe
	if c.Plain != 0 {
		plain, err := j.socket(c.Plain)
		if err != nil {
			return nil, err
		}
		sh := &shaking{}
		j.sockets.mu.Lock()
		if j.sockets.shakes == nil {
			j.sockets.shakes = map[int]*shaking{}
		}
		j.sockets.shakes[c.Socket] = sh
		j.sockets.mu.Unlock()
		go func() {
			state, err := j.startTLS(plain, c.TLS)
			pipe.mu.Lock()
			defer pipe.mu.Unlock()
			sh.state, sh.err, sh.over = state, err, true
			pipe.changed.Broadcast()
		}()
	}
	j.sockets.mu.Lock()
	sh := j.sockets.shakes[c.Socket]
	j.sockets.mu.Unlock()
	if sh == nil {
		return nil, &callError{Message: "no handshake has begun"}
	}
	out := shaken{Data: wire.turn(c.Data, func() bool { return sh.over })}
	pipe.mu.Lock()
	if sh.over {
		if sh.err == nil {
			out.State = sh.state
		} else {
			out.Error = asCallError(sh.err)
		}
	}
	pipe.mu.Unlock()
	text, err := json.Marshal(out)
	return string(text), err
}
