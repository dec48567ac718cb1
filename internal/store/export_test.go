package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// LogLate is how old the id of an event may be when it is written.
const LogLate = logLate

// Queued returns how many log events wait to be written.
func Queued(s *Store) int {
	s.db.logs.mu.Lock()
	defer s.db.logs.mu.Unlock()
	return len(s.db.logs.queued)
}

// ReadStreams reads the tenant's event streams as one who has no connection yet.
func ReadStreams(ctx context.Context, s *Store) error {
	_, err := s.subscribers(ctx, s.read(), "user.updated")
	return err
}

// CountSlowly makes each count of active users one that took long.
func CountSlowly(db *DB) { db.actives.slow = 0 }

// DBOf is the database that a store is of.
func DBOf(s *Store) *DB { return s.db }

// ForgetPhones makes numbers identify nobody, as they were before they did.
func ForgetPhones(t testing.TB, s *Store) {
	t.Helper()
	err := s.write(t.Context(), func(q querier) error {
		_, err := q.exec(t.Context(), "UPDATE users SET phone = NULL WHERE tenant = ?", s.tenant.ID)
		if err == nil {
			_, err = q.exec(t.Context(), "UPDATE linked_identities SET phone = NULL WHERE tenant = ?", s.tenant.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// RawRow returns the two texts of the only row that query finds.
func RawRow(t testing.TB, db *DB, query string) [2]string {
	t.Helper()
	var out [2]string
	if err := db.reader().row(t.Context(), query, nil, &out[0], &out[1]); err != nil {
		t.Fatal(err)
	}
	return out
}

// CheckIndex fails unless the search index holds the leaves of the tenant's users and nothing else.
func CheckIndex(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.Background()
	var want, got []string
	users, err := s.users(ctx, " WHERE u.tenant = ?", s.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	names := map[int64]string{}
	for i := range users {
		ix := indexOf(&users[i])
		for _, l := range ix.leaves() {
			names[pathID(l.Path)] = l.Path
			want = append(want, fmt.Sprintf("%s %s %q %d", ix.id, l.Path, l.Value, ix.at))
		}
	}
	err = s.read().each(ctx, "SELECT path, value, at, user_id FROM attr WHERE tenant = ?", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var a attr
		err := scan(&a.path, &a.value, &a.at, &a.user)
		got = append(got, fmt.Sprintf("%s %s %q %d", a.user, names[a.path], a.value, a.at))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Errorf("the index differs from the users at %d of %d:\n got %q\nwant %q", i, len(want), got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
			return
		}
	}
}

// Exec runs a statement on the database as it is.
func Exec(t testing.TB, db *DB, query string, args ...any) {
	t.Helper()
	err := db.writeOne(t.Context(), func(q querier) error {
		_, err := q.exec(t.Context(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Hold runs a statement in a transaction that stays open until the function is called.
func Hold(t testing.TB, db *DB, query string) (end func()) {
	t.Helper()
	held, over, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- db.write(t.Context(), func(q querier) error {
			_, err := q.exec(t.Context(), query)
			close(held)
			<-over
			return err
		})
	}()
	<-held
	return func() {
		close(over)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// AwaitLock waits until somebody waits for a lock of a table; PostgreSQL only.
func AwaitLock(t testing.TB, db *DB, table string) {
	t.Helper()
	for range 500 {
		if n := RawRow(t, db, "SELECT COUNT(*)::TEXT, '' FROM pg_locks WHERE NOT granted AND relation = '"+table+"'::regclass"); n[0] != "0" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nobody waits")
}

// SmallSearch makes a search of few users take all the ways that one of many takes.
func SmallSearch(db *DB) {
	db.search = searchBounds{few: 4, some: 8, many: 12, sample: 6, chunk: 2, probes: 64, patience: 6, set: 2, bytes: 200, exact: usualBounds.exact, blocks: 10, block: 4}
}

// SlowTotals makes a search of few users take longer to count than it may, and sets how long that is.
func SlowTotals(db *DB, exact time.Duration) {
	SmallSearch(db)
	db.search.exact = exact
}

// UsualSearch undoes SmallSearch.
func UsualSearch(db *DB) { db.search = usualBounds }

// ImportFactors keeps factors of a user as imports did before there were second factors.
func ImportFactors(t testing.TB, s *Store, user, factors string) {
	t.Helper()
	err := s.writeOne(t.Context(), func(q querier) error {
		_, err := q.exec(t.Context(), "INSERT INTO imported_factors (tenant, user_id, sealed) VALUES (?, ?, ?)", s.tenant.ID, user, s.seal(factors, "imported_factors", user))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// SealedColumns returns the tables that have a column for sealed values, and those that a check opens.
func SealedColumns(t testing.TB, db *DB) (there, listed []string) {
	t.Helper()
	query := "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'sealed' ORDER BY m.name"
	err := db.reader().each(t.Context(), query, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		there = append(there, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range sealedTables {
		if one.column == "sealed" {
			listed = append(listed, one.table)
		}
	}
	slices.Sort(listed)
	return there, listed
}

// SQLiteUnavailable is what becomes of an error of the driver.
var SQLiteUnavailable = sqliteUnavailable

// EnoughSpace refuses what would not fit on a disk.
var EnoughSpace = enoughSpace

// SizeOf is how many bytes a copy of a database is taken to need.
func SizeOf(ctx context.Context, url string) (int64, error) {
	db, err := openThere(ctx, url)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return db.size(ctx, url)
}

// SealedTables names the tables that hold sealed values.
func SealedTables() (names []string) {
	for _, t := range sealedTables {
		names = append(names, t.table)
	}
	return names
}

// SealPassword keeps a hash as one of elsewhere is kept.
func SealPassword(t testing.TB, s *Store, user, hash string) {
	t.Helper()
	Exec(t, s.db, "UPDATE passwords SET hash = ? WHERE tenant = ? AND user_id = ?", sealedHash+s.seal(hash, "passwords", user), s.tenant.ID, user)
}

// Holding returns the columns, of all tables, in which a text occurs.
func Holding(t testing.TB, db *DB, text string) (where []string) {
	t.Helper()
	tables, err := catalogOf(t.Context(), db.reader(), db.postgres)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		for _, c := range table.columns {
			var n int
			query := "SELECT COUNT(*) FROM " + table.name + " WHERE CAST(" + c.name + " AS TEXT) LIKE ?"
			if err := db.reader().row(t.Context(), query, []any{"%" + text + "%"}, &n); err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				where = append(where, table.name+"."+c.name)
			}
		}
	}
	return where
}

// CanonicalJSON is what the sums of a copy count.
var CanonicalJSON = canonicalJSON

// TableOf is the table that spans and counters name for a statement.
var TableOf = tableOf

// TableNames asks SQLite for its tables.
func TableNames(t testing.TB, db *DB) (names []string) {
	t.Helper()
	err := db.reader().each(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'", nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Pass lets what a database keeps of tenants be older by a duration.
func Pass(db *DB, d time.Duration) {
	db.mu.Lock()
	defer db.mu.Unlock()
	aged := map[*cachedTenant]bool{}
	for _, all := range []map[string]*cachedTenant{db.byID, db.hosts} {
		for _, c := range all {
			if !aged[c] {
				c.read = c.read.Add(-d)
				c.store.seen.at.Add(-d.Nanoseconds())
				aged[c] = true
			}
		}
	}
}

// KnowsVersion tells whether the version of the tenant's configuration is known without a statement.
func KnowsVersion(s *Store) bool {
	_, known, _ := s.db.commits.version(s.tenant.ID)
	return known
}

// KnownTenants is how many handles are kept.
func KnownTenants(db *DB) int { return len(db.byID) }
