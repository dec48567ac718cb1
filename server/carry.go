package server

import "github.com/stagedoor/stagedoor/internal/carry"

// Carrier brings configuration from elsewhere into a tenant.
func (s *Server) Carrier(tenant string) *carry.Carrier {
	return &carry.Carrier{DB: s.db, Do: s.mgmt.Do, Tenant: tenant, Ahead: s.mgmt.Ahead()}
}
