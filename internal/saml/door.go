package saml

import (
	"net/http"
	"net/url"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Deps are what the door works with.
type Deps struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Keys     *token.Keys

	// What requests of all protocols share is the other door's: which organization and connection a request may name, which addresses a registered one
	// stands for, and how a login goes on in the browser. The end of a login of this door comes back to Finish.
	Check   func(r *http.Request, st *store.Store, client *stagedoor.Client, params url.Values, req *stagedoor.AuthorizationRequest) error
	Allowed func(candidate string, registered []string) bool
	Answer  func(w http.ResponseWriter, r *http.Request, st *store.Store, out *pipeline.Outcome, err error)
}

// Door serves the protocol.
type Door struct{ Deps }

// New returns the door.
func New(d Deps) *Door { return &Door{Deps: d} }

type handler func(*Door, http.ResponseWriter, *http.Request, *store.Store)

type route struct {
	web.Route
	serve handler
}

// routes is the door's table of contents.
var routes = []route{
	{web.Route{Method: "GET", Pattern: "/samlp/{client_id}", Title: "Signs somebody in to a client of SAML 2.0"}, (*Door).signOn},
	{web.Route{Method: "POST", Pattern: "/samlp/{client_id}", Title: "The same, by a form"}, (*Door).signOn},
	{web.Route{Method: "GET", Pattern: "/samlp/logout", Title: "Goes on with telling clients of SAML 2.0 of a session's end"}, (*Door).tellNext},
	{web.Route{Method: "GET", Pattern: logoutPattern, Title: "Single logout of a client of SAML 2.0"}, (*Door).logout},
	{web.Route{Method: "POST", Pattern: logoutPattern, Title: "The same, by a form"}, (*Door).logout},
	{web.Route{Method: "GET", Pattern: "/wsfed/{client_id}", Title: "Signs somebody in to a client of WS-Federation, or out"}, (*Door).wsfed},
	{web.Route{Method: "POST", Pattern: "/wsfed/{client_id}", Title: "The same, by a form"}, (*Door).wsfed},
	{web.Route{Method: "GET", Pattern: "/wsfed", Title: "The same, of the client that wtrealm names"}, (*Door).wsfed},
	{web.Route{Method: "GET", Pattern: "/wsfed/FederationMetadata/2007-06/FederationMetadata.xml", Title: "What clients of WS-Federation are told of the server"}, (*Door).federation},
	{web.Route{Method: "GET", Pattern: metadataPattern, Title: "What a client of SAML 2.0 is told of the server"}, (*Door).metadata},
}

const (
	logoutPattern   = "/samlp/{client_id}/logout"
	metadataPattern = "/samlp/metadata/{client_id}"
)

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route {
	out := make([]web.Route, len(routes))
	for i, r := range routes {
		out[i] = r.Route
	}
	return out
}

// Register puts the door's routes on a mux. Two of the patterns are ambiguous for it, and go under one.
func (d *Door) Register(mux *http.ServeMux) {
	under := map[string]handler{} // by method and what is fixed of the pattern
	for _, r := range routes {
		switch r.Pattern {
		case logoutPattern:
			under[r.Method+" logout"] = r.serve
		case metadataPattern:
			under[r.Method+" metadata"] = r.serve
		default:
			mux.HandleFunc(r.Method+" "+r.Pattern, d.handle(r.serve))
		}
	}
	for _, method := range []string{"GET", "POST"} {
		mux.HandleFunc(method+" /samlp/{first}/{second}", func(w http.ResponseWriter, r *http.Request) {
			first, second := r.PathValue("first"), r.PathValue("second")
			serve, id := under[method+" metadata"], second
			if first != "metadata" {
				serve, id = under[method+" logout"], first
				if second != "logout" {
					serve = nil
				}
			}
			if serve == nil {
				serve = (*Door).nothing
			}
			r.SetPathValue("client_id", id)
			d.handle(serve)(w, r)
		})
	}
}

func (d *Door) handle(serve handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		st, err := d.DB.TenantByDomain(r.Context(), r.Host)
		if err != nil && page.Wanted(r) {
			page.NoTenant(w, r, err)
			return
		}
		if err != nil {
			status := http.StatusNotFound
			switch stagedoor.AsError(err).Kind {
			case stagedoor.NotFound:
			case stagedoor.Unavailable:
				status = http.StatusServiceUnavailable
				web.RetryAfter(w.Header(), err)
			default:
				status = http.StatusInternalServerError
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
		serve(d, w, r, st)
	}
}

func (d *Door) nothing(w http.ResponseWriter, r *http.Request, st *store.Store) {
	page.Error(w, r, st, http.StatusNotFound, stagedoor.Errorf(stagedoor.NotFound, "not_found", page.Nothing), nil)
}

// client is the client of the address, with what its addon says. Where it is not served, the error page has been written.
func (d *Door) client(w http.ResponseWriter, r *http.Request, st *store.Store) (*stagedoor.Client, settings, bool) {
	return d.named(w, r, st, r.PathValue("client_id"), stagedoor.ProtocolSAML)
}

// named is the same of the client with the id, for a protocol.
func (d *Door) named(w http.ResponseWriter, r *http.Request, st *store.Store, id, protocol string) (*stagedoor.Client, settings, bool) {
	c, err := st.Client(r.Context(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (c.Global || c.FromDocument()) {
		err = stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "Unknown client: %.100s", id)
	}
	if err != nil {
		page.Fail(w, r, st, err, nil)
		return nil, nil, false
	}
	web.EventOf(r.Context()).SetClient(c.ID)
	addon, there := addonOf(c, protocol)
	if !there {
		page.Fail(w, r, st, stagedoor.Errorf(stagedoor.Invalid, "invalid_request", "The client %s does not speak this protocol: it has no addon %s.", c.Name, protocol), c)
		return nil, nil, false
	}
	return c, addon, true
}

// visit is the request as the pipeline needs it.
func visit(r *http.Request, st *store.Store) pipeline.Visit {
	return pipeline.VisitOf(r, st, page.Language(r, st))
}
