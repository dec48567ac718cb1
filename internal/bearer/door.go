package bearer

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

const (
	maxBody  = 64 << 10 // bytes
	maxQuery = 8 << 10  // bytes of a query string
)

// Row is one operation. C is a call as its API knows it.
type Row[C any] struct {
	Method, Pattern string
	Scopes          []string // that the token must hold, all of them
	Status          int      // of success
	Title           string   // what the tenant's log says
	Logged          string   // how the log events of a write begin; empty: the operation writes nothing
	Run             func(C) (any, error)
}

// At is a row.
func At[C any](method, pattern string, scopes []string, status int, title, logged string, run func(C) (any, error)) Row[C] {
	return Row[C]{method, pattern, scopes, status, title, logged, run}
}

// API describes one of the APIs.
type API[C any] struct {
	Name     string // as errors tell it
	Base     string // the path under which it lives
	Methods  string // that pages may use
	Audience func(*stagedoor.Tenant) string
	Means    func(t *stagedoor.Tenant, audience string) bool // whether a token's audience is the API
	Rows     []Row[C]

	// New begins a call.
	New func(*Call, *Row[C]) C
	// Admit refuses a call whose token holds the scope of its operation. Nil refuses none.
	Admit func(C) error
	// Log tells the tenant's log that a call succeeded or failed.
	Log func(c C, what, why string)
	// Explain makes an error of a room beneath one of the API's. Nil leaves it as it is.
	Explain func(error) error
}

// Call is one request on its way through a door.
type Call struct {
	W             http.ResponseWriter
	R             *http.Request
	Store         *store.Store
	*token.Bearer // nil until it is known who asks
}

// Ctx is the context of the request.
func (c *Call) Ctx() context.Context { return c.R.Context() }

// Now is the time by the clock of the store.
func (c *Call) Now() time.Time { return c.Store.Clock().Now() }

// Event is a log event about the person.
func (c *Call) Event(kind, text string) stagedoor.LogEvent {
	return web.LogEvent(c.R, stagedoor.LogEvent{
		Type: kind, Description: text, UserID: c.User.ID, UserName: c.User.Shown(), Connection: c.User.Connection, ClientID: c.Client.ID, ClientName: c.Client.Name,
	})
}

// Written is the log event of a call of an API: what was done, and if it failed why.
func (c *Call) Written(kind, title, why, audience, pattern string) stagedoor.LogEvent {
	e := c.Event(kind, title)
	if why != "" {
		e.Description += ": " + stagedoor.Shorten(why, 500)
	}
	e.Audience = audience
	e.Details = map[string]any{"request": map[string]any{"method": strings.ToLower(c.R.Method), "path": pattern}}
	return e
}

// Door serves an API of all tenants. It is safe for concurrent use.
type Door[C any] struct {
	API[C]
	keys  *token.Keys
	log   *slog.Logger
	mux   *web.Mux[*Row[C]]
	cors  web.CORS
	rates guard.Shared
}

// New returns the door of an API.
func New[C any](api API[C], keys *token.Keys, log *slog.Logger) *Door[C] {
	d := &Door[C]{API: api, keys: keys, log: log, mux: web.NewMux[*Row[C]](), cors: web.CORS{
		Methods: api.Methods,
		Headers: "Authorization, Content-Type, Auth0-Client, DPoP, Accept-Language, X-Request-Language, X-Correlation-ID",
		Exposed: "Location, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, WWW-Authenticate, DPoP-Nonce",
	}}
	for i := range d.Rows {
		d.mux.Add(d.Rows[i].Method, d.Base+d.Rows[i].Pattern, &d.Rows[i])
	}
	return d
}

// Routes lists what the door serves.
func (d *Door[C]) Routes() []web.Route {
	out := make([]web.Route, len(d.Rows))
	for i, r := range d.Rows {
		out[i] = web.Route{Method: r.Method, Pattern: d.Base + r.Pattern, Status: r.Status, Title: d.Name + ": " + r.Title}
		if len(r.Scopes) > 0 {
			out[i].Scopes = []string{strings.Join(r.Scopes, " AND ")}
		}
	}
	return out
}

// ServeHTTP answers a request to the tenant that st is bound to.
func (d *Door[C]) ServeHTTP(w http.ResponseWriter, r *http.Request, st *store.Store) {
	b := &Call{W: w, R: r, Store: st}
	guard.NoLimit(w.Header(), b.Now())
	if d.crossOrigin(b) {
		return
	}
	row, found := d.mux.Find(r)
	if !found {
		d.fail(b, errNoOperation(r))
		return
	}
	web.EventOf(r.Context()).SetRoute(d.Base + row.Pattern)
	c := d.API.New(b, row)
	out, err := d.serve(b, row, c)
	if err != nil {
		if p := d.fail(b, err); b.Bearer != nil && p.Status != http.StatusTooManyRequests { // of which there may be many
			d.API.Log(c, "failed", p.Detail)
		}
		return
	}
	d.API.Log(c, "succeeded", "")
	if row.Status == http.StatusNoContent {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(row.Status)
		return
	}
	if err := web.WriteJSON(w, row.Status, out); err != nil {
		d.log.ErrorContext(r.Context(), "an answer could not be written", "route", row.Pattern, "error", err)
	}
}

func (d *Door[C]) serve(b *Call, row *Row[C], c C) (any, error) {
	bearer, err := d.keys.Bearer(b.R, b.Store, d.Name, d.Means)
	if err != nil {
		return nil, challenged(b, err)
	}
	if api, err := token.ResourceServer(b.Ctx(), b.Store, d.Audience(b.Store.Tenant())); stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && !api.IsSystem { // switched off since, or not this
		return nil, errNoOperation(b.R)
	} else if err != nil {
		return nil, err
	}
	b.Bearer = bearer
	web.EventOf(b.Ctx()).SetClient(b.Client.ID)
	ownOrigin(b)
	if err := d.limit(b); err != nil {
		return nil, err
	}
	if row.Run == nil {
		return nil, stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "%s %s is not supported by this server.", row.Method, d.Base+row.Pattern)
	}
	for _, scope := range row.Scopes {
		if !b.Has(scope) {
			return nil, stagedoor.Errorf(stagedoor.Forbidden, "insufficient_scope", "The token lacks the scope %s.", scope)
		}
	}
	for _, name := range web.Wildcards(row.Pattern) {
		if id := b.R.PathValue(name); !utf8.ValidString(id) || strings.ContainsRune(id, 0) || len(id) > 300 {
			return nil, Bad("The %s in the path cannot be read.", name)
		}
	}
	if d.Admit != nil {
		if err := d.Admit(c); err != nil {
			return nil, err
		}
	}
	return row.Run(c)
}

// challenged tells in a header what is wrong with a token, and offers a nonce to a client that sends proofs (RFC 9449 section 8).
func challenged(c *Call, err error) error {
	token.OfferNonce(c.W, c.R, c.Store)
	if token.Challenge(c.W, err) {
		e := *stagedoor.AsError(err)
		e.Kind = stagedoor.Unauthorized
		err = &e
	}
	if h := c.W.Header(); stagedoor.IsKind(err, stagedoor.Unauthorized) {
		h.Add("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	return err
}

// limit counts a request against what the tenant lets one person do at its APIs.
func (d *Door[C]) limit(c *Call) error {
	local := c.Store.Tenant().Settings.Local
	if local.ManagementRate == 0 {
		return nil
	}
	burst := max(local.ManagementBurst, 1)
	room := d.rates.Take(c.Store, d.Name+" of "+c.User.ID, c.Now(), local.ManagementRate, burst)
	if room.Tell(c.W.Header(), c.Now(), burst); room.OK {
		return nil
	}
	return stagedoor.Errorf(stagedoor.TooMany, "too_many_requests", "Too many requests.")
}

// crossOrigin lets pages of the tenant's clients read the answer, and answers what their browsers ask beforehand.
func (d *Door[C]) crossOrigin(c *Call) (answered bool) {
	return d.cors.Answer(c.W, c.R, func() []stagedoor.Client {
		clients, err := c.Store.Clients(c.Ctx())
		if err != nil {
			d.log.ErrorContext(c.Ctx(), "the allowed origins could not be read", "tenant", c.Store.Tenant().ID, "error", err)
		}
		return clients
	})
}

// ownOrigin keeps the answer from pages of other clients than the token's.
func ownOrigin(c *Call) {
	if origin := c.R.Header.Get("Origin"); origin != "" && !web.LivesAt(c.Client, origin) {
		c.W.Header().Del("Access-Control-Allow-Origin")
	}
}

// Request gives the request of a call.
type Request interface {
	Request() (http.ResponseWriter, *http.Request)
}

// Request gives the request of the call.
func (c *Call) Request() (http.ResponseWriter, *http.Request) { return c.W, c.R }

// Query makes an operation whose parameters are those of In.
func Query[C Request, In any](run func(C, In) (any, error)) func(C) (any, error) {
	schema := web.NewSchema[In]()
	return func(c C) (any, error) {
		_, r := c.Request()
		if len(r.URL.RawQuery) > maxQuery {
			return nil, stagedoor.Errorf(stagedoor.URITooLong, "", "The query string is longer than %d bytes.", maxQuery)
		}
		in, err := schema.Query(r.URL.RawQuery)
		if err != nil {
			return nil, err
		}
		return run(c, in)
	}
}

// Body makes an operation whose body is an In.
func Body[C Request, In any](run func(C, In) (any, error)) func(C) (any, error) {
	return BodyUpTo(maxBody, run)
}

// BodyUpTo is Body for a body that may have more bytes.
func BodyUpTo[C Request, In any](limit int64, run func(C, In) (any, error)) func(C) (any, error) {
	schema := web.NewSchema[In]()
	return func(c C) (any, error) {
		w, r := c.Request()
		raw, err := web.ReadBody(w, r, limit)
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
