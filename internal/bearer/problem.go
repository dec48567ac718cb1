package bearer

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// problem is an error as this API has it: problem details (RFC 9457), under the content type of all answers.
type problem struct {
	Type   string    `json:"type"`
	Status int       `json:"status"`
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
	Wrong  []invalid `json:"validation_errors,omitempty"`
}

// invalid is what is wrong with one member of the request.
type invalid struct {
	Detail  string `json:"detail"`
	Field   string `json:"field,omitempty"`
	Pointer string `json:"pointer,omitempty"` // JSON Pointer (RFC 6901)
	Source  string `json:"source,omitempty"`  // body, query
}

// kinds are the statuses, numbers and titles of errors. SDKs look for the number of a scope that is missing.
var kinds = map[stagedoor.Kind]struct {
	status, number int
	title          string
}{
	stagedoor.Invalid: {400, 1, "Bad Request"}, stagedoor.Unauthorized: {401, 3, "Invalid Token"}, stagedoor.Forbidden: {403, 1, "Forbidden"},
	stagedoor.NotFound: {404, 2, "Resource Not Found"}, stagedoor.Conflict: {409, 1, "Conflict"}, stagedoor.TooLarge: {413, 1, "Payload Too Large"},
	stagedoor.URITooLong: {414, 1, "URI Too Long"}, stagedoor.UnsupportedMedia: {415, 1, "Unsupported Media Type"}, stagedoor.TooMany: {429, 3, "Endpoint Rate Limit Exceeded"},
	stagedoor.Unsupported: {501, 1, "Not Supported"}, stagedoor.Unavailable: {503, 1, "Service Unavailable"}, stagedoor.Scripted: {400, 1, "Bad Request"},
}

const (
	codeNoOperation = "no_operation"
	missingToken    = "Missing authorization header" // what token.Bearer says where there is none
)

func errNoOperation(r *http.Request) error {
	return stagedoor.Errorf(stagedoor.NotFound, codeNoOperation, "There is nothing at %s %s.", r.Method, stagedoor.Clip(strings.ToValidUTF8(r.URL.Path, ""), 200))
}

// Bad refuses a request.
func Bad(format string, args ...any) error {
	return stagedoor.Errorf(stagedoor.Invalid, "invalid_request", format, args...)
}

// Wrong refuses one member of the body.
func Wrong(member, format string, args ...any) error {
	return (&web.Violation{Path: member, Reason: fmt.Sprintf(format, args...)}).Body()
}

// CodeConfiguration is the code of an error of which the tenant's own configuration is the reason.
const CodeConfiguration = "configuration_issue"

// CodeDuplicate is the code of a Conflict with something that is there already.
const CodeDuplicate = "duplicate"

// problemOf is an error for the wire. One that nobody classified keeps its text to itself.
func problemOf(err error) problem {
	e := stagedoor.AsError(err)
	k, known := kinds[e.Kind]
	if !known {
		k.status, k.number, k.title = http.StatusInternalServerError, 1, "Internal Server Error"
		e = &stagedoor.Error{Message: "Internal error"}
	}
	p := problem{Status: k.status, Title: k.title, Detail: e.Message}
	violation := (*web.Violation)(nil)
	switch {
	case e.Code == "insufficient_scope":
		k.number, p.Title = 2, "Insufficient Scope"
	case e.Code == codeNoOperation:
		k.number, p.Title = 1, "Not Found"
	case e.Code == CodeConfiguration:
		k.number, p.Title = 1, "Configuration issue"
	case e.Code == CodeDuplicate:
		k.number, p.Title = 3, "Duplicate Resource"
	case e.Kind == stagedoor.Unauthorized && e.Message == missingToken:
		k.number, p.Title = 2, "Missing Token"
	default:
		errors.As(err, &violation)
	}
	if violation != nil {
		k.number, p.Title = 3, "Validation Error"
		p.Wrong = []invalid{invalidOf(violation, e)}
	}
	p.Type = fmt.Sprintf("https://auth0.com/api-errors#A0E-%d-%04d", k.status, k.number)
	return p
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// invalidOf is a violation as this API has it.
func invalidOf(v *web.Violation, e *stagedoor.Error) invalid {
	out := invalid{Detail: stagedoor.Shorten(v.Reason, 1000), Source: "body"}
	if e.Code == "invalid_query_string" {
		out.Source = "query"
	}
	if v.Path != "" {
		out.Field = stagedoor.Shorten(v.Path, 300)
		out.Pointer = "/" + strings.ReplaceAll(index.ReplaceAllString(out.Field, ".$1"), ".", "/")
	}
	return out
}

// fail answers with an error, and tells operators of one that is the server's own.
func (d *Door[C]) fail(c *Call, err error) problem {
	if d.Explain != nil {
		err = d.Explain(err)
	}
	p := problemOf(err)
	if p.Status >= 500 && p.Status != http.StatusNotImplemented {
		web.Failed(c.Ctx(), web.Logger(c.Ctx()), "an operation failed", err, "method", c.R.Method, "route", c.R.Pattern, "tenant", c.Store.Tenant().ID)
	}
	web.RetryAfter(c.W.Header(), err)
	if err := web.WriteJSON(c.W, p.Status, p); err != nil {
		d.log.ErrorContext(c.Ctx(), "an error could not be answered", "error", err)
	}
	return p
}

// NoTenant answers a request of which it is not known to which tenant it is.
func (d *Door[C]) NoTenant(w http.ResponseWriter, _ *http.Request, err error) {
	p := problemOf(err)
	web.RetryAfter(w.Header(), err)
	_ = web.WriteJSON(w, p.Status, p) // the client is gone
}
