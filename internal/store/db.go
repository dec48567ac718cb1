package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/geoip"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// Sealer encrypts what must not lie in the database in the clear. The additional data
// binds a sealed value to its tenant and purpose.
type Sealer interface {
	Seal(plain, additional []byte) string
	Open(sealed string, additional []byte) ([]byte, error)
	Current() string // names the key that seals, as sealed values do
}

// Options open a database.
type Options struct {
	URL    string // a file path, or postgres://…
	Sealer Sealer
	Clock  stagedoor.Clock
	Log    *slog.Logger

	Metrics *telemetry.Metrics // nil: nothing is counted

	Retention   Retention     // of tenants' logs
	SearchLimit time.Duration // how long a search may take; 0: [DefaultSearchLimit]
	Replicas    []string      // URLs of PostgreSQL servers that follow the one of URL, for lists and searches
	Ceiling     int64         // of the texts of one kind of a tenant's configuration together, in bytes; 0: none
	NoNotify    bool          // do not tell other servers of a PostgreSQL what changed, nor listen to them
	Wait        time.Duration // how long a request waits for a PostgreSQL that is away; 0: [DefaultWait]

	Places *geoip.Databases // nil: of no address it is known where it is

	// SystemScopes returns the scopes that this program knows of an API of the system; nil: those that are kept are all.
	SystemScopes func(identifier string) []stagedoor.APIScope
}

// engine is one of the two databases.
type engine interface {
	reader() querier
	// lookup reads rows by a key: what comes at the same time may go together. Nothing that takes long may be read so: others would wait for it.
	lookup() querier
	// replica reads where another server than the one that takes writes may answer; what was written before is found all the same.
	replica() querier
	write(ctx context.Context, fn func(querier) error) error
	writeOne(ctx context.Context, fn func(querier) error) error
	// writeSoon is writeOne for what a loss of power may take back as long as nothing else was written after it: see docs/adr/0024.
	writeSoon(ctx context.Context, fn func(querier) error) error
	// searching runs fn where statements are planned as they are written and end after the limit.
	searching(ctx context.Context, limit time.Duration, fn func(querier) error) error
	// snapshot runs fn where all that it reads is of one moment.
	snapshot(ctx context.Context, fn func(querier) error) error
	migrate(ctx context.Context) error
	version(ctx context.Context) (current, known int64, err error)
	ping(ctx context.Context) error
	close() error
}

// DB is a whole database: many tenants.
type DB struct {
	engine
	bare        engine // of which engine is the measured form
	metrics     *telemetry.Metrics
	retention   Retention
	postgres    bool
	sealer      Sealer
	clock       stagedoor.Clock
	log         *slog.Logger
	logIDs      stagedoor.LogIDs // of mails, too
	logs        *logQueue
	patches     *patches // nil on SQLite, and within a transaction
	decoded     decoded
	configs     *configs // nil: nothing is kept
	commits     *commits // nil: they are not watched
	search      searchBounds
	actives     *activeCounts // nil within a transaction
	searchLimit time.Duration
	ceiling     int64 // see noun.fits
	places      *geoip.Databases

	systemScopes func(identifier string) []stagedoor.APIScope
	stamped      *atomic.Int64 // see stamp
	closing      sync.Once
	closed       error

	mu      sync.Mutex
	hosts   map[string]*cachedTenant
	byID    map[string]*cachedTenant
	changes int // counts what was forgotten
	crowd   int // so many tenants in byID are too many to keep old ones

	hints    *hints // nil where there are none
	onChange []func(tenant string)
}

// Open connects to the database; it does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{configs: &configs{}, actives: &activeCounts{slow: activeSlow}, metrics: o.Metrics, retention: o.Retention, search: usualBounds, searchLimit: cmp.Or(o.SearchLimit, DefaultSearchLimit), ceiling: o.Ceiling, places: o.Places, systemScopes: o.SystemScopes, stamped: &atomic.Int64{}, sealer: o.Sealer, clock: o.Clock, log: o.Log, hosts: map[string]*cachedTenant{}, byID: map[string]*cachedTenant{}}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		db.postgres = true
		db.bare, err = openPostgres(ctx, o.URL, o.Replicas, cmp.Or(o.Wait, DefaultWait))
	} else {
		db.bare, err = openSQLite(ctx, strings.TrimPrefix(o.URL, "sqlite://"), o.Metrics)
	}
	if err != nil {
		return nil, err
	}
	if e, is := db.bare.(*sqliteEngine); is {
		db.commits = e.commits
	}
	db.engine = measured(db.bare, o.Metrics)
	db.logs = newLogQueue(db)
	if db.postgres {
		db.patches = newPatches(db)
	}
	if e, is := db.bare.(*postgresEngine); is && !o.NoNotify {
		db.hints = newHints(e, db.log, db.heard)
	}
	return db, nil
}

// Migrate brings the schema up to date. A schema that is newer than this program is left as it is if the program may serve it,
// and is an error if not.
func (db *DB) Migrate(ctx context.Context) error {
	newer, err := db.checkVersion(ctx)
	if err != nil || newer {
		return err
	}
	if err := db.migrate(ctx); err != nil {
		return err
	}
	if err := db.indexPending(ctx); err != nil {
		return fmt.Errorf("indexing the users: %w", err)
	}
	return db.adoptFactors(ctx)
}

// CheckMigrated returns an error unless the schema is one that this program may serve: its own, or a newer one that says so. While
// servers are replaced one by one, the older ones go on, and may be started again.
func (db *DB) CheckMigrated(ctx context.Context) error {
	newer, err := db.checkVersion(ctx)
	if err != nil || newer {
		return err
	}
	current, known, err := db.version(ctx)
	if err == nil && current < known {
		err = fmt.Errorf("the database has version %d, this program needs %d: run `stagedoor migrate`", current, known)
	}
	if err != nil {
		return err
	}
	var tenant string
	err = db.reader().row(ctx, "SELECT tenant FROM attr_pending LIMIT 1", nil, &tenant)
	if errors.Is(err, errNoRows) {
		return nil
	}
	return cmp.Or(err, fmt.Errorf("the users of tenant %s are not indexed for searching: run `stagedoor migrate`", tenant))
}

// checkVersion tells whether the schema is newer than this program. One that the program must not serve is an error.
func (db *DB) checkVersion(ctx context.Context) (newer bool, err error) {
	current, known, err := db.version(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the database's version: %w", err)
	}
	if current <= known {
		return false, nil
	}
	var compatible int64
	if err := db.reader().row(ctx, "SELECT version FROM schema_compatible WHERE id = 'schema'", nil, &compatible); err != nil {
		return true, fmt.Errorf("reading which programs may serve the database: %w", err)
	}
	if compatible > known {
		return true, fmt.Errorf("the database has version %d, which programs that know version %d or later can serve, but this one knows versions up to %d only: use a newer stagedoor",
			current, compatible, known)
	}
	db.log.Info("the database is newer than this program, which may serve it all the same", "version", current, "known", known)
	return true, nil
}

// tooNew refuses a database of a newer program: what it has changed is not known here.
func tooNew(current, known int64) error {
	return fmt.Errorf("the database has version %d, but this program knows versions up to %d only: use a newer stagedoor", current, known)
}

// sameVersion refuses a schema that is not this program's own: work on all tables must know all of them.
func (db *DB) sameVersion(ctx context.Context) error {
	current, known, err := db.version(ctx)
	if err == nil && current > known {
		err = tooNew(current, known)
	}
	return err
}

// Version returns the schema's version and the newest that this program knows.
func (db *DB) Version(ctx context.Context) (current, known int64, err error) { return db.version(ctx) }

// CheckSealed returns an error if the master keys are not those that the database was sealed under: better
// at the start than at the first login.
func (db *DB) CheckSealed(ctx context.Context) error {
	var tenant, kid, sealed string
	err := db.reader().row(ctx, "SELECT tenant, kid, sealed FROM signing_keys LIMIT 1", nil, &tenant, &kid, &sealed)
	if errors.Is(err, errNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	s := newStore(db, &stagedoor.Tenant{ID: tenant})
	if _, err := s.unseal(sealed, "signing_keys", kid); err != nil {
		return errWrongMasterKey
	}
	return nil
}

// Ping tells whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.ping(ctx) }

// Close writes what is queued and closes the database. Further calls return the same.
func (db *DB) Close() error {
	db.closing.Do(func() {
		db.logs.close()
		if db.hints != nil {
			db.hints.close()
		}
		db.closed = db.close()
	})
	return db.closed
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
