package rehearsal

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Stub is one answer of the network, as a file has it:
//
//	GET https://api.example.com/people/*
//	200 after 50ms
//	content-type: application/json
//
//	{"plan": "gold"}
//
// `*` stands for anything, also as the method; a URL without a query stands for any query. Instead of a status, `refuse` does not connect,
// `reset` breaks the connection and `hang` never answers. Stubs that match the same call answer it one after the other; the last goes on.
type Stub struct {
	Name    string
	method  string
	url     *regexp.Regexp
	queries bool // the URL says something about the query
	status  int
	failure string // refuse, reset, hang
	after   time.Duration
	headers http.Header
	body    []byte
}

// ParseStub reads a stub. Errors name it.
func ParseStub(name, text string) (Stub, error) {
	s := Stub{Name: name, headers: http.Header{}}
	wrong := func(line int, format string, args ...any) (Stub, error) {
		return Stub{}, fmt.Errorf("%s, line %d: %s", name, line, fmt.Sprintf(format, args...))
	}
	head, body, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
	lines := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	method, pattern, ok := strings.Cut(strings.TrimSpace(lines[0]), " ")
	pattern = strings.TrimSpace(pattern)
	if !ok || pattern != "*" && !strings.Contains(pattern, "://") {
		return wrong(1, "want a method and a URL, such as GET https://api.example.com/*")
	}
	s.method = strings.ToUpper(method)
	s.url = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
	s.queries = strings.Contains(pattern, "?")
	if len(lines) < 2 {
		return wrong(2, "want a status, or one of refuse, reset, hang")
	}
	status, after, delayed := strings.Cut(strings.TrimSpace(lines[1]), " after ")
	if delayed {
		var err error
		if s.after, err = time.ParseDuration(strings.TrimSpace(after)); err != nil {
			return wrong(2, "want a time such as 200ms behind after")
		}
	}
	switch status = strings.TrimSpace(status); status {
	case "refuse", "reset", "hang":
		s.failure = status
	default:
		n, err := strconv.Atoi(strings.Fields(status + " x")[0])
		if err != nil || n < 200 || n > 599 {
			return wrong(2, "%q is no status: want 200 to 599, or one of refuse, reset, hang", status)
		}
		s.status = n
	}
	for i, line := range lines[2:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return wrong(i+3, "want a header, or an empty line before the body")
		}
		s.headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	s.body = []byte(strings.TrimSuffix(body, "\n"))
	return s, nil
}

// ReadStubs reads every file of a directory as a stub, in the order of their names. Hidden files are passed over.
func ReadStubs(dir fs.FS) ([]Stub, error) {
	files, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	var out []Stub
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		text, err := fs.ReadFile(dir, f.Name())
		if err != nil {
			return nil, err
		}
		s, err := ParseStub(f.Name(), string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (s *Stub) matches(req *http.Request) bool {
	if s.method != "*" && s.method != req.Method {
		return false
	}
	url := req.URL.String()
	if !s.queries {
		url, _, _ = strings.Cut(url, "?")
	}
	return s.url.MatchString(url)
}

// network answers the calls of a play and keeps what was called.
type network struct {
	client  *http.Client      // which calls it
	outside http.RoundTripper // nil: no call goes out

	mu    sync.Mutex
	stubs []Stub
	used  []bool
	calls []*Exchange
}

func newNetwork(stubs []Stub, live bool, outside *http.Client) *network {
	n := &network{stubs: stubs, used: make([]bool, len(stubs))}
	var client http.Client
	if outside != nil {
		client = *outside
		if live {
			n.outside = outside.Transport
		}
	}
	client.Transport = n
	n.client = &client
	return n
}

func (n *network) all() []Exchange {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []Exchange
	for _, c := range n.calls {
		out = append(out, *c)
	}
	return out
}

// answers picks the stub for a call: the first that has not answered yet, else the last.
func (n *network) answers(req *http.Request) *Stub {
	var last *Stub
	for i := range n.stubs {
		if !n.stubs[i].matches(req) {
			continue
		}
		last = &n.stubs[i]
		if !n.used[i] {
			n.used[i] = true
			break
		}
	}
	return last
}

// RoundTrip answers a call from a stub, lets it go out, or refuses it.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	return n.carry(req, n.outside)
}

// Around is the same network with another way out.
func (n *network) Around(change func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	if n.outside == nil {
		return n
	}
	return &detour{n, change(n.outside)}
}

// detour is a network with another way out.
type detour struct {
	*network
	outside http.RoundTripper
}

// RoundTrip is that of the network.
func (d *detour) RoundTrip(req *http.Request) (*http.Response, error) {
	return d.carry(req, d.outside)
}

func (n *network) carry(req *http.Request, outside http.RoundTripper) (*http.Response, error) {
	began := time.Now()
	c := &Exchange{Method: req.Method, URL: req.URL.Redacted(), Headers: shown(req.Header)}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
		c.Body = string(body)
	}
	n.mu.Lock()
	stub := n.answers(req)
	n.calls = append(n.calls, c)
	n.mu.Unlock()
	var res *http.Response
	var err error
	switch {
	case stub != nil:
		res, err = stub.answer(req)
	case outside != nil:
		res, err = outside.RoundTrip(req)
	default:
		err = fmt.Errorf("no stub matches: %w", syscall.ECONNREFUSED)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c.Millis = millis(time.Since(began))
	if stub != nil {
		c.Stub = stub.Name
	}
	if err != nil {
		c.Error = err.Error()
		return nil, err
	}
	c.Status = res.StatusCode
	return res, nil
}

func (s *Stub) answer(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil && s.failure != "refuse" {
		trace.GotConn(httptrace.GotConnInfo{}) // what runs into a time-out now was connected
	}
	var wait <-chan time.Time
	if s.failure != "hang" {
		timer := time.NewTimer(s.after)
		defer timer.Stop()
		wait = timer.C
	}
	select {
	case <-wait:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	switch s.failure {
	case "refuse":
		return nil, syscall.ECONNREFUSED
	case "reset":
		return nil, syscall.ECONNRESET
	}
	return &http.Response{
		Status: strconv.Itoa(s.status) + " " + http.StatusText(s.status), StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.headers.Clone(), Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)), Request: req,
	}, nil
}

// hiddenHeaders are those whose values are credentials.
var hiddenHeaders = map[string]bool{"Authorization": true, "Cookie": true, "Proxy-Authorization": true, "X-Api-Key": true}

// shown are headers as they may be looked at.
func shown(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		value := strings.Join(values, ", ")
		if hiddenHeaders[name] {
			value = "(hidden)"
		}
		out[strings.ToLower(name)] = value
	}
	return out
}
