package server

import (
	"net/http"

	"github.com/stagedoor/stagedoor/internal/page"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

var dashboardRoutes = []web.Route{
	{Method: "GET", Pattern: "/dashboard", Title: "Leads to the dashboard"},
	{Method: "GET", Pattern: ui.DashboardPrefix, Title: "The dashboard, an ordinary client of the Management API"},
}

// registerDashboard serves the dashboard of whatever tenant the request is for. It holds nothing of the tenant: what people see comes from the Management API, with a token of theirs.
func (s *Server) registerDashboard(mux *http.ServeMux) {
	if s.cfg.NoDashboard {
		return
	}
	files := ui.Dashboard()
	mux.Handle("GET /dashboard", http.RedirectHandler(ui.DashboardPrefix, http.StatusFound))
	mux.HandleFunc("GET "+ui.DashboardPrefix, s.forTenant(page.NoTenant, func(w http.ResponseWriter, r *http.Request, _ *store.Store) { files.ServeHTTP(w, r) }))
}
