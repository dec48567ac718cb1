package store

import (
	"context"
	"strings"
	"testing"
)

// SweptTables are the tables of which what has expired is deleted.
func SweptTables() map[string]bool {
	out := map[string]bool{}
	for _, w := range sweeps {
		out[w.table] = true
	}
	return out
}

// SweepPlans are the plans of every statement that deletes what has expired or prunes logs, by its text.
func SweepPlans(t testing.TB, db *DB) map[string]string {
	t.Helper()
	statements := map[string][]any{
		"DELETE FROM logs WHERE tenant = ? AND id <= ?":                                                  {"acme", "900"},
		"SELECT id, date, " + db.docLength() + " FROM logs WHERE tenant = ? ORDER BY id LIMIT ?":         {"acme", 5},
		"SELECT MIN(day), CAST(SUM(bytes) AS BIGINT) FROM log_days WHERE tenant = ?":                     {"acme"},
		"SELECT id, settings FROM tenants WHERE id > ? ORDER BY id LIMIT ?":                              {"", 5},
		"SELECT id, doc, date FROM logs WHERE tenant = ? AND type = ? ORDER BY id DESC LIMIT ? OFFSET ?": {"acme", "fp", 5, 0},
		"SELECT COUNT(*) FROM logs WHERE tenant = ? AND type = ?":                                        {"acme", "fp"},
		"SELECT COUNT(*) FROM logs WHERE tenant = ? AND date >= ? AND date <= ?":                         {"acme", 1, 2},
	}
	statements[db.pruneFeedSQL()] = []any{"acme", 5, int64(1)}
	for _, w := range sweeps {
		statements[w.statement(db.postgres)] = []any{int64(1), 5}
	}
	return plans(t, db, statements)
}

// QueuePlans are the plans of the statements that find for whom something waits.
func QueuePlans(t testing.TB, db *DB) map[string]string {
	t.Helper()
	return plans(t, db, map[string][]any{dueEventStreams: {int64(1), int64(9), 5}, noticeTenants: {int64(1), int64(9)}, feedTenants: nil})
}

// plans are the plans of statements with their arguments, by their text.
func plans(t testing.TB, db *DB, statements map[string][]any) map[string]string {
	t.Helper()
	ctx := context.Background()
	out := map[string]string{}
	for text, args := range statements {
		var plan []string
		err := db.write(ctx, func(q querier) error {
			plan = nil
			if err := db.sweepIndexed(ctx, q); err != nil {
				return err
			}
			if db.postgres {
				return q.adhoc(ctx, "EXPLAIN "+text, args, func(scan func(...any) error) error {
					var line string
					err := scan(&line)
					plan = append(plan, line)
					return err
				})
			}
			return q.adhoc(ctx, "EXPLAIN QUERY PLAN "+text, args, func(scan func(...any) error) error {
				var id, parent, unused int
				var line string
				err := scan(&id, &parent, &unused, &line)
				plan = append(plan, line)
				return err
			})
		})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out[text] = strings.Join(plan, "\n")
	}
	return out
}

// TablesThatExpire are the tables with a column expires_at.
func TablesThatExpire(t testing.TB, db *DB) (out []string) {
	t.Helper()
	query := "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'expires_at'"
	if db.postgres {
		query = "SELECT table_name FROM information_schema.columns WHERE column_name = 'expires_at' AND table_schema = current_schema()"
	}
	err := db.reader().adhoc(t.Context(), query, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		out = append(out, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// LogDays is what is known of the size of a tenant's log, and what there really is.
func LogDays(t testing.TB, s *Store) (known, real [2]int64) {
	t.Helper()
	var err error
	if known[0], known[1], err = s.LogSize(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = s.read().row(t.Context(), "SELECT COUNT(*), CAST(COALESCE(SUM("+s.db.docLength()+"), 0) AS BIGINT) FROM logs WHERE tenant = ?", []any{s.tenant.ID}, &real[0], &real[1])
	if err != nil {
		t.Fatal(err)
	}
	return known, real
}

// FillExpired adds n sessions of a user that expired long ago.
func FillExpired(ctx context.Context, s *Store, user string, n int) error {
	doc := "'{}'"
	if s.db.postgres {
		doc = "CAST('{}' AS JSONB)"
	}
	const piece = 10_000
	for from := 0; from < n; from += piece {
		err := s.write(ctx, func(q querier) error {
			_, err := q.exec(ctx, `INSERT INTO sessions (tenant, handle, id, user_id, doc, expires_at)
				SELECT CAST(? AS TEXT), CAST(n AS TEXT), CAST(n AS TEXT), CAST(? AS TEXT), `+doc+`, n FROM
				(WITH RECURSIVE c(n) AS (SELECT CAST(? AS BIGINT) UNION ALL SELECT n + 1 FROM c WHERE n < CAST(? AS BIGINT)) SELECT n FROM c) x`,
				s.tenant.ID, user, from+1, min(from+piece, n))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
