package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// groupSize is how many writes one commit takes at most.
const groupSize = 64

// checkpointPages is how many pages of 4 KB the log beside the file (WAL) takes before they are carried over into the file: a page that was written
// several times is carried once. Writes wait meanwhile: of 32 callers' patches a tenth more were made in a second than with 1,000, and the slowest took
// 47 to 86 ms instead of 46 to 68; with 16,000 it was 93 to 129.
const checkpointPages = "4000"

type sqliteEngine struct {
	path    string
	file    os.FileInfo // of the file that was opened
	metrics *telemetry.Metrics
	readers *sql.DB
	read    sqlQuerier
	writers *sql.DB  // one connection
	commits *commits // nil: they are not watched
	lazy    bool     // of the writer alone: commits do not wait for the disk just now

	mu     sync.Mutex
	queue  []*writeJob
	closed bool
	wake   chan struct{}
	done   sync.WaitGroup
}

type writeJob struct {
	fn   func(querier) error
	err  error
	done chan struct{}
	soon bool            // it need not be on the disk when it is answered
	span *telemetry.Span // of the wait
}

// makeFile makes an empty file that is to have a name in the end. It will hold personal data: its owner alone may read it.
func makeFile(name, inTheEnd string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(jose.KeepOwner(f, inTheEnd), f.Close())
}

func openSQLite(ctx context.Context, path string, metrics *telemetry.Metrics) (engine, error) {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("creating the database's folder: %w", err)
		}
	}
	if err := makeFile(path, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	info, err := f.Stat()
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	e := &sqliteEngine{path: path, file: info, metrics: metrics, wake: make(chan struct{}, 1)}
	if e.readers, err = sql.Open("sqlite", e.dsn("query_only(1)")); err != nil {
		return nil, err
	}
	if err := ours(ctx, e.readers); err != nil {
		e.readers.Close()
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	if e.writers, err = sql.Open("sqlite", e.dsn("journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint("+checkpointPages+")")); err != nil {
		return nil, err
	}
	e.writers.SetMaxOpenConns(1)
	conn, err := e.writers.Conn(ctx)
	if err != nil {
		e.readers.Close()
		e.writers.Close()
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	e.readers.SetMaxOpenConns(4)
	e.readers.SetMaxIdleConns(4)
	e.read = sqlQuerier{prepare: e.readers.PrepareContext, cache: &sync.Map{}}
	e.commits = watchCommits(path)
	e.done.Add(1)
	go e.writer(conn)
	return e, nil
}

// ours refuses a file of another program before anything in it is changed: a path that was mistaken would give that program's database our tables.
func ours(ctx context.Context, db *sql.DB) error {
	var table string
	err := db.QueryRowContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '"+versionsTable+"') LIMIT 1").Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return unreadable(err)
	}
	return fmt.Errorf("it belongs to another program, whose table %s it has, and is left as it is: name another file", stagedoor.Shorten(table, 100))
}

func (e *sqliteEngine) dsn(pragmas ...string) string {
	v := url.Values{}
	for _, p := range append(pragmas, "busy_timeout(10000)", "foreign_keys(1)", "cache_size(-8000)", "temp_store(2)") {
		v.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: e.path}).EscapedPath() + "?" + v.Encode()
}

func (e *sqliteEngine) reader() querier { return e.read }

func (e *sqliteEngine) lookup() querier { return e.read }

func (e *sqliteEngine) replica() querier { return e.read }

// write hands fn to the writer and waits until it is on the disk. What is accepted is
// carried out, even if the caller gives up or the database is closed meanwhile.
func (e *sqliteEngine) write(ctx context.Context, fn func(querier) error) error {
	return e.hand(ctx, &writeJob{fn: fn})
}

func (e *sqliteEngine) hand(ctx context.Context, job *writeJob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, span := telemetry.Start(ctx, "wait for a group of writes")
	defer span.End()
	job.done, job.span = make(chan struct{}), span
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return errors.New("the database is closed")
	}
	e.queue = append(e.queue, job)
	e.mu.Unlock()
	e.wakeWriter()
	<-job.done
	return job.err
}

func (e *sqliteEngine) writeOne(ctx context.Context, fn func(querier) error) error {
	return e.write(ctx, fn)
}

// writeSoon does not wait until it is on the disk: the log beside the file has it, which outlives the process, and the next write that does wait takes it along.
func (e *sqliteEngine) writeSoon(ctx context.Context, fn func(querier) error) error {
	return e.hand(ctx, &writeJob{fn: fn, soon: true})
}

// searching needs no preparation: SQLite's planner knows no statistics and takes the index that fits, and the caller's context
// ends a statement.
func (e *sqliteEngine) searching(_ context.Context, _ time.Duration, fn func(querier) error) error {
	return fn(e.read)
}

func (e *sqliteEngine) snapshot(ctx context.Context, fn func(querier) error) error {
	tx, err := e.readers.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return fn(sqlQuerier{prepare: tx.PrepareContext, cache: &sync.Map{}})
}

func (e *sqliteEngine) wakeWriter() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// writer commits the waiting writes in groups: each has a savepoint of its own, all share
// one transaction and so one flush to the disk.
func (e *sqliteEngine) writer(conn *sql.Conn) {
	defer e.done.Done()
	defer conn.Close()
	q := sqlQuerier{prepare: conn.PrepareContext, cache: &sync.Map{}, writer: true}
	defer q.close() // those of one connection are not closed with it, and keep the file open
	for range e.wake {
		for {
			runtime.Gosched() // let those who were just answered come with their next write
			group, closed := e.nextGroup()
			if len(group) > 0 {
				e.metrics.Observe(telemetry.WriteGroup, float64(len(group)))
				e.commitGroup(conn, q, group)
			}
			for _, job := range group {
				close(job.done)
			}
			if len(group) == 0 && closed {
				return
			}
			if len(group) == 0 {
				break
			}
		}
	}
}

func (e *sqliteEngine) nextGroup() (group []*writeJob, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.queue), groupSize)
	group, e.queue = e.queue[:n:n], e.queue[n:]
	return group, e.closed
}

// commitGroup runs the writes in one transaction. An error of one write undoes that one; an
// error that ends the transaction, such as a full disk, fails all of them.
func (e *sqliteEngine) commitGroup(conn *sql.Conn, q querier, group []*writeJob) {
	waits := make([]*telemetry.Span, len(group))
	for i, job := range group {
		waits[i] = job.span
	}
	ctx, span := telemetry.Together(waits, "group of writes")
	span.SetInt("stagedoor.writes", len(group))
	defer span.End()
	err := func() error {
		if err := e.inPlace(); err != nil {
			return err
		}
		if err := e.waits(ctx, conn, group); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		e.commits.begin()
		watched := &configWrites{querier: q}
		for _, job := range group {
			if _, err := q.exec(ctx, "SAVEPOINT one"); err != nil {
				return err
			}
			if job.err = runWrite(watched, job.fn); job.err != nil {
				if _, err := q.exec(ctx, "ROLLBACK TO one"); err != nil {
					return job.err
				}
			}
			if _, err := q.exec(ctx, "RELEASE one"); err != nil {
				return err
			}
		}
		if watched.changed {
			e.commits.matters()
		}
		_, err := q.exec(ctx, "COMMIT")
		return err
	}()
	e.commits.end(err == nil)
	if err == nil {
		return
	}
	span.Fail("database")
	q.exec(ctx, "ROLLBACK") // fails if the transaction has ended already
	for _, job := range group {
		if job.err == nil {
			job.err = fmt.Errorf("writing to the database: %w", err)
		}
	}
}

// waits tells the engine whether the group's commit waits for the disk, as it does as soon as one write of the group wants that. The engine looks at the pragma when it
// compiles it: it cannot be one of the statements that are kept.
func (e *sqliteEngine) waits(ctx context.Context, conn *sql.Conn, group []*writeJob) error {
	lazy := !slices.ContainsFunc(group, func(job *writeJob) bool { return !job.soon })
	if lazy == e.lazy {
		return nil
	}
	level := "FULL"
	if lazy {
		level = "NORMAL"
	}
	_, err := conn.ExecContext(ctx, "PRAGMA synchronous="+level)
	if err == nil {
		e.lazy = lazy
	}
	return err
}

// runWrite turns a panic in one write into its error, so that the others of the group survive.
func runWrite(q querier, fn func(querier) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in a write: %v", r)
		}
	}()
	return fn(q)
}

func (e *sqliteEngine) migrate(ctx context.Context) error {
	return e.withSchema(func(p *goose.Provider) error { return up(ctx, p) })
}

func (e *sqliteEngine) version(ctx context.Context) (current, known int64, err error) {
	err = e.withSchema(func(p *goose.Provider) (err error) {
		current, known, err = p.GetVersions(ctx)
		return err
	})
	return current, known, err
}

// withSchema works on the schema over a connection of its own.
func (e *sqliteEngine) withSchema(fn func(*goose.Provider) error) error {
	db, err := sql.Open("sqlite", e.dsn("synchronous(FULL)"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	p, err := provider(goose.DialectSQLite3, db)
	if err != nil {
		return err
	}
	return fn(p)
}

func (e *sqliteEngine) ping(ctx context.Context) error {
	if err := e.inPlace(); err != nil {
		return err
	}
	var one int
	return e.read.row(ctx, "SELECT 1", nil, &one)
}

func (e *sqliteEngine) close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.wakeWriter()
	e.done.Wait()
	return errors.Join(e.readers.Close(), e.writers.Close(), e.commits.close())
}
