package script

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/outbound"
)

// answer does what a script asked for and replies. The worker is not trusted: everything is checked again here.
func (j *job) answer(m message) {
	tooMany := false
	if !isSocketCall(m.Method) || counted[m.Method] {
		j.mu.Lock()
		j.asked++
		tooMany = j.asked > j.limits.Calls
		j.veil.hear(m.Method, m.Params)
		j.mu.Unlock()
	}
	reply := message{Type: "reply", Run: j.id, Call: m.Call}
	var value any
	err := errPanicked
	stagedoor.Contained(j.host.cfg.Log.With("tenant", j.run.Tenant, "call", m.Method), "a call of a script", func() { value, err = j.do(m, tooMany, &reply) })
	if err == nil {
		reply.Result, err = json.Marshal(value)
	}
	if err != nil {
		reply.Error = asCallError(err)
	}
	j.recorder.answered(reply)
	j.mu.Lock()
	j.veil.hear(m.Method, reply.Result)
	j.mu.Unlock()
	_ = j.proc.send(reply)
}

// errPanicked is the outcome of a call that came to no end.
var errPanicked = errors.New("panic")

// do does what a script asked for. tooMany: it has asked too often.
func (j *job) do(m message, tooMany bool, reply *message) (any, error) {
	switch {
	case j.repeat != nil && m.Method != "module":
		return j.repeat.answer(m, reply)
	case tooMany:
		return nil, errors.New("too many outgoing calls")
	case m.Method == "http":
		return j.http(m.Params)
	case m.Method == "metadata":
		return j.metadata(m.Params)
	case m.Method == "module":
		return j.module(m.Params)
	case m.Method == "token":
		return j.token()
	case isSocketCall(m.Method):
		return j.socketCall(m.Method, m.Params)
	}
	return nil, fmt.Errorf("unknown call %q", m.Method)
}

func (e *callError) Error() string { return e.Message }

// asCallError gives scripts the public part of an error; what an unknown error says stays in the house.
func asCallError(err error) *callError {
	var own *callError
	if errors.As(err, &own) {
		return own
	}
	var known *stagedoor.Error
	if errors.As(err, &known) && known.Kind != stagedoor.Internal {
		return &callError{Message: known.Message, Code: known.Code}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &callError{Message: "The call took too long", Code: "ETIMEDOUT"}
	}
	return &callError{Message: "Internal error"}
}

func (j *job) token() (any, error) {
	if j.run.AccessToken == nil {
		return nil, nil
	}
	return j.run.AccessToken(j.ctx)
}

func (j *job) metadata(params json.RawMessage) (any, error) {
	var c metadataCall
	if err := json.Unmarshal(params, &c); err != nil {
		return nil, &callError{Message: "The user id must be a string and the metadata an object"}
	}
	if c.Kind != "user_metadata" && c.Kind != "app_metadata" {
		return nil, &callError{Message: "unknown kind of metadata"}
	}
	if !isObject(c.Patch) {
		return nil, &callError{Message: "The metadata must be an object"}
	}
	if j.run.UpdateMetadata == nil {
		return nil, &callError{Message: "Metadata cannot be changed here"}
	}
	return j.run.UpdateMetadata(j.ctx, c.UserID, c.Kind, c.Patch)
}

// http makes an outgoing call of a script.
func (j *job) http(params json.RawMessage) (any, error) {
	var c httpCall
	if err := json.Unmarshal(params, &c); err != nil {
		return nil, &callError{Message: "malformed request"}
	}
	began := time.Now()
	reply, err := j.fetch(c)
	done := Call{Method: c.Method, URL: bare(c.URL), Duration: time.Since(began)}
	if err != nil {
		done.Error = asCallError(err).Code
	} else {
		done.Status = reply.Status
	}
	j.mu.Lock()
	if !j.over {
		j.calls = append(j.calls, done)
	}
	j.mu.Unlock()
	return reply, err
}

// bare is a URL without what may be secret in it.
func bare(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (j *job) fetch(c httpCall) (*httpReply, error) {
	own := j.client()
	if own == nil {
		return nil, &callError{Message: "Scripts cannot call out here", Code: "ECONNREFUSED"}
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &callError{Message: "Invalid URI", Code: "ERR_INVALID_URL"}
	}
	ctx := context.WithValue(j.ctx, tenantKey{}, j.run.Tenant)
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.Timeout)*time.Millisecond)
		defer cancel()
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, c.Method, c.URL, bytes.NewReader(c.Body))
	if err != nil {
		return nil, &callError{Message: "Invalid URI", Code: "ERR_INVALID_URL"}
	}
	if len(c.Body) == 0 {
		req.Body, req.ContentLength = nil, 0
	}
	for name, value := range c.Headers {
		switch name {
		case "host":
			req.Host = value
		case "content-length", "transfer-encoding", "connection", "accept-encoding":
		default:
			req.Header.Set(name, value)
		}
	}
	if _, ok := c.Headers["user-agent"]; !ok {
		req.Header.Set("User-Agent", "stagedoor-script")
	}
	client := *own
	if c.TLS != nil {
		if c.TLS.Name == "" {
			c.TLS.Name = u.Hostname()
		}
		config, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		client = *outbound.WithTLS(&client, config)
	}
	outer := client.CheckRedirect
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if c.Redirects == 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > min(c.Redirects, 20) {
			return errRedirects
		}
		if outer != nil {
			return outer(req, via)
		}
		return nil
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, transportError(err, u, connected.Load())
	}
	defer func() { _ = res.Body.Close() }()
	limit := j.limits.ResponseBytes
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, transportError(err, u, true)
	}
	if int64(len(body)) > limit {
		return nil, &callError{Message: fmt.Sprintf("The response is larger than %d bytes", limit), Code: "ERESPONSETOOLARGE"}
	}
	return &httpReply{Status: res.StatusCode, StatusText: http.StatusText(res.StatusCode), Headers: lowerHeaders(res.Header), Body: body, URL: finalURL(res)}, nil
}

// tenantKey is under which the context of an outgoing request has the tenant whose script makes it.
type tenantKey struct{}

// WithTenant makes requests with the context those of a tenant's own code: see [TenantOf].
func WithTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// TenantOf returns the tenant whose script makes an outgoing request, from the request's context; empty if none does.
func TenantOf(ctx context.Context) string {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	return tenant
}

var errRedirects = errors.New("too many redirects")

func finalURL(res *http.Response) string {
	if res.Request == nil || res.Request.URL == nil {
		return ""
	}
	return res.Request.URL.String()
}

func lowerHeaders(h http.Header) map[string]any {
	out := make(map[string]any, len(h))
	for name, values := range h {
		if name == "Set-Cookie" {
			out["set-cookie"] = values
			continue
		}
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}

// transportError gives a failed call the code that Node's callers look for.
func transportError(err error, u *url.URL, connected bool) error {
	err = outbound.Bare(err)
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	var dns *net.DNSError
	var timeout net.Error
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	coded := func(code, message string) error { return &callError{Message: message, Code: code, Errno: code} }
	var own *callError
	if errors.As(err, &own) {
		return own
	}
	switch {
	case errors.Is(err, errRedirects):
		return &callError{Message: "Exceeded maxRedirects. Probably stuck in a redirect loop " + bare(u.String())}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		code, connecting := "ESOCKETTIMEDOUT", !connected
		if connecting {
			code = "ETIMEDOUT"
		}
		return &callError{Message: code, Code: code, Connect: &connecting}
	case errors.As(err, &dns):
		return coded("ENOTFOUND", "getaddrinfo ENOTFOUND "+u.Hostname())
	case errors.Is(err, outbound.ErrForbidden):
		return coded("EACCES", "connect EACCES "+address+": the address is not public")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return coded("EHOSTUNREACH", "connect EHOSTUNREACH "+address)
	case errors.Is(err, syscall.ECONNREFUSED):
		return coded("ECONNREFUSED", "connect ECONNREFUSED "+address)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return coded("ECONNRESET", "socket hang up")
	case errors.As(err, &unknown):
		return coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate")
	case errors.As(err, &name):
		return coded("ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames")
	case errors.As(err, &invalid):
		return coded("CERT_HAS_EXPIRED", "certificate is not valid")
	}
	var known *stagedoor.Error
	if errors.As(err, &known) {
		return coded("EACCES", "connect EACCES "+address+": "+known.Message)
	}
	return coded("EPROTO", "The request failed: "+err.Error())
}
