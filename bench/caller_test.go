package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A caller asks a server over connections that stay open, and takes little of the processor's time for it: it shares the cores with the server, and what is
// held against arithmetic alone is not to pay for the HTTP library of whoever asks. What is held against an empty handler is asked by Go's
// library, as the handler is.
type caller struct {
	address string
	mu      sync.Mutex
	idle    []*callerConn
}

type callerConn struct {
	net.Conn
	in *bufio.Reader
}

// callerOf returns a caller of the server's plain HTTP.
func callerOf(s *stagedoortest.Server) *caller {
	return &caller{address: strings.TrimPrefix(s.HTTPURL, "http://")}
}

func (c *caller) conn() (*callerConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		conn := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return conn, nil
	}
	conn, err := net.Dial("tcp", c.address) //nolint:noctx // of this machine
	if err != nil {
		return nil, err
	}
	return &callerConn{conn, bufio.NewReader(conn)}, nil
}

// ask sends a request with header lines, each of which ends in \r\n, and returns the answer, read.
func (c *caller) ask(method, path, header string, body []byte) (*http.Response, []byte, error) {
	conn, err := c.conn()
	if err != nil {
		return nil, nil, err
	}
	request := fmt.Appendf(make([]byte, 0, 1024), "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n", method, path, c.address, len(body), header)
	if _, err := conn.Write(append(request, body...)); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(conn.in, nil)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, conn)
	return resp, answer, nil
}

// token asks the token endpoint with a body of JSON.
func (c *caller) token(body []byte, into any) error {
	resp, answer, err := c.ask("POST", "/oauth/token", "Content-Type: application/json\r\n", body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("POST /oauth/token: %s %s", resp.Status, answer)
	case into != nil:
		return json.Unmarshal(answer, into)
	}
	return nil
}

// redirected is where a GET leads.
func (c *caller) redirected(path, cookie string) (*url.URL, error) {
	resp, answer, err := c.ask("GET", path, "Cookie: "+cookie+"\r\n", nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 3 {
		return nil, fmt.Errorf("GET %.40s: %s %.200s", path, resp.Status, answer)
	}
	return url.Parse(resp.Header.Get("Location"))
}
