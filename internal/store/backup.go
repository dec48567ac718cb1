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
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// backupPages is how many pages are copied between two looks at the context: 1 MiB.
const backupPages = 256

// spareSpace is what must be left on a disk beside a copy, in bytes.
const spareSpace = 16 << 20

// A BackupReport says what a copy of an embedded database holds.
type BackupReport struct {
	File    string        `json:"file"`
	Bytes   int64         `json:"bytes"`
	Version int64         `json:"version"` // of the schema
	Known   int64         `json:"-"`       // the newest version that this program knows
	Tenants int64         `json:"tenants"`
	Users   int64         `json:"users"`
	Took    time.Duration `json:"-"`
	Seconds float64       `json:"seconds"`
}

// BackupOptions say how a backup is made.
type BackupOptions struct {
	Force    bool                    // replace a file that is there
	Progress func(done, total int64) // is told how many bytes are copied
}

// Backup copies the embedded database into a file of its own while servers write to it. The copy is the database as it was at one
// moment, needs no other file, and only its owner may read it. It has reached the disk, and has been checked whole, before it
// appears under its name.
func Backup(ctx context.Context, database, file string, o BackupOptions) (*BackupReport, error) {
	began := time.Now()
	if _, err := os.Lstat(file); err == nil && !o.Force {
		return nil, fmt.Errorf("%s exists already: choose another name, or give --force to replace it", file)
	}
	if sameFile(database, file) {
		return nil, fmt.Errorf("%s is the database itself: choose another name", file)
	}
	dir, remove, err := Scratch(file, "backup")
	if err != nil {
		return nil, err
	}
	defer remove()
	temp := filepath.Join(dir, "backup")
	if err := os.WriteFile(temp, nil, 0o600); err != nil {
		return nil, fmt.Errorf("making the backup: %w", err)
	}
	if err := copyPages(ctx, database, temp, o.Progress); err != nil {
		return nil, err
	}
	report, err := inspect(ctx, temp, nil)
	if err != nil {
		return nil, fmt.Errorf("the backup is not made: %w", err)
	}
	if err := settle(temp, file, o.Force); err != nil {
		return nil, err
	}
	report.File, report.Took = file, time.Since(began)
	report.Seconds = report.Took.Seconds()
	return report, nil
}

// sameFile tells whether two names are those of one file that is there.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// copyPages copies the pages of one snapshot of the database.
func copyPages(ctx context.Context, database, to string, progress func(done, total int64)) error {
	db, err := openFile(database, "query_only(1)", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The transaction holds the snapshot: without it each step would begin anew after every write of a server.
	var pages, size int64
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return fmt.Errorf("reading %s: %w", database, unreadable(err))
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // it has read only
	err = conn.QueryRowContext(ctx, "SELECT (SELECT page_count FROM pragma_page_count), (SELECT page_size FROM pragma_page_size) FROM sqlite_schema LIMIT 1").Scan(&pages, &size)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s is empty: there is nothing to save", database)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", database, unreadable(err))
	}
	if err := enoughSpace(besideScratch(to), pages*size); err != nil {
		return err
	}
	return conn.Raw(func(driver any) error {
		b, err := driver.(interface {
			NewBackup(uri string) (*sqlite.Backup, error)
		}).NewBackup("file:" + (&url.URL{Path: to}).EscapedPath())
		if err != nil {
			return fmt.Errorf("making the backup: %w", err)
		}
		for more := true; more && err == nil; {
			if more, err = b.Step(backupPages); err == nil {
				err = ctx.Err()
			}
			if progress != nil && err == nil {
				progress((pages-int64(b.Remaining()))*size, pages*size)
			}
		}
		if err := errors.Join(err, b.Finish()); err != nil {
			return fmt.Errorf("copying the database: %w", unreadable(err))
		}
		return nil
	})
}

// inspect reads a copy of a database whole and returns what it holds. A copy that is damaged, no database of this program, of a
// version that it does not know, or sealed under other keys than the sealer's is an error; a nil sealer checks no seals. The file has
// reached the disk afterwards and needs no other beside it.
func inspect(ctx context.Context, file string, sealer Sealer) (*BackupReport, error) {
	db, err := openFile(file, "busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	// Out of the mode in which it was written: the file then stands alone.
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = DELETE"); err != nil {
		return nil, unreadable(err)
	}
	var damage string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&damage); err != nil {
		return nil, fmt.Errorf("checking the copy: %w", unreadable(err))
	}
	if damage != "ok" {
		return nil, fmt.Errorf("the database is damaged: %s", strings.Join(strings.Fields(damage), " "))
	}
	e := &sqliteEngine{path: file}
	if !hasVersions(ctx, db) {
		return nil, errors.New("this is no database of stagedoor")
	}
	r := &BackupReport{}
	if r.Version, r.Known, err = e.version(ctx); err != nil {
		return nil, fmt.Errorf("reading the database's version: %w", err)
	}
	if r.Version > r.Known {
		return nil, tooNew(r.Version, r.Known)
	}
	if r.Version > 0 {
		if err := db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM tenants), (SELECT COUNT(*) FROM users)").Scan(&r.Tenants, &r.Users); err != nil {
			return nil, fmt.Errorf("counting what is in the database: %w", err)
		}
	}
	if sealer != nil {
		if err := checkFileSealed(ctx, db, sealer); err != nil {
			return nil, err
		}
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	r.Bytes, err = flush(file)
	return r, err
}

func checkFileSealed(ctx context.Context, db *sql.DB, sealer Sealer) error {
	q := newSQLQuerier(db)
	tables, err := catalogOf(ctx, q, false)
	if err != nil {
		return err
	}
	return tryAllSealed(ctx, q, tables, sealer)
}

func hasVersions(ctx context.Context, db *sql.DB) bool {
	var name string
	return db.QueryRowContext(ctx, "SELECT name FROM sqlite_schema WHERE name = '"+versionsTable+"'").Scan(&name) == nil
}

// unreadable gives what SQLite says about a file words that tell what it means.
func unreadable(err error) error {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB:
			return errors.New("this is no database of stagedoor")
		case sqlite3.SQLITE_CORRUPT:
			return fmt.Errorf("the database is damaged: %w: `stagedoor restore` puts a backup in its place", err)
		}
	}
	return err
}

// openFile opens a file that is there: unlike a server it never makes one.
func openFile(path string, pragmas ...string) (*sql.DB, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	v := url.Values{"mode": {"rw"}}
	for _, p := range pragmas {
		v.Add("_pragma", p)
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+v.Encode())
}

// flush brings a file to the disk and returns its size.
func flush(path string) (int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("bringing %s to the disk: %w", path, err)
	}
	return info.Size(), nil
}

// settle gives a finished file its name, in one step. Without force a file that has come there meanwhile stays.
func settle(temp, file string, force bool) error {
	var err error
	if force {
		err = os.Rename(temp, file)
	} else if err = os.Link(temp, file); err == nil {
		err = os.Remove(temp)
	} else if _, there := os.Lstat(file); there != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
		err = os.Rename(temp, file)
	} else {
		err = fs.ErrExist
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: choose another name, or give --force to replace it", file)
	}
	if err != nil {
		return fmt.Errorf("giving %s its name: %w", file, err)
	}
	return syncDir(filepath.Dir(file))
}

// enoughSpace refuses to begin what would not fit on the disk.
func enoughSpace(dir string, bytes int64) error {
	free, known := freeSpace(dir)
	if known && free < bytes+spareSpace {
		return fmt.Errorf("%s has %d MB free, and %d MB are needed", dir, free>>20, (bytes+spareSpace)>>20)
	}
	return nil
}
