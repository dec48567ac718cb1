package storetest

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A Proxy stands between the store and a PostgreSQL server, reads along, and cuts connections where a test wants it.
type Proxy struct {
	URL string // of the database, through the proxy

	server string
	l      net.Listener

	mu    sync.Mutex
	down  bool
	hush  bool
	cuts  []*cut
	conns map[net.Conn]bool
}

// When a connection is cut: before the server sees the statement, or after it has answered, before the client sees that.
type When int

// The two moments.
const (
	Before When = iota
	After
)

type cut struct {
	text string
	when When
	left int
}

// NewProxy starts a proxy to the server of a database.
func NewProxy(t testing.TB, address string) *Proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the address is not a URL")
	}
	p := &Proxy{server: u.Host, conns: map[net.Conn]bool{}}
	if p.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u.Host = p.l.Addr().String()
	p.URL = u.String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := p.l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		p.l.Close()
		p.Down()
		running.Wait()
	})
	return p
}

// Cut ends, times times, the connection of whoever sends a statement that holds text.
func (p *Proxy) Cut(when When, text string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts = append(p.cuts, &cut{text, when, times})
}

// Left returns how many cuts have not happened.
func (p *Proxy) Left() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.cuts {
		n += c.left
	}
	return n
}

// Down ends all connections and takes no new ones until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		c.Close()
	}
}

// Hush ends all connections, takes new ones and says nothing on them until Up, as a machine does that was cut off the network.
func (p *Proxy) Hush() {
	p.Down()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.hush = false, true
}

// Up takes connections again.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.hush = false, false
}

func (p *Proxy) hushed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hush
}

func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *Proxy) due(text string) (When, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.cuts {
		if c.left > 0 && strings.Contains(text, c.text) {
			c.left--
			return c.when, true
		}
	}
	return 0, false
}

func (p *Proxy) serve(client net.Conn) {
	defer p.drop(client)
	if !p.hold(client) {
		return
	}
	if p.hushed() {
		io.Copy(io.Discard, client) //nolint:errcheck // until one of them has enough
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer p.drop(server)
	if !p.hold(server) {
		return
	}
	var mu sync.Mutex
	silent := false // what the server answers is kept from the client, and the connection ends with the answer
	go func() {
		defer client.Close()
		defer server.Close()
		for {
			m, err := message(server, true)
			if err != nil {
				return
			}
			mu.Lock()
			quiet := silent
			mu.Unlock()
			if quiet && m[0] == 'Z' {
				return
			}
			if quiet {
				continue
			}
			if _, err := client.Write(m); err != nil {
				return
			}
		}
	}()
	prepared := map[string]string{}
	for started := false; ; started = true {
		m, err := message(client, started)
		if err != nil {
			return
		}
		if started {
			if when, due := p.due(statementOf(m, prepared)); due {
				if when == Before {
					return
				}
				mu.Lock()
				silent = true
				mu.Unlock()
			}
		}
		if _, err := server.Write(m); err != nil {
			return
		}
	}
}

// message reads one message of the protocol; the first one of a client has no type.
func message(r io.Reader, typed bool) ([]byte, error) {
	head := make([]byte, 4, 5)
	if typed {
		head = head[:5]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[len(head)-4:])
	if n < 4 || n > 64<<20 {
		return nil, io.ErrUnexpectedEOF
	}
	m := append(head, make([]byte, n-4)...)
	_, err := io.ReadFull(r, m[len(head):])
	return m, err
}

// statementOf returns the SQL that a message runs.
func statementOf(m []byte, prepared map[string]string) string {
	body := string(m[5:])
	switch m[0] {
	case 'Q':
		return body
	case 'P':
		parts := strings.SplitN(body, "\x00", 3)
		prepared[parts[0]] = parts[1]
		if parts[0] == "" {
			return parts[1]
		}
	case 'B':
		parts := strings.SplitN(body, "\x00", 3)
		if parts[1] != "" {
			return prepared[parts[1]]
		}
	}
	return ""
}
