package mgmt

import (
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// crossOrigin lets browsers of the tenant's clients call: it answers preflight requests (and returns true), and marks other
// answers for origins that a client registered. Tokens travel in a header, never in a cookie, so that credentials are not allowed.
func (a *API) crossOrigin(w http.ResponseWriter, r *http.Request, st *store.Store) (answered bool) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	clients, err := st.Clients(r.Context())
	if err != nil {
		a.Log.ErrorContext(r.Context(), "the allowed origins could not be read", "tenant", st.Tenant().ID, "error", err)
	}
	if slices.ContainsFunc(clients, func(c stagedoor.Client) bool { return web.LivesAt(&c, origin) }) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Link, WWW-Authenticate, DPoP-Nonce")
		if preflight {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, DPoP, Auth0-Custom-Domain, X-Correlation-ID, X-Requested-With")
			h.Set("Access-Control-Max-Age", "600")
		}
	}
	if preflight {
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}
