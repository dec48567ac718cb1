package server

import (
	"net/http"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// elsewhere answers what no door serves: a page for people, JSON for programs.
func (s *Server) elsewhere(w http.ResponseWriter, r *http.Request) {
	err := stagedoor.Errorf(stagedoor.NotFound, "not_found", "There is nothing at this address.")
	status := http.StatusNotFound
	if page.Wanted(r) {
		st, unknown := s.db.TenantByDomain(r.Context(), r.Host)
		if unknown != nil {
			page.NoTenant(w, r, unknown)
			return
		}
		page.Render(w, status, ui.ErrorPage{Frame: page.Frame(r, st, nil), Code: err.Code, Description: err.Message})
		return
	}
	web.WriteJSON(w, status, map[string]string{"error": err.Code, "error_description": err.Message})
}
