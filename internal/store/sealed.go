package store

import (
	"context"
	"strings"

	"github.com/stagedoor/stagedoor"
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
	{"imported_factors", "sealed", "'imported_factors'", "user_id"},
	{"mfa_tokens", "sealed", "'mfa_tokens'", "hash"},
	{"identity_tokens", "sealed", "'identity_tokens'", "id"},
	{"invitations", "sealed", "'invitations'", "id"},
	{"jobs", "sealed", "'jobs'", "id"},
	{"job_parts", "sealed", "'job_parts'", "job || '/' || kind || '/' || CAST(n AS TEXT)"},
	{"script_runs", "sealed", "'script_runs'", "id"},
}

// checkSealedIn opens every sealed value of a table.
func (db *DB) checkSealedIn(ctx context.Context, q querier, c *Checked, t sealedTable) error {
	query := "SELECT tenant, " + t.column + ", " + t.name + ", " + t.id + " FROM " + t.table
	return q.each(ctx, query, nil, func(scan func(...any) error) error {
		var tenant, value, name, id string
		if err := scan(&tenant, &value, &name, &id); err != nil {
			return err
		}
		if t.table == "passwords" {
			sealed, is := strings.CutPrefix(value, sealedHash)
			if !is {
				return nil
			}
			value = sealed
		}
		if value == "" {
			return nil
		}
		c.Sealed++
		s := &Store{db: db, tenant: &stagedoor.Tenant{ID: tenant}}
		if _, err := s.unseal(value, name, id); err != nil {
			c.fault(tenant, t.table+" "+id, "the sealed value does not open: it was sealed under another master key, or is damaged")
		}
		return nil
	})
}
