package store

import (
	"context"
	"errors"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// acmePlace is what values of the cache are sealed for. They are no tenant's.
func acmePlace(name string) []byte { return jose.Place("", "acme_cache", name) }

// ACMEValue returns what is kept under a name of what was got by ACME. NotFound: nothing is.
func (db *DB) ACMEValue(ctx context.Context, name string) ([]byte, error) {
	var sealed string
	err := db.reader().row(ctx, "SELECT sealed FROM acme_cache WHERE tenant = '' AND name = ?", []any{name}, &sealed)
	if errors.Is(err, errNoRows) {
		return nil, errNotFound("certificate")
	}
	if err != nil {
		return nil, err
	}
	return db.sealer.Open(sealed, acmePlace(name))
}

// SetACMEValue keeps a value under a name, in the place of what was there.
func (db *DB) SetACMEValue(ctx context.Context, name string, value []byte) error {
	return db.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, `INSERT INTO acme_cache (tenant, name, sealed, updated_at) VALUES ('', ?, ?, ?)
			ON CONFLICT (tenant, name) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at`,
			name, db.sealer.Seal(value, acmePlace(name)), millis(db.clock.Now()))
		return err
	})
}

// DeleteACMEValue forgets what is kept under a name, if anything is.
func (db *DB) DeleteACMEValue(ctx context.Context, name string) error {
	return db.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM acme_cache WHERE tenant = '' AND name = ?", name)
		return err
	})
}
