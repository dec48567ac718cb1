package server

import (
	"log/slog"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/dashboard"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/outbound"
	"github.com/stagedoor/stagedoor/internal/token"
)

// newDashboard makes the door to the dashboard; nil if it is not served. Its provider is the operator's, so that it may be at any address.
func newDashboard(cfg config.Config, minter *token.Minter, networks *guard.Networks, log *slog.Logger) (*dashboard.Door, error) {
	if cfg.NoDashboard {
		return nil, nil
	}
	deps := dashboard.Deps{Minter: minter, Networks: networks, Log: log}
	if own := cfg.Dashboard; own.Issuer != "" {
		client, err := outboundClient(cfg, outbound.Config{AllowPrivate: true, Timeout: scriptCallTimeout, MaxResponse: 1 << 20})
		if err != nil {
			return nil, err
		}
		deps.Provider = &dashboard.Provider{Issuer: own.Issuer, ClientID: own.ClientID, Secret: own.ClientSecret, Scopes: own.Scope, HTTP: client}
	}
	return dashboard.New(deps), nil
}
