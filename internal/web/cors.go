package web

import (
	"net/http"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// CORS is what pages of a tenant's clients may send to a door, and read of its answers.
type CORS struct {
	Methods, Headers, Exposed string // as lists in headers
}

// Answer lets pages of the clients call: it answers preflight requests (and returns true), and marks other answers for origins that a client
// registered. Tokens travel in a header, never in a cookie, so that credentials are not allowed.
func (x CORS) Answer(w http.ResponseWriter, r *http.Request, clients func() []stagedoor.Client) (answered bool) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if slices.ContainsFunc(clients(), func(c stagedoor.Client) bool { return LivesAt(&c, origin) }) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", x.Exposed)
		if preflight {
			h.Set("Access-Control-Allow-Methods", x.Methods)
			h.Set("Access-Control-Allow-Headers", x.Headers)
			h.Set("Access-Control-Max-Age", "600")
		}
	}
	if preflight {
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}
