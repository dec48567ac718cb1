package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// sealedTable tells where a table keeps sealed values, and what each is bound to: the table's name, or what SQL makes the name
// from, and the id within the tenant.
type sealedTable struct{ table, column, name, id string }

// sealedTables are all of them; a test holds the list to the columns that are there.
var sealedTables = []sealedTable{
	{"signing_keys", "sealed", "'signing_keys'", "kid"},
	{"clients", "sealed", "'clients'", "id"},
	{"resource_servers", "sealed", "'resource_servers'", "id"},
	{"connections", "sealed", "'connections'", "id"},
	{"rules_configs", "sealed", "'rules_configs'", "name"},
	{"documents", "sealed", "'documents/' || kind", "id"},
	{"actions", "sealed", "'actions'", "id"},
	{"action_versions", "sealed", "'action_versions'", "id"},
	{"action_bindings", "sealed", "'action_bindings'", "id"},
	{"passwords", "hash", "'passwords'", "user_id"},
	{"authentication_methods", "sealed", "'authentication_methods'", "user_id || '/' || id"},
	{"pending_factors", "sealed", "'pending_factors'", "key || '/' || user_id"},
	{"ceremonies", "sealed", "'ceremonies'", "key"},
	{"imported_factors", "sealed", "'imported_factors'", "user_id"},
	{"one_time_codes", "sealed", "'one_time_codes'", "purpose || '/' || subject"},
	{"mfa_tokens", "sealed", "'mfa_tokens'", "hash"},
	{"push_challenges", "sealed", "'push_challenges'", "hash"},
	{"pushed_requests", "sealed", "'pushed_requests'", "hash"},
	{"identity_tokens", "sealed", "'identity_tokens'", "id"},
	{"connected_accounts", "sealed", "'connected_accounts'", "id"},
	{"invitations", "sealed", "'invitations'", "id"},
	{"jobs", "sealed", "'jobs'", "id"},
	{"job_parts", "sealed", "'job_parts'", "job || '/' || kind || '/' || CAST(n AS TEXT)"},
	{"script_runs", "sealed", "'script_runs'", "id"},
	{"acme_cache", "sealed", "'acme_cache'", "name"},
}

// prefix stands before each sealed value of the table, or is empty.
func (t *sealedTable) prefix() string {
	if t.table == "passwords" {
		return sealedHash
	}
	return ""
}

// holds is the condition for rows that hold a sealed value.
func (t *sealedTable) holds() string { return t.column + " LIKE '" + t.prefix() + "s1.%'" }

// checkSealedIn opens every sealed value of a table.
func (db *DB) checkSealedIn(ctx context.Context, q querier, c *Checked, t sealedTable) error {
	query := "SELECT tenant, " + t.column + ", " + t.name + ", " + t.id + " FROM " + t.table
	return q.each(ctx, query, nil, func(scan func(...any) error) error {
		var tenant, value, name, id string
		if err := scan(&tenant, &value, &name, &id); err != nil {
			return err
		}
		value, is := strings.CutPrefix(value, t.prefix())
		if !is || value == "" {
			return nil
		}
		c.Sealed++
		if _, err := db.sealer.Open(value, jose.Place(tenant, name, id)); err != nil {
			c.fault(tenant, t.table+" "+id, "the sealed value does not open: it was sealed under another master key, or is damaged")
		}
		return nil
	})
}

// errWrongMasterKey is what a database says that was sealed under other master keys than those given.
var errWrongMasterKey = errors.New("the database was sealed under another master key than the one given")

// HoldsSealed tells whether a PostgreSQL database holds anything that was sealed under a master key. One without tables holds nothing.
func HoldsSealed(ctx context.Context, url string) (bool, error) {
	e, err := openPostgres(ctx, url, nil, DefaultWait)
	if err != nil {
		return false, err
	}
	defer e.close()
	tables, err := catalogOf(ctx, e.reader(), true)
	if err != nil {
		return false, err
	}
	for _, t := range sealedTables {
		if !tables.has(t.table, t.column) {
			continue
		}
		var one int64
		err := e.reader().row(ctx, "SELECT 1 FROM "+t.table+" WHERE "+t.holds()+" LIMIT 1", nil, &one)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, errNoRows) {
			return false, fmt.Errorf("reading what is sealed in %s: %w", t.table, err)
		}
	}
	return false, nil
}

// tryAllSealed opens one value of each table. A schema of before there was a table is no error.
func tryAllSealed(ctx context.Context, q querier, tables catalog, sealer Sealer) error {
	for _, t := range sealedTables {
		if !tables.has(t.table, t.column) {
			continue
		}
		var tenant, value, name, id string
		err := q.row(ctx, "SELECT tenant, "+t.column+", "+t.name+", "+t.id+" FROM "+t.table+" WHERE "+t.holds()+" LIMIT 1", nil, &tenant, &value, &name, &id)
		if errors.Is(err, errNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading what is sealed in %s: %w", t.table, err)
		}
		if _, err := sealer.Open(strings.TrimPrefix(value, t.prefix()), jose.Place(tenant, name, id)); err != nil {
			return fmt.Errorf("%w (%s)", errWrongMasterKey, t.table)
		}
	}
	return nil
}
