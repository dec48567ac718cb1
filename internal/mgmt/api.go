package mgmt

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/mail"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Base is the path under which the API lives.
const Base = "/api/v2"

// Deps are what the door needs of other rooms.
type Deps struct {
	Keys     *token.Keys          // verify bearer tokens
	Database *connection.Database // creates users and sets passwords

	// Pipeline runs the scripts of registrations and changes of passwords. Nil runs none.
	Pipeline *pipeline.Pipeline
	// CheckScript tells whether source is a JavaScript function expression. Nil checks nothing.
	CheckScript func(ctx context.Context, source string) error
	// SendInvitation has the mail sent with an invitation to an organization, and does not wait for it; link is where it leads. Nil sends nothing.
	SendInvitation func(ctx context.Context, st *store.Store, o *stagedoor.Organization, v *stagedoor.Invitation, link string)
	// CheckDraft compiles an action or a hook and looks for its modules. Nil checks nothing.
	CheckDraft func(ctx context.Context, d script.Draft) error
	// Scripts runs drafts of actions and rules for a test. Nil: they cannot be tested.
	Scripts rehearsal.Runner
	// ScriptCeilings are the highest limits that a tenant can give its scripts. Zero fields allow anything.
	ScriptCeilings script.Limits
	// NodeError says why scripts cannot run on Node.js here; nil if they can. Nil asks nobody.
	NodeError func() error
	// CheckCall compiles a script of a connection. Nil checks nothing.
	CheckCall func(ctx context.Context, source string) error
	// SendVerification has the mail sent that asks a user to verify the e-mail address, and does not wait for it. clientID may be empty. Nil
	// sends nothing.
	SendVerification func(ctx context.Context, st *store.Store, u *stagedoor.User, clientID string)
	// SendEnrollment sends the mail with the link by which a user sets up their second factor; life is how long it works. Nil sends nothing.
	SendEnrollment func(ctx context.Context, st *store.Store, u *stagedoor.User, address, lang, link string, life time.Duration) error
	// SendMail sends a mail that only tries a template. Nil sends nothing.
	SendMail func(ctx context.Context, st *store.Store, m mail.Message) error
	// MailServer tells whether mails of tenants without a provider of their own are sent by the server's.
	MailServer bool
	// CheckSCIMPath tells whether the path of a SCIM attribute can be read. Nil checks nothing.
	CheckSCIMPath func(path string) error
	// Fingerprints are those that network access lists can ask for.
	Fingerprints stagedoor.FingerprintsKnown
	// NetworkLists names the operator's lists of networks. Nil: there are none.
	NetworkLists func() []string
	// JobAdded tells whoever works on jobs that there is a new one. Nil tells nobody.
	JobAdded func()

	// EventsFor is how long somebody who reads events stays connected; 0: most of what a request may take.
	EventsFor time.Duration
	// Stopping is closed when the server stops: readers of events go. Nil never is.
	Stopping <-chan struct{}

	Names Names        // looks custom domains up; nil asks the system
	HTTP  *http.Client // reads documents of identity providers and clients; nil reads none
	Clock stagedoor.Clock
	Log   *slog.Logger // for operators; nil logs nothing
}

// API serves the Management API of all tenants. It is safe for concurrent use.
type API struct {
	Deps
	rows     []row
	mux      *web.Mux[*row]
	verified verified
	rates    guard.Shared
	refusals guard.Rates // of which the log tells
	feeds    feeds
}

// New builds the door.
func New(deps Deps) *API {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Deps: deps, mux: web.NewMux[*row]()}
	a.rows = a.routes()
	served := map[string]bool{}
	for i := range a.rows {
		r := &a.rows[i]
		served[r.method+" "+shape(r.pattern)] = true
		a.add(r)
	}
	for _, o := range Operations() {
		if !served[o.Method+" "+shape(o.Path)] {
			a.addPlanned(o)
		}
	}
	return a
}

// Routes lists what the door serves.
func (a *API) Routes() []web.Route {
	out := make([]web.Route, len(a.rows))
	for i, r := range a.rows {
		out[i] = web.Route{Method: r.method, Pattern: Base + r.pattern, Scopes: r.anyOf(), Status: r.status, Title: r.title}
	}
	return out
}

// row is one operation: how it is called, what it needs, and the function that does it.
type row struct {
	method  string
	pattern string
	scopes  string // any one is enough, separated by |; of groups separated by AND, each needs one
	status  int    // of success
	title   string // what the tenant's log says
	operation
}

// groups returns the groups of scopes of which the caller needs one each.
func (r *row) groups() [][]string {
	var out [][]string
	for _, group := range strings.Split(r.scopes, " AND ") {
		out = append(out, strings.Split(strings.Trim(group, "()"), "|"))
	}
	return out
}

// anyOf returns all scopes that the row names.
func (r *row) anyOf() []string { return slices.Concat(r.groups()...) }

// writes tells whether the operation changes something and is therefore logged.
func (r *row) writes() bool { return r.method != http.MethodGet }

// call is one request on its way through the door.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	row    *row
	store  *store.Store
	caller *caller // nil until authenticated
	body   []byte  // as it came, for the log

	showedTokens bool // those that providers gave of a user, unless the fields leave them out
}

func (c *call) ctx() context.Context { return c.r.Context() }

// goesOn lets the operation go on, whether or not the caller waits for its answer, for as long as a request may take: what a script changes elsewhere is to be heeded here. stop
// is called when it is over.
func (c *call) goesOn() (stop func()) {
	before := c.r
	ctx, end := stagedoor.Unhurried(c.ctx())
	c.r = before.WithContext(ctx)
	return func() { end(); c.r = before }
}

// id returns the id in the path.
func (c *call) id() string { return c.r.PathValue("id") }

// ServeHTTP answers a request to the tenant that st is bound to.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request, st *store.Store) {
	h := w.Header()
	guard.NoLimit(h, a.Clock.Now())
	h.Set("X-Content-Type-Options", "nosniff")
	if a.crossOrigin(w, r, st) {
		return
	}
	c := &call{w: w, r: r, store: st}
	row, found := a.mux.Find(r)
	if !found {
		a.fail(c, stagedoor.Errorf(stagedoor.NotFound, "", "Not Found"))
		return
	}
	c.row = row
	web.EventOf(r.Context()).SetRoute(Base + row.pattern)
	out, err := a.serve(c)
	if err != nil {
		a.fail(c, err)
		return
	}
	status := row.status
	if other, is := out.(outcome); is {
		status, out = other.status, other.body
	}
	if _, is := out.(answered); is {
		return
	}
	if write, long := out.(streamed); long {
		out = nil
		a.stream(c, status, write)
	} else if status == http.StatusNoContent {
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
	} else if err := web.WriteJSON(w, status, out); err != nil {
		a.Log.ErrorContext(c.ctx(), "an answer could not be written", "route", row.pattern, "error", err)
	}
	a.logSuccess(c, status)
	a.logRead(c, status, out)
}

// outcome is what an operation returns that succeeds with another status than its row says.
type outcome struct {
	status int
	body   any
}

// streamed writes an answer that is too long to be made as a whole, in pieces. Each may take a minute to be sent.
type streamed func(write func(piece []byte) error) error

// stream sends an answer. Where that fails, or the client is gone, it breaks off, so that it does not look whole.
func (a *API) stream(c *call, status int, write streamed) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	c.w.WriteHeader(status)
	rc := http.NewResponseController(c.w)
	err := write(func(piece []byte) error {
		_ = rc.SetWriteDeadline(time.Now().Add(resultWrite))
		_, err := c.w.Write(piece)
		return err
	})
	if err != nil {
		a.Log.ErrorContext(c.ctx(), "an answer could not be written", "route", c.row.pattern, "error", err)
		panic(http.ErrAbortHandler)
	}
}

func (a *API) serve(c *call) (any, error) {
	var err error
	if c.caller, err = a.authenticate(c.ctx(), c.r, c.store); err != nil {
		return nil, challenged(c, err)
	}
	web.EventOf(c.ctx()).SetClient(c.caller.clientID)
	if err := a.limit(c); err != nil {
		return nil, err
	}
	if c.row.run == nil {
		return nil, stagedoor.Errorf(stagedoor.Unsupported, "not_supported", "%s %s (%s) is not supported by this server.",
			c.row.method, Base+c.row.pattern, c.row.title)
	}
	if err := c.authorize(); err != nil {
		return nil, err
	}
	if c.row.writes() && c.r.Header.Get("auth0-custom-domain") != "" {
		if _, err := linkStore(c); err != nil { // before anything is written
			return nil, err
		}
	}
	for _, name := range c.row.names {
		if value := c.r.PathValue(name); !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return nil, (&web.Violation{Reason: "Texts must be valid Unicode without NUL characters", Path: name}).URI()
		}
	}
	return c.row.run(c)
}
