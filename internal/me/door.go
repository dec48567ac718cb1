package me

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Base is the path under which the API lives.
const Base = "/me/v1"

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
	door *bearer.Door[*call]
}

type row = bearer.Row[*call]

const (
	loggedMethods = "my_account_authentication_method"
	loggedConnect = "connected_accounts_connection"
)

// routes is the door's table of contents. What has no function is not served: the wire knows it by name only.
func (d *Door) routes() []row {
	at := bearer.At[*call]
	return []row{
		at("GET", "/factors", []string{token.ReadMyFactors}, 200, "List the factors that one can set up", "", d.listFactors),
		at("GET", "/authentication-methods", []string{token.ReadMyMethods}, 200, "List one's authentication methods", "", bearer.Query(d.listMethods)),
		at("POST", "/authentication-methods", []string{token.CreateMyMethods}, 202, "Begin to set up an authentication method", loggedMethods, bearer.Body(d.begin)),
		at("GET", "/authentication-methods/{id}", []string{token.ReadMyMethods}, 200, "Get one's authentication method", "", d.readMethod),
		at("PATCH", "/authentication-methods/{id}", []string{token.UpdateMyMethods}, 200, "Update one's authentication method", loggedMethods, bearer.Body(d.updateMethod)),
		at("DELETE", "/authentication-methods/{id}", []string{token.DeleteMyMethods}, 204, "Delete one's authentication method", loggedMethods, d.deleteMethod),
		at("POST", "/authentication-methods/{id}/verify", []string{token.CreateMyMethods}, 201, "Finish setting up an authentication method", loggedMethods, bearer.Body(d.verify)),
		at("POST", "/connected-accounts/connect", []string{token.CreateMyAccounts}, 201, "Begin to connect an account", loggedConnect, bearer.Body(d.connect)),
		at("POST", "/connected-accounts/complete", []string{token.CreateMyAccounts}, 201, "Finish connecting an account", loggedConnect, bearer.Body(d.complete)),
		at("GET", "/connected-accounts/accounts", []string{token.ReadMyAccounts}, 200, "List one's connected accounts", "", bearer.Query(d.listAccounts)),
		at("GET", "/connected-accounts/connections", []string{token.ReadMyAccounts}, 200, "List where one can connect accounts", "", bearer.Query(d.listConnections)),
		at("DELETE", "/connected-accounts/accounts/{id}", []string{token.DeleteMyAccounts}, 204, "Delete one's connected account", loggedConnect, d.deleteAccount),
		at("GET", "/consents", nil, 501, "List one's consents", "", nil),
		at("GET", "/consents/{id}", nil, 501, "Get one's consent", "", nil),
		at("GET", "/organizations", nil, 501, "List one's organizations", "", nil),
	}
}

// New returns the door.
func New(deps Deps) *Door {
	d := &Door{Deps: deps}
	d.door = bearer.New(bearer.API[*call]{
		Name: "My Account API", Base: Base, Methods: "GET, POST, PATCH, DELETE", Audience: token.MyAccountAudience, Means: token.IsMyAccount, Rows: d.routes(),
		New: func(b *bearer.Call, r *row) *call { return &call{Call: b, row: r} }, Log: (*call).log, Explain: explain,
	}, deps.Keys, deps.Log)
	return d
}

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route { return d.door.Routes() }

// Serves tells whether a path is the door's.
func Serves(path string) bool { return strings.HasPrefix(path, Base+"/") }

// ServeHTTP answers a request to the tenant that st is bound to.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request, st *store.Store) {
	d.door.ServeHTTP(w, r, st)
}

// call is one request on its way through the door.
type call struct {
	*bearer.Call
	row *row

	kind   string // of the method that it is about, for the log
	device string // id of the method, for the log

	unlogged bool   // nothing has come of it yet
	account  string // name of the connection of the account that it is about, for the log
}

// visit is the request as the pipeline needs it.
func (c *call) visit() pipeline.Visit {
	v := pipeline.CallOf(c.R, c.Store)
	v.Language = page.Language(c.R, c.Store)
	return v
}

// log tells the tenant's log what came of a write.
func (c *call) log(what, why string) {
	if c.row.Logged == "" || c.unlogged && why == "" {
		return
	}
	kind := c.row.Logged
	if kind == loggedConnect && c.row.Method == http.MethodDelete {
		kind = "connected_accounts_delete"
	}
	e := c.Written(kind+"_"+what, c.row.Title, why, token.MyAccountAudience(c.Store.Tenant()), Base+c.row.Pattern)
	if c.account != "" {
		e.Details["connection"] = c.account
	}
	if c.kind != "" {
		e.Details["authentication_method"] = map[string]any{"type": c.kind, "id": c.device}
	}
	c.Store.Log(e)
}
