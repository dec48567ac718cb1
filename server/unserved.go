package server

import (
	"net/http"

	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/web"
)

// elsewhere answers what no door serves: a page for people, JSON for programs.
func (s *Server) elsewhere(w http.ResponseWriter, r *http.Request) {
	if page.Wanted(r) {
		st, unknown := s.db.TenantByDomain(r.Context(), r.Host)
		if unknown != nil {
			page.NoTenant(w, r, unknown)
			return
		}
		page.Nowhere(w, r, st)
		return
	}
	web.WriteJSON(w, http.StatusNotFound, map[string]string{"error": "not_found", "error_description": page.Nothing})
}
