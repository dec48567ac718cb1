package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver
)

// groupSize is how many writes one commit takes at most.
const groupSize = 64

type sqliteEngine struct {
	path    string
	readers *sql.DB
	read    sqlQuerier
	writers *sql.DB // one connection
	jobs    chan *writeJob
	stop    chan struct{}
	done    sync.WaitGroup
}

type writeJob struct {
	fn   func(querier) error
	err  error
	done chan struct{}
}

func openSQLite(ctx context.Context, path string) (engine, error) {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("creating the database's folder: %w", err)
		}
	}
	// The file holds personal data: its owner alone may read it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	f.Close()
	e := &sqliteEngine{path: path, jobs: make(chan *writeJob, groupSize), stop: make(chan struct{})}
	if e.writers, err = sql.Open("sqlite", e.dsn("journal_mode(WAL)", "synchronous(FULL)")); err != nil {
		return nil, err
	}
	e.writers.SetMaxOpenConns(1)
	conn, err := e.writers.Conn(ctx)
	if err != nil {
		e.writers.Close()
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	if e.readers, err = sql.Open("sqlite", e.dsn("query_only(1)")); err != nil {
		return nil, err
	}
	e.readers.SetMaxOpenConns(4)
	e.readers.SetMaxIdleConns(4)
	e.read = sqlQuerier{prepare: e.readers.PrepareContext, cache: &sync.Map{}}
	e.done.Add(1)
	go e.writer(conn)
	return e, nil
}

func (e *sqliteEngine) dsn(pragmas ...string) string {
	v := url.Values{}
	for _, p := range append(pragmas, "busy_timeout(10000)", "foreign_keys(1)", "cache_size(-8000)", "temp_store(2)") {
		v.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: e.path}).EscapedPath() + "?" + v.Encode()
}

func (e *sqliteEngine) reader() querier { return e.read }

// write hands fn to the writer and waits until it is on the disk.
func (e *sqliteEngine) write(ctx context.Context, fn func(querier) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	job := &writeJob{fn: fn, done: make(chan struct{})}
	select {
	case e.jobs <- job:
	case <-e.stop:
		return errors.New("the database is closed")
	}
	select {
	case <-job.done:
		return job.err
	case <-e.stop:
		select {
		case <-job.done:
			return job.err
		default:
			return errors.New("the database is closed")
		}
	}
}

// writer commits the waiting writes in groups: each has a savepoint of its own, all share
// one transaction and so one flush to the disk.
func (e *sqliteEngine) writer(conn *sql.Conn) {
	defer e.done.Done()
	defer conn.Close()
	q := sqlQuerier{prepare: conn.PrepareContext, cache: &sync.Map{}}
	for {
		var group []*writeJob
		select {
		case job := <-e.jobs:
			group = append(group, job)
		case <-e.stop:
			return
		}
	more:
		for len(group) < groupSize {
			select {
			case job := <-e.jobs:
				group = append(group, job)
			default:
				break more
			}
		}
		commitGroup(q, group)
		for _, job := range group {
			close(job.done)
		}
	}
}

func commitGroup(q sqlQuerier, group []*writeJob) {
	ctx := context.Background()
	fail := func(err error) {
		for _, job := range group {
			if job.err == nil {
				job.err = err
			}
		}
	}
	if _, err := q.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		fail(err)
		return
	}
	for _, job := range group {
		if _, err := q.exec(ctx, "SAVEPOINT one"); err != nil {
			job.err = err
			continue
		}
		if job.err = runWrite(q, job.fn); job.err != nil {
			q.exec(ctx, "ROLLBACK TO one")
		}
		q.exec(ctx, "RELEASE one")
	}
	if _, err := q.exec(ctx, "COMMIT"); err != nil {
		q.exec(ctx, "ROLLBACK")
		fail(err)
	}
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
	var one int
	return e.read.row(ctx, "SELECT 1", nil, &one)
}

func (e *sqliteEngine) close() error {
	close(e.stop)
	e.done.Wait()
	return errors.Join(e.readers.Close(), e.writers.Close())
}
