package mgmt

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
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
	if registered(clients, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, Link")
		if preflight {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, Auth0-Custom-Domain, X-Correlation-ID, X-Requested-With")
			h.Set("Access-Control-Max-Age", "600")
		}
	}
	if preflight {
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}

// registered tells whether a client of the tenant lives at the origin.
func registered(clients []stagedoor.Client, origin string) bool {
	for _, c := range clients {
		for _, list := range [][]string{c.WebOrigins, c.AllowedOrigins, c.Callbacks} {
			for _, entry := range list {
				if sameOrigin(entry, origin) {
					return true
				}
			}
		}
	}
	return false
}

// sameOrigin compares the origin of a registered URL, whose host may begin with *. for one label, with that of a browser.
func sameOrigin(entry, origin string) bool {
	u, err := url.Parse(entry)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	want := strings.ToLower(u.Scheme + "://" + u.Host)
	if want == origin {
		return true
	}
	before, after, wild := strings.Cut(want, "://*.")
	if !wild {
		return false
	}
	label, ok := strings.CutPrefix(origin, before+"://")
	label, ok2 := strings.CutSuffix(label, "."+after)
	return ok && ok2 && label != "" && strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
