package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// used are the PostgreSQL databases of tests that have ended well. The next tests take them, emptied: PostgreSQL makes and drops a
// database of hundreds of files in the time of a whole test. The last ones stay, as the template does.
var used struct {
	sync.Mutex
	names []string
}

// handBack keeps a database for the next test, unless this one failed: what it started may still be at work there.
func handBack(t testing.TB, address, name string) {
	t.Helper()
	if t.Failed() {
		drop(t, address, name)
		return
	}
	used.Lock()
	defer used.Unlock()
	used.names = append(used.names, name)
}

func drop(t testing.TB, address, name string) {
	t.Helper()
	statement(t, address, "DROP DATABASE "+name+" WITH (FORCE)")
}

// reused returns the name of a used database that is now like the template, whose shape is given, if there is one. Those that cannot become so are dropped.
func reused(t testing.TB, address, shape string) (string, bool) {
	t.Helper()
	for {
		used.Lock()
		n := len(used.names)
		if n == 0 {
			used.Unlock()
			return "", false
		}
		name := used.names[n-1]
		used.names = used.names[:n-1]
		used.Unlock()
		if got, err := empty(inDatabase(address, name)); err == nil && got == shape {
			return name, true
		}
		drop(t, address, name)
	}
}

// mostRows is how many rows a database may hold that is emptied: more leave pages behind that the next test reads, and what PostgreSQL
// learned of them.
const mostRows = 2000

// empty deletes all rows but those of migrations, and returns the shape of what is left. It fails while others are connected.
func empty(address string) (shape string, err error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	const alone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
	for end, so := time.Now().Add(2*time.Second), false; ; time.Sleep(2 * time.Millisecond) { // a connection that was closed takes a moment to go
		if err := conn.QueryRow(ctx, alone).Scan(&so); err != nil {
			return "", err
		}
		if so {
			break
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("others are connected")
		}
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(`SET session_replication_role = replica; DO $$
		DECLARE t text; n int; total int := 0;
		BEGIN
			FOR t IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('goose_db_version', 'schema_compatible')
				AND pg_relation_size(oid) > 0 LOOP -- what never held a row has no pages
				EXECUTE format('DELETE FROM public.%%I', t);
				GET DIAGNOSTICS n = ROW_COUNT;
				total := total + n;
			END LOOP;
			IF total > %d THEN RAISE 'too many rows'; END IF;
		END $$`, mostRows))
	if err != nil {
		return "", err
	}
	return shapeOf(ctx, conn)
}

// shapeOf returns a digest of the tables, columns, indexes, constraints, triggers and settings of a database, and of what migrations wrote.
func shapeOf(ctx context.Context, conn *pgx.Conn) (shape string, err error) {
	err = conn.QueryRow(ctx, `SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
		SELECT relname || ' ' || relkind::text || ' ' || relpersistence::text || coalesce(array_to_string(reloptions, ' '), '') AS line FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
		UNION ALL SELECT attrelid::regclass::text || ' ' || attname || ' ' || atttypid || ' ' || attnotnull || ' ' || attisdropped FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT indexrelid::regclass::text || ' ' || indisvalid || ' ' || indkey::text || ' ' || indisunique FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT conrelid::regclass::text || ' ' || conname FROM pg_constraint
		UNION ALL SELECT tgrelid::regclass::text || ' ' || tgname || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT proname || ' ' || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'
		UNION ALL SELECT array_to_string(setconfig, ' ') FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
		UNION ALL SELECT version::text FROM schema_compatible
		UNION ALL SELECT version_id || ' ' || is_applied FROM goose_db_version) lines`).Scan(&shape)
	return shape, err
}
