package login

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/password"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// endpoint serves one of endpoints.
func (d *Door) endpoint(w http.ResponseWriter, r *http.Request, serve handler) {
	st, err := d.DB.TenantByDomain(r.Context(), r.Host)
	if err == nil {
		err = allowAnyClient(w, r, st)
	}
	if err == nil {
		err = serve(d, w, r, st)
	}
	if err != nil {
		d.answerError(w, r, err)
	}
}

// failure is the error object of these endpoints (Authentication API fact sheet 6.7). SDKs read
// code, name and description.
type failure struct {
	Name        string `json:"name"`
	Code        string `json:"code"`
	Description string `json:"description"`
	StatusCode  int    `json:"statusCode"`
}

var failureNames = map[int]string{
	400: "BadRequestError", 401: "UnauthorizedError", 404: "NotFoundError", 413: "PayloadTooLargeError", 415: "UnsupportedMediaTypeError",
	429: "TooManyRequestsError", 503: "ServiceUnavailableError",
}

func (d *Door) answerError(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	web.RetryAfter(w.Header(), err)
	if weak := (*password.Error)(nil); errors.As(err, &weak) {
		web.WriteJSON(w, weak.StatusCode, weak)
		return
	}
	e := stagedoor.AsError(err)
	if e.Kind == stagedoor.Scripted {
		web.WriteJSON(w, status(e.Kind), scriptFailure(e))
		return
	}
	f := failure{Name: failureNames[status(e.Kind)], Code: e.Code, Description: e.Message, StatusCode: status(e.Kind)}
	if f.Name == "" {
		web.Failed(r.Context(), d.Log, "a request failed", err, "path", r.URL.Path, "host", r.Host)
		f = failure{"InternalServerError", "server_error", "Internal error", http.StatusInternalServerError}
	}
	web.WriteJSON(w, f.StatusCode, f)
}

// scriptFailure is the refusal of a tenant's script (extensibility fact sheet 3.4).
func scriptFailure(e *stagedoor.Error) map[string]any {
	out := map[string]any{
		"name": "InternalExtensibilityError", "code": e.Code, "statusCode": status(e.Kind), "message": e.Message, "description": e.Message, "fromSandbox": true,
	}
	if friendly, told := e.Extra[pipeline.FriendlyMessage]; told {
		out[pipeline.FriendlyMessage] = friendly
	}
	return out
}

func badRequest(format string, args ...any) error { return invalid("bad_request", format, args...) }

// params are the members of a body, JSON or form. Those that nobody asks for are ignored.
type params map[string]json.RawMessage

// readParams reads a body: a JSON object, or a form.
func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == formType {
		return formParams(w, r)
	}
	body, err := web.ReadBody(w, r, maxBody)
	if err == nil {
		err = web.CheckJSON(body)
	}
	if err != nil {
		e := *stagedoor.AsError(err)
		e.Code = "bad_request"
		return nil, &e
	}
	var p params
	if err := json.Unmarshal(body, &p); err != nil || p == nil {
		return nil, badRequest("The request body must be a JSON object.")
	}
	return p, nil
}

// bracketed is how forms write a member of an object.
var bracketed = regexp.MustCompile(`^user_metadata\[([^\[\]]+)\]$`)

func formParams(w http.ResponseWriter, r *http.Request) (params, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge()
	}
	if err != nil {
		return nil, badRequest("The form cannot be read.")
	}
	return fromForm(r.PostForm)
}

func fromForm(form url.Values) (params, error) {
	p, metadata := params{}, map[string]string{}
	for name, values := range form {
		if len(values) > 1 {
			return nil, badRequest("Duplicate parameter: %s", name)
		}
		if !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return nil, badRequest("The form must be UTF-8.")
		}
		if m := bracketed.FindStringSubmatch(name); m != nil {
			metadata[m[1]] = values[0]
			continue
		}
		p[name], _ = json.Marshal(values[0]) // a string
	}
	if len(metadata) > 0 {
		p["user_metadata"], _ = json.Marshal(metadata) // strings only
	}
	return p, nil
}

// text returns a member that must be a string; empty if it is not there.
func (p params) text(name string) (string, error) {
	raw, here := p[name]
	if !here || web.TypeOf(raw) == "null" {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", badRequest("%s must be a string", name)
	}
	return s, nil
}

// texts reads several members at once.
func (p params) texts(into map[string]*string) error {
	for name, s := range into {
		var err error
		if *s, err = p.text(name); err != nil {
			return err
		}
	}
	return nil
}

// addressed is whom a request to one of the endpoints speaks of.
type addressed struct {
	client *stagedoor.Client // nil: the tenant itself
	conn   *stagedoor.Connection
}

// addressed finds the client and the connection that a request names. From then on only pages of
// that client's origins may read the answer.
func (d *Door) addressed(w http.ResponseWriter, r *http.Request, st *store.Store, p params) (*addressed, error) {
	var clientID, name string
	if err := p.texts(map[string]*string{"client_id": &clientID, "connection": &name}); err != nil {
		return nil, err
	}
	a := &addressed{}
	var err error
	if a.client, err = clientOrGlobal(r, st, clientID); err != nil {
		return nil, err
	}
	if a.client != nil && !a.client.Global {
		allowOrigin(w, r, []stagedoor.Client{*a.client})
	}
	a.conn, err = databaseNamed(r, st, a.client, name)
	return a, err
}

// clientOrGlobal returns the client with the id; without one the client that stands for the tenant,
// or nil if the tenant has none.
func clientOrGlobal(r *http.Request, st *store.Store, id string) (*stagedoor.Client, error) {
	if id != "" {
		c, err := st.Client(r.Context(), id)
		if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !st.Tenant().Serves(c) {
			return nil, invalid("invalid_client", "Unknown client: %s", id)
		}
		if err == nil {
			web.EventOf(r.Context()).SetClient(c.ID)
		}
		return c, err
	}
	c, err := st.GlobalClient(r.Context())
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, nil
	}
	return c, err
}
