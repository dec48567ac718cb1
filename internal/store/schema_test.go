package store_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// released is the newest migration that servers may be running with while newer ones are applied under them.
const released = 22

var comment = regexp.MustCompile(`--[^\n]*`)

// breaking is what a server that does not know of it cannot live with.
var breaking = regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|INDEX|CONSTRAINT|NOT)|RENAME|ALTER\s+COLUMN|SET\s+NOT\s+NULL|ADD\s+CONSTRAINT|TRUNCATE|LOCK\s+TABLE)\b`)

// Migrations run while servers of the release before go on: they only add.
func TestMigrationsOnlyAdd(t *testing.T) {
	files, err := fs.Glob(store.Migrations(), "migrations/*.sql")
	ok(t, err)
	seen := 0
	for _, name := range files {
		number, err := strconv.Atoi(filepath.Base(name)[:4])
		ok(t, err)
		if number <= released {
			continue
		}
		seen++
		text := comment.ReplaceAllString(string(must(fs.ReadFile(store.Migrations(), name))(t)), "")
		for _, wrong := range wrongIn(text) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
	if seen == 0 {
		t.Error("no migration was looked at")
	}
}

// narrowed are unique indexes that came in the place of another one, which refused more: older servers write nothing that they refuse, and name
// neither.
var narrowed = map[string]string{"users_own_email": "users_email", "users_own_username": "users_username"}

// isNarrowed tells whether a statement makes such an index, or takes the one away whose place it took in the same migration.
func isNarrowed(words, text string) bool {
	for is, was := range narrowed {
		made := "CREATE UNIQUE INDEX " + is + " ON "
		if strings.HasPrefix(words, made) && strings.Contains(words, " WHERE ") || strings.TrimSuffix(words, " CASCADE") == "DROP INDEX "+was && strings.Contains(text, made) {
			return true
		}
	}
	return false
}

func wrongIn(text string) (out []string) {
	for _, statement := range strings.Split(text, ";") {
		words := strings.Join(strings.Fields(statement), " ")
		if isNarrowed(words, text) {
			continue
		}
		upper := strings.ToUpper(words)
		if what := breaking.FindString(words); what != "" {
			out = append(out, what+" takes away what older servers use")
		}
		if strings.Contains(upper, "ADD COLUMN") && strings.Contains(upper, "NOT NULL") && !strings.Contains(upper, "DEFAULT") {
			out = append(out, "a column that older servers do not fill must be nullable or have a default: "+words)
		}
		if m := regexp.MustCompile(`(?i)CREATE UNIQUE INDEX \w+ ON (\w+)`).FindStringSubmatch(words); m != nil && !strings.Contains(text, "CREATE TABLE "+m[1]+" ") {
			out = append(out, "older servers may write what the new unique index refuses: "+words)
		}
	}
	return out
}

// The guard itself sees what it is there for.
func TestBreakingMigrationsAreSeen(t *testing.T) {
	for _, text := range []string{
		"DROP TABLE users", "ALTER TABLE users DROP COLUMN email", "ALTER TABLE users RENAME TO people", "ALTER TABLE users ADD COLUMN x TEXT NOT NULL",
		"ALTER TABLE users ALTER COLUMN email SET NOT NULL", "CREATE UNIQUE INDEX u ON users (tenant, name)", "ALTER TABLE users ADD CONSTRAINT c CHECK (true)",
		"DROP INDEX users_email", "CREATE UNIQUE INDEX users_own_email ON users (tenant, email)",
	} {
		if len(wrongIn(text)) == 0 {
			t.Errorf("%s passes", text)
		}
	}
	for _, text := range []string{
		"ALTER TABLE users ADD COLUMN x TEXT", "ALTER TABLE users ADD COLUMN x BIGINT NOT NULL DEFAULT 0", "CREATE TABLE x (id TEXT); CREATE UNIQUE INDEX u ON x (id)",
		"CREATE UNIQUE INDEX users_own_email ON users (tenant, connection, email) WHERE true; DROP INDEX users_email",
	} {
		if wrong := wrongIn(text); len(wrong) > 0 {
			t.Errorf("%s: %v", text, wrong)
		}
	}
}

// columnsOf lists table, column, type, and whether a row can be added without it.
func columnsOf(t *testing.T, db *store.DB, kind string) map[string][2]string {
	query := `SELECT table_name, column_name, data_type, CASE WHEN is_nullable = 'YES' OR column_default IS NOT NULL THEN 'optional' ELSE 'required' END
		FROM information_schema.columns WHERE table_schema = current_schema()`
	if kind == storetest.SQLite {
		query = `SELECT m.name, c.name, c.type, CASE WHEN c."notnull" = 0 OR c.dflt_value IS NOT NULL THEN 'optional' ELSE 'required' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	}
	out := map[string][2]string{}
	for _, row := range store.Rows(t, db, 4, query) {
		out[row[0]+"."+row[1]] = [2]string{row[2], row[3]}
	}
	return out
}

// Every statement of a server of the release before still runs after all migrations: what it knows is there with the same type, and it need
// fill nothing that it does not know.
func TestOldServersFindTheirSchema(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			db := storetest.OpenURL(t, storetest.URL(t, kind))
			store.MigrateTo(t, db, released)
			before := columnsOf(t, db, kind)
			ok(t, db.Migrate(t.Context()))
			after := columnsOf(t, db, kind)
			if len(before) < 100 || len(after) <= len(before) {
				t.Fatalf("%d columns before, %d after", len(before), len(after))
			}
			tables := map[string]bool{}
			for name, was := range before {
				tables[strings.Split(name, ".")[0]] = true
				is, there := after[name]
				if !there || is[0] != was[0] || was[1] == "optional" && is[1] == "required" {
					t.Errorf("%s was %v, is %v", name, was, is)
				}
			}
			for name, is := range after {
				if _, known := before[name]; !known && tables[strings.Split(name, ".")[0]] && is[1] == "required" {
					t.Errorf("%s is new and must be filled", name)
				}
			}
		})
	}
}

// withoutTenant are the keys that do not begin with the tenant, and why.
var withoutTenant = map[string]string{
	"tenants": "the tenants themselves", "domains": "tells which tenant a host belongs to", "goose_db_version": "the list of migrations, which is of the database",
	"script_modules": "packages are the same for all tenants, and are found by what they hold",
	"write_marks":    "of a server, not of a tenant: a write may be of several", "schema_compatible": "of the database",
}

// All keys begin with the tenant, so that a distributed database can place each tenant's rows together; none counts up across servers.
func TestKeysBeginWithTheTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		query := `SELECT t.relname, i.relname, a.attname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
			JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0] JOIN pg_namespace n ON n.oid = t.relnamespace
			WHERE x.indisunique AND n.nspname = current_schema()`
		if strings.HasSuffix(t.Name(), storetest.SQLite) {
			query = `SELECT m.name, i.name, c.name FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
				WHERE m.type = 'table' AND i."unique" = 1 AND c.seqno = 0 UNION ALL
				SELECT m.name, 'primary key', c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk = 1`
		} else {
			for _, row := range store.Rows(t, db, 1, "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND n.nspname = current_schema()") {
				if row[0] != "goose_db_version_id_seq" {
					t.Errorf("%s counts rows up: ids come from the program", row[0])
				}
			}
		}
		used := map[string]bool{}
		rows := store.Rows(t, db, 3, query)
		for _, row := range rows {
			table, index, first := row[0], row[1], row[2]
			if strings.HasPrefix(table, "sqlite_") || first == "tenant" {
				continue
			}
			if used[table] = true; withoutTenant[table] == "" {
				t.Errorf("%s: the key %s begins with %s", table, index, first)
			}
		}
		for table := range withoutTenant {
			if !used[table] {
				t.Errorf("%s needs no exception", table)
			}
		}
		if len(rows) < 40 {
			t.Errorf("only %d keys were looked at", len(rows))
		}
	})
}

// session is what not every database has, or what is lost behind a pooler: it may make things faster, never right.
var session = regexp.MustCompile(`(?i)pg_(try_)?advisory|\bLISTEN\b|pg_notify|\bNOTIFY\b|\bnextval\b|\bSERIAL\b|GENERATED .* AS IDENTITY|\bctid\b|TEMP(ORARY)? TABLE|DECLARE .* CURSOR|\bSET SESSION\b|lastval|LOCK TABLE`)

// sessionFiles are where it may be, and why.
var sessionFiles = map[string]string{"notify.go": "hints that empty caches sooner; without them these are as old as their bound"}

func TestStatementsArePortable(t *testing.T) {
	files := must(filepath.Glob("*.go"))(t)
	files = append(files, must(filepath.Glob("migrations/*.sql"))(t)...)
	quoted := regexp.MustCompile("(?s)\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`]*`")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || sessionFiles[name] != "" {
			continue
		}
		texts := []string{comment.ReplaceAllString(string(must(os.ReadFile(name))(t)), "")}
		if strings.HasSuffix(name, ".go") {
			texts = quoted.FindAllString(regexp.MustCompile(`//[^\n]*`).ReplaceAllString(texts[0], ""), -1)
		}
		for _, text := range texts {
			if what := session.FindString(text); what != "" {
				t.Errorf("%s: %s in %.100s", name, what, text)
			}
		}
	}
	if !slices.Contains(files, "postgres.go") {
		t.Error("the files were not found")
	}
}

// What belongs to a tenant is found without looking at that of all others: each table has an index that begins with the tenant.
func TestEveryTableIsFoundByTenant(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	indexed := map[string]bool{}
	for _, row := range store.Rows(t, db, 1, `SELECT m.name FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
		WHERE m.type = 'table' AND c.seqno = 0 AND c.name = 'tenant' AND i.partial = 0`) {
		indexed[row[0]] = true
	}
	tables := store.Rows(t, db, 1, "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'tenant'")
	if len(tables) < 30 {
		t.Fatalf("%d tables", len(tables))
	}
	for _, row := range tables {
		if !indexed[row[0]] {
			t.Errorf("%s has no index that begins with tenant", row[0])
		}
	}
}
