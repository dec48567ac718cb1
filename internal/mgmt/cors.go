package mgmt

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

var cors = web.CORS{
	Methods: "GET, POST, PUT, PATCH, DELETE",
	Headers: "Authorization, Content-Type, Auth0-Client, DPoP, Auth0-Custom-Domain, X-Correlation-ID, X-Requested-With",
	Exposed: "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Link, WWW-Authenticate, DPoP-Nonce",
}

// crossOrigin lets browsers of the tenant's clients call.
func (a *API) crossOrigin(w http.ResponseWriter, r *http.Request, st *store.Store) (answered bool) {
	return cors.Answer(w, r, func() []stagedoor.Client {
		clients, err := st.Clients(r.Context())
		if err != nil {
			a.Log.ErrorContext(r.Context(), "the allowed origins could not be read", "tenant", st.Tenant().ID, "error", err)
		}
		return clients
	})
}
