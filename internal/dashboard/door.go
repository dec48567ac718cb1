package dashboard

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// Provider is the operator's provider of OpenID Connect, which signs administrators in.
type Provider struct {
	Issuer, ClientID, Secret string
	Scopes                   []string     // beside openid
	HTTP                     *http.Client // reaches the provider, wherever the operator has it
}

// Deps are what the door needs.
type Deps struct {
	Provider *Provider // nil: there is none
	Minter   *token.Minter
	Networks *guard.Networks
	Log      *slog.Logger
}

// Door serves the dashboard of all tenants. It is safe for concurrent use.
type Door struct {
	Deps
	conn  *stagedoor.Connection // to the provider; of no tenant
	up    *connection.Upstream
	files http.Handler
}

// New returns the door.
func New(deps Deps) *Door {
	d := &Door{Deps: deps, files: ui.Dashboard("")}
	if p := deps.Provider; p != nil {
		stored := map[string]json.RawMessage{}
		discovery := strings.TrimSuffix(p.Issuer, "/") + "/.well-known/openid-configuration" // which says by itself whether its issuer ends in a slash
		for name, value := range map[string]any{"discovery_url": discovery, "client_id": p.ClientID, "client_secret": p.Secret, "scope": p.Scopes} {
			stored[name], _ = json.Marshal(value) // texts
		}
		d.conn = &stagedoor.Connection{ID: "dashboard", Name: "dashboard", Strategy: stagedoor.StrategyOIDC, Options: stagedoor.ConnectionOptions{Stored: stored}}
		d.up = &connection.Upstream{HTTP: p.HTTP}
		at, _ := url.Parse(p.Issuer) // config has read it
		d.files = ui.Dashboard(at.Host)
	}
	return d
}

// Row is one thing that is served.
type Row struct {
	web.Route
	Serve func(http.ResponseWriter, *http.Request, *store.Store)
}

// Rows is the table of contents.
func (d *Door) Rows() []Row {
	rows := []Row{
		{web.Route{Method: "GET", Pattern: "/dashboard", Title: "Leads to the dashboard"}, d.lead},
		{web.Route{Method: "GET", Pattern: ui.DashboardPrefix, Title: "The dashboard, an ordinary client of the Management API"}, d.serveFile},
	}
	if d.Provider == nil {
		return rows
	}
	return append(rows,
		Row{web.Route{Method: "GET", Pattern: signInPath, Title: "Leads administrators to their provider"}, d.leave},
		Row{web.Route{Method: "POST", Pattern: tokenPath, Title: "A token of the Management API for an administrator who comes back from there"}, d.admit},
	)
}

func (d *Door) lead(w http.ResponseWriter, r *http.Request, _ *store.Store) {
	http.Redirect(w, r, ui.DashboardPrefix, http.StatusFound)
}

func (d *Door) serveFile(w http.ResponseWriter, r *http.Request, _ *store.Store) {
	d.files.ServeHTTP(w, r)
}

// fail tells the page what is wrong.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := stagedoor.AsError(err)
	code, message := e.Code, e.Message
	if e.Kind == stagedoor.Internal {
		code, message = "server_error", "Something went wrong on our side. Please try again."
		web.Failed(r.Context(), d.Log, "an administrator could not sign in", err)
	}
	if why := (*connection.ScriptFailure)(nil); errors.As(err, &why) { // the provider's own words
		d.Log.WarnContext(r.Context(), "the dashboard's provider does not do its part", "issuer", d.Provider.Issuer, "why", why.Failure.Message)
	}
	web.RetryAfter(w.Header(), err)
	if err := web.WriteJSON(w, page.Status(err), map[string]string{"error": code, "error_description": message}); err != nil {
		d.Log.ErrorContext(r.Context(), "an answer could not be written", "error", err)
	}
}
