package store

import (
	"context"
	"io/fs"
	"testing"

	"github.com/pressly/goose/v3"
)

// CountAttemptBehind counts an attempt in a write of one statement that first waits for the record of a user.
func CountAttemptBehind(ctx context.Context, s *Store, user string) (n int, err error) {
	err = s.writeOne(ctx, func(q querier) error {
		return q.row(ctx, `WITH waited AS (SELECT id FROM users WHERE tenant = ? AND id = ? FOR UPDATE)
			INSERT INTO attempts (tenant, kind, subject, connection, place, value, expires_at) SELECT CAST(? AS TEXT), 'login', 'behind', '', '', 1, 9999999999999 FROM waited
			ON CONFLICT (tenant, kind, subject, connection, place) DO UPDATE SET value = attempts.value + 1 RETURNING value`,
			[]any{s.tenant.ID, user, s.tenant.ID}, &n)
	})
	return n, err
}

// MigrateTo brings an empty database to an older version of the schema.
func MigrateTo(t testing.TB, db *DB, version int64) {
	t.Helper()
	up := func(p *goose.Provider) error {
		_, err := p.UpTo(t.Context(), version)
		return err
	}
	var err error
	switch e := db.bare.(type) {
	case *postgresEngine:
		err = e.withSchema(up)
	case *sqliteEngine:
		err = e.withSchema(up)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Rows returns what a query finds, each row's columns as texts.
func Rows(t testing.TB, db *DB, columns int, query string) (out [][]string) {
	t.Helper()
	err := db.reader().each(t.Context(), query, nil, func(scan func(...any) error) error {
		row := make([]string, columns)
		dest := make([]any, columns)
		for i := range row {
			dest[i] = &row[i]
		}
		err := scan(dest...)
		out = append(out, row)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Migrations are the files of the schema.
func Migrations() fs.FS { return migrations }

// Listening tells whether hints of other servers are heard.
func Listening(db *DB) bool {
	db.hints.mu.Lock()
	defer db.hints.mu.Unlock()
	return db.hints.listening
}

// ReplicaReads returns how often a replica answered.
func ReplicaReads(db *DB) int64 { return db.bare.(*postgresEngine).replicas.served.Load() }

// LiveRefreshTokens counts the tokens of a family that are not superseded; -1 where that cannot be read.
func LiveRefreshTokens(ctx context.Context, s *Store, family string) (n int) {
	if err := s.read().row(ctx, "SELECT count(*) FROM refresh_tokens WHERE tenant = ? AND family = ? AND used_at IS NULL", []any{s.tenant.ID, family}, &n); err != nil {
		return -1
	}
	return n
}

// CountRates counts the buckets that are kept, of all tenants; -1 where that cannot be read.
func CountRates(ctx context.Context, s *Store) (n int) {
	if err := s.read().row(ctx, "SELECT count(*) FROM attempts WHERE kind = ?", []any{rateLimits}, &n); err != nil {
		return -1
	}
	return n
}

// BreakJob makes a job one that cannot be read.
func BreakJob(t testing.TB, s *Store, id string) {
	t.Helper()
	err := s.write(t.Context(), func(q querier) error {
		_, err := q.exec(t.Context(), "UPDATE jobs SET sealed = 'broken' WHERE tenant = ? AND id = ?", s.tenant.ID, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
