package server

import (
	"context"

	"golang.org/x/crypto/acme/autocert"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// acmeCache keeps in the database what is got by ACME: the authority may ask any server of the database, and all of them show one certificate.
type acmeCache struct{ db *store.DB }

// certificateCache is where what is got by ACME is kept: the database, unless the operator names a directory.
func (s *Server) certificateCache() autocert.Cache {
	if s.cfg.ACMECache != "" {
		return autocert.DirCache(s.cfg.ACMECache)
	}
	return acmeCache{s.db}
}

// Get is that of [autocert.Cache].
func (c acmeCache) Get(ctx context.Context, name string) ([]byte, error) {
	value, err := c.db.ACMEValue(ctx, name)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil, autocert.ErrCacheMiss
	}
	return value, err
}

// Put is that of [autocert.Cache].
func (c acmeCache) Put(ctx context.Context, name string, value []byte) error {
	return c.db.SetACMEValue(ctx, name, value)
}

// Delete is that of [autocert.Cache].
func (c acmeCache) Delete(ctx context.Context, name string) error {
	return c.db.DeleteACMEValue(ctx, name)
}
