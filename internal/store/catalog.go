package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The kinds of columns. Both databases are asked what they have; nothing here names a table, so that none is forgotten.
const (
	kindText = "text"
	kindInt  = "bigint"
	kindJSON = "jsonb"
	kindBool = "boolean"
	kindReal = "double precision"
	kindBlob = "bytea"
)

// kinds are the types of columns as the databases call them.
var kinds = map[string]string{
	"text": kindText, "bigint": kindInt, "integer": kindInt, "jsonb": kindJSON, "json": kindJSON, "boolean": kindBool,
	"double precision": kindReal, "real": kindReal, "bytea": kindBlob, "blob": kindBlob,
}

// A catalogTable is a table as the database describes it.
type catalogTable struct {
	name    string
	columns []catalogColumn
	key     []string // of its primary key
	refers  []string // the tables that its foreign keys lead to
}

type catalogColumn struct{ name, kind string }

// A catalog is all tables of the schema but those of the database itself, by name.
type catalog []catalogTable

func (c catalog) has(table, column string) bool {
	for _, t := range c {
		if t.name == table {
			return slices.ContainsFunc(t.columns, func(c catalogColumn) bool { return c.name == column })
		}
	}
	return false
}

// versionsTable is kept by the migrations.
const versionsTable = "goose_db_version"

// ofItself are the tables that tell of a database, not of tenants: each has its own, and a copy takes none of them.
var ofItself = []string{versionsTable, "schema_compatible", "write_marks", "config_versions"}

const sqliteColumns = `SELECT t.name, c.name, lower(c.type), c.pk FROM sqlite_schema t JOIN pragma_table_info(t.name) c
	WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY t.name, c.cid`

const sqliteReferences = `SELECT DISTINCT t.name, f."table" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table' ORDER BY 1, 2`

// A partition is read with the table that it is a part of.
const postgresColumns = `SELECT t.relname::text, a.attname::text, format_type(a.atttypid, NULL), COALESCE(array_position(k.indkey::int2[], a.attnum) + 1, 0)::bigint
	FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
	JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
	LEFT JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary
	WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition ORDER BY t.relname COLLATE "C", a.attnum`

const postgresReferences = `SELECT DISTINCT t.relname::text, f.relname::text FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid
	JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema() WHERE c.contype = 'f' ORDER BY 1, 2`

// catalogOf asks the database for its tables.
func catalogOf(ctx context.Context, q querier, postgres bool) (catalog, error) {
	columns, references := sqliteColumns, sqliteReferences
	if postgres {
		columns, references = postgresColumns, postgresReferences
	}
	var out catalog
	place := map[string]int64{} // of columns in the primary key
	err := q.adhoc(ctx, columns, nil, func(scan func(...any) error) error {
		var table, name, kind string
		var key int64
		if err := scan(&table, &name, &kind, &key); err != nil || slices.Contains(ofItself, table) {
			return err
		}
		if len(out) == 0 || out[len(out)-1].name != table {
			out = append(out, catalogTable{name: table})
		}
		t := &out[len(out)-1]
		known, ok := kinds[kind]
		if !ok {
			return fmt.Errorf("the column %s of the table %s has a type that is not known here: %s", name, table, kind)
		}
		t.columns = append(t.columns, catalogColumn{name, known})
		if key > 0 {
			t.key = append(t.key, name)
			place[table+"."+name] = key
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the tables of the database: %w", err)
	}
	for i := range out {
		t := &out[i]
		slices.SortFunc(t.key, func(a, b string) int { return int(place[t.name+"."+a] - place[t.name+"."+b]) })
	}
	err = q.adhoc(ctx, references, nil, func(scan func(...any) error) error {
		var from, to string
		if err := scan(&from, &to); err != nil {
			return err
		}
		i := slices.IndexFunc(out, func(t catalogTable) bool { return t.name == from })
		if i >= 0 && from != to {
			out[i].refers = append(out[i].refers, to)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the references between the tables: %w", err)
	}
	return out, nil
}

// inOrder returns the tables so that each stands behind those that it refers to.
func (c catalog) inOrder() (catalog, error) {
	var out catalog
	done := map[string]bool{}
	for len(out) < len(c) {
		before := len(out)
		for _, t := range c {
			if !done[t.name] && !slices.ContainsFunc(t.refers, func(to string) bool { return !done[to] }) {
				out, done[t.name] = append(out, t), true
			}
		}
		if len(out) == before {
			return nil, fmt.Errorf("tables refer to each other in a circle: %d of %d could be put in order", len(out), len(c))
		}
	}
	return out, nil
}

// kind is that of a column, or "".
func (t *catalogTable) kind(column string) string {
	for _, c := range t.columns {
		if c.name == column {
			return c.kind
		}
	}
	return ""
}

// names lists the columns of a table.
func (t *catalogTable) names() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// difference tells what one schema has and the other has not, or "".
func (c catalog) difference(other catalog) string {
	describe := func(c catalog) map[string]bool {
		all := map[string]bool{}
		for _, t := range c {
			for _, column := range t.columns {
				all[t.name+"."+column.name+" "+column.kind] = true
			}
		}
		return all
	}
	a, b := describe(c), describe(other)
	var out []string
	for name := range a {
		if !b[name] {
			out = append(out, name)
		}
	}
	for name := range b {
		if !a[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
