package login

import (
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// preflight tells browsers that pages of the clients' origins may post here. The client's own name is
// in the body, which does not come along yet.
func (d *Door) preflight(w http.ResponseWriter, _ *http.Request, _ *store.Store) error {
	if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, DPoP, X-Request-Language, Auth0-Forwarded-For")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// allowAnyClient lets pages of all clients' origins read the answer.
func allowAnyClient(w http.ResponseWriter, r *http.Request, st *store.Store) error {
	if r.Header.Get("Origin") == "" {
		return nil
	}
	all, err := st.Clients(r.Context())
	if err != nil {
		return err
	}
	allowOrigin(w, r, all)
	return nil
}

// allowOrigin lets a page of one of the clients' origins read the answer. There are no credentials to
// share: these endpoints read no cookie.
func allowOrigin(w http.ResponseWriter, r *http.Request, clients []stagedoor.Client) {
	h := w.Header()
	h.Set("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if slices.ContainsFunc(clients, func(c stagedoor.Client) bool { return web.LivesAt(&c, origin) }) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset")
	} else {
		h.Del("Access-Control-Allow-Origin")
	}
}
