package server

import (
	"net/http"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/dashboard"
)

// newDashboard makes the door to the dashboard; nil if it is not served.
func newDashboard(cfg config.Config, deps dashboard.Deps, client *http.Client) *dashboard.Door {
	if cfg.NoDashboard {
		return nil
	}
	if own := cfg.Dashboard; own.Issuer != "" {
		deps.Provider = &dashboard.Provider{Issuer: own.Issuer, ClientID: own.ClientID, Secret: own.ClientSecret, Scopes: own.Scope, HTTP: client}
	}
	return dashboard.New(deps)
}
