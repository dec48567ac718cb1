package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Tables are what a database holds.
type Tables = catalog

// TablesOf reads which tables there are.
func TablesOf(t testing.TB, db *DB) Tables {
	t.Helper()
	tables, err := catalogOf(t.Context(), db.reader(), db.postgres)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// Name is the table's name.
func (t *catalogTable) Name() string { return t.name }

// Has tells whether the table has a column.
func (t *catalogTable) Has(column string) bool { return slices.Contains(t.names(), column) }

// Dump returns every row of a tenant, table by table.
func Dump(ctx context.Context, t testing.TB, db *DB, tables Tables, tenant string) string {
	t.Helper()
	var out strings.Builder
	for _, table := range tables {
		if !tables.has(table.name, "tenant") {
			continue
		}
		query := "SELECT " + strings.Join(table.names(), ", ") + " FROM " + table.name + " WHERE tenant = ? ORDER BY " + strings.Join(table.key, ", ")
		err := db.reader().each(ctx, query, []any{tenant}, func(scan func(...any) error) error {
			row, err := scanRow(&table, scan)
			fmt.Fprintf(&out, "%s %q\n", table.name, row)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
