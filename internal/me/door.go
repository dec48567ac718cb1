package me

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Base is the path under which the API lives.
const Base = "/me/v1"

const (
	maxBody  = 64 << 10 // bytes
	maxQuery = 8 << 10  // bytes of a query string
)

// Deps are what the door works with.
type Deps struct {
	Keys     *token.Keys
	Pipeline *pipeline.Pipeline
	Log      *slog.Logger

	// Allowed tells whether an address is among those that a client registered.
	Allowed func(address string, registered []string) bool
}

// Door serves the API of all tenants. It is safe for concurrent use.
type Door struct {
	Deps
	rows  []row
	mux   *web.Mux[*row]
	rates guard.Shared
}

// row is one operation.
type row struct {
	method, pattern, scope string
	status                 int    // of success
	title                  string // what the tenant's log says
	logged                 string // how the log events of a write begin; empty: the operation writes nothing
	run                    func(*call) (any, error)
}

const (
	loggedMethods = "my_account_authentication_method"
	loggedConnect = "connected_accounts_connection"
)

// routes is the door's table of contents. What has no function is not served: the wire knows it by name only.
func (d *Door) routes() []row {
	return []row{
		{"GET", "/factors", token.ReadMyFactors, 200, "List the factors that one can set up", "", d.listFactors},
		{"GET", "/authentication-methods", token.ReadMyMethods, 200, "List one's authentication methods", "", query(d.listMethods)},
		{"POST", "/authentication-methods", token.CreateMyMethods, 202, "Begin to set up an authentication method", loggedMethods, body(d.begin)},
		{"GET", "/authentication-methods/{id}", token.ReadMyMethods, 200, "Get one's authentication method", "", d.readMethod},
		{"PATCH", "/authentication-methods/{id}", token.UpdateMyMethods, 200, "Update one's authentication method", loggedMethods, body(d.updateMethod)},
		{"DELETE", "/authentication-methods/{id}", token.DeleteMyMethods, 204, "Delete one's authentication method", loggedMethods, d.deleteMethod},
		{"POST", "/authentication-methods/{id}/verify", token.CreateMyMethods, 201, "Finish setting up an authentication method", loggedMethods, body(d.verify)},
		{"POST", "/connected-accounts/connect", token.CreateMyAccounts, 201, "Begin to connect an account", loggedConnect, body(d.connect)},
		{"POST", "/connected-accounts/complete", token.CreateMyAccounts, 201, "Finish connecting an account", loggedConnect, body(d.complete)},
		{"GET", "/connected-accounts/accounts", token.ReadMyAccounts, 200, "List one's connected accounts", "", query(d.listAccounts)},
		{"GET", "/connected-accounts/connections", token.ReadMyAccounts, 200, "List where one can connect accounts", "", query(d.listConnections)},
		{"DELETE", "/connected-accounts/accounts/{id}", token.DeleteMyAccounts, 204, "Delete one's connected account", loggedConnect, d.deleteAccount},
		{"GET", "/consents", "", 501, "List one's consents", "", nil},
		{"GET", "/consents/{id}", "", 501, "Get one's consent", "", nil},
		{"GET", "/organizations", "", 501, "List one's organizations", "", nil},
	}
}

// New returns the door.
func New(deps Deps) *Door {
	d := &Door{Deps: deps, mux: web.NewMux[*row]()}
	d.rows = d.routes()
	for i := range d.rows {
		d.mux.Add(d.rows[i].method, Base+d.rows[i].pattern, &d.rows[i])
	}
	return d
}

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route {
	out := make([]web.Route, len(d.rows))
	for i, r := range d.rows {
		out[i] = web.Route{Method: r.method, Pattern: Base + r.pattern, Status: r.status, Title: "My Account API: " + r.title}
		if r.scope != "" {
			out[i].Scopes = []string{r.scope}
		}
	}
	return out
}

// Serves tells whether a path is the door's.
func Serves(path string) bool { return strings.HasPrefix(path, Base+"/") }

// call is one request on its way through the door.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	row   *row
	store *store.Store
	*token.Bearer

	kind   string // of the method that it is about, for the log
	device string // id of the method, for the log

	unlogged bool   // nothing has come of it yet
	account  string // name of the connection of the account that it is about, for the log
}

func (c *call) ctx() context.Context { return c.r.Context() }
func (c *call) now() time.Time       { return c.store.Clock().Now() }

// visit is the request as the pipeline needs it. Cookies that came along are nobody's here.
func (c *call) visit() pipeline.Visit {
	v := pipeline.VisitOf(c.r, c.store, page.Language(c.r, c.store))
	v.Session, v.Browser, v.Remembered = "", "", ""
	return v
}

// event is a log event about the person.
func (c *call) event(kind, text string) stagedoor.LogEvent {
	return stagedoor.LogEvent{
		Type: kind, Description: text, UserID: c.User.ID, UserName: c.User.Shown(), Connection: c.User.Connection, ClientID: c.Client.ID, ClientName: c.Client.Name,
		IP: c.r.RemoteAddr, UserAgent: stagedoor.Clip(strings.ToValidUTF8(c.r.UserAgent(), ""), 500), Hostname: web.Hostname(c.r.Host),
	}
}

// ServeHTTP answers a request to the tenant that st is bound to.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request, st *store.Store) {
	c := &call{w: w, r: r, store: st}
	guard.NoLimit(w.Header(), c.now())
	if d.crossOrigin(c) {
		return
	}
	row, found := d.mux.Find(r)
	if !found {
		d.fail(c, errNoOperation(r))
		return
	}
	c.row = row
	web.EventOf(r.Context()).SetRoute(Base + row.pattern)
	out, err := d.serve(c)
	if err != nil {
		d.fail(c, err)
		return
	}
	c.log("succeeded", "")
	if row.status == http.StatusNoContent {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(row.status)
		return
	}
	if err := web.WriteJSON(w, row.status, out); err != nil {
		d.Log.ErrorContext(c.ctx(), "an answer could not be written", "route", row.pattern, "error", err)
	}
}

func (d *Door) serve(c *call) (any, error) {
	b, err := d.Keys.Bearer(c.r, c.store, "My Account API", token.IsMyAccount)
	if err != nil {
		return nil, d.challenged(c, err)
	}
	if _, err := token.ResourceServer(c.ctx(), c.store, token.MyAccountAudience(c.store.Tenant())); stagedoor.IsKind(err, stagedoor.NotFound) { // the tenant has switched it off since
		return nil, errNoOperation(c.r)
	} else if err != nil {
		return nil, err
	}
	c.Bearer = b
	web.EventOf(c.ctx()).SetClient(b.Client.ID)
	ownOrigin(c)
	if err := d.limit(c); err != nil {
		return nil, err
	}
	switch {
	case c.row.run == nil:
		return nil, stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "%s %s is not supported by this server.", c.row.method, Base+c.row.pattern)
	case !b.Has(c.row.scope):
		return nil, stagedoor.Errorf(stagedoor.Forbidden, "insufficient_scope", "The token lacks the scope %s.", c.row.scope)
	}
	if id := c.r.PathValue("id"); !utf8.ValidString(id) || strings.ContainsRune(id, 0) || len(id) > 300 {
		return nil, bad("The id in the path cannot be read.")
	}
	return c.row.run(c)
}

// challenged tells in a header what is wrong with a token, and offers a nonce to a client that sends proofs (RFC 9449 section 8).
func (d *Door) challenged(c *call, err error) error {
	token.OfferNonce(c.w, c.r, c.store)
	if token.Challenge(c.w, err) {
		e := *stagedoor.AsError(err)
		e.Kind = stagedoor.Unauthorized
		err = &e
	}
	if h := c.w.Header(); stagedoor.IsKind(err, stagedoor.Unauthorized) {
		h.Add("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	return err
}

// limit counts a request against what the tenant lets one person do at its APIs.
func (d *Door) limit(c *call) error {
	local := c.store.Tenant().Settings.Local
	if local.ManagementRate == 0 {
		return nil
	}
	burst := max(local.ManagementBurst, 1)
	room := d.rates.Take(c.store, "my account of "+c.User.ID, c.now(), local.ManagementRate, burst)
	if room.Tell(c.w.Header(), c.now(), burst); room.OK {
		return nil
	}
	return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many requests.")
}

// log tells the tenant's log what came of a write.
func (c *call) log(what, why string) {
	if c.Bearer == nil || c.row == nil || c.row.logged == "" || c.unlogged && why == "" {
		return
	}
	kind := c.row.logged
	if kind == loggedConnect && c.row.method == http.MethodDelete {
		kind = "connected_accounts_delete"
	}
	e := c.event(kind+"_"+what, c.row.title)
	if why != "" {
		e.Description += ": " + stagedoor.Shorten(why, 500)
	}
	e.Audience = token.MyAccountAudience(c.store.Tenant())
	e.Details = map[string]any{"request": map[string]any{"method": strings.ToLower(c.r.Method), "path": Base + c.row.pattern}}
	if c.account != "" {
		e.Details["connection"] = c.account
	}
	if c.kind != "" {
		e.Details["authentication_method"] = map[string]any{"type": c.kind, "id": c.device}
	}
	c.store.Log(e)
}

// query makes an operation whose parameters are those of In.
func query[In any](run func(*call, In) (any, error)) func(*call) (any, error) {
	schema := web.NewSchema[In]()
	return func(c *call) (any, error) {
		if len(c.r.URL.RawQuery) > maxQuery {
			return nil, stagedoor.Errorf(stagedoor.URITooLong, "", "The query string is longer than %d bytes.", maxQuery)
		}
		in, err := schema.Query(c.r.URL.RawQuery)
		if err != nil {
			return nil, err
		}
		return run(c, in)
	}
}

// body makes an operation whose body is an In.
func body[In any](run func(*call, In) (any, error)) func(*call) (any, error) {
	schema := web.NewSchema[In]()
	return func(c *call) (any, error) {
		raw, err := web.ReadBody(c.w, c.r, maxBody)
		if err != nil {
			return nil, err
		}
		in, err := schema.Decode(raw)
		if err != nil {
			return nil, err
		}
		return run(c, in)
	}
}

var cors = web.CORS{
	Methods: "GET, POST, PATCH, DELETE",
	Headers: "Authorization, Content-Type, Auth0-Client, DPoP, Accept-Language, X-Request-Language, X-Correlation-ID",
	Exposed: "Location, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, WWW-Authenticate, DPoP-Nonce",
}

// crossOrigin lets pages of the tenant's clients read the answer, and answers what their browsers ask beforehand.
func (d *Door) crossOrigin(c *call) (answered bool) {
	return cors.Answer(c.w, c.r, func() []stagedoor.Client {
		clients, err := c.store.Clients(c.ctx())
		if err != nil {
			d.Log.ErrorContext(c.ctx(), "the allowed origins could not be read", "tenant", c.store.Tenant().ID, "error", err)
		}
		return clients
	})
}

// ownOrigin keeps the answer from pages of other clients than the token's.
func ownOrigin(c *call) {
	if origin := c.r.Header.Get("Origin"); origin != "" && !web.LivesAt(c.Client, origin) {
		c.w.Header().Del("Access-Control-Allow-Origin")
	}
}
