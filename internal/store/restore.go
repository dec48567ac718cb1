package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stagedoor/stagedoor/internal/jose"
)

// ErrInUse is why nothing is put in the place of a database.
var ErrInUse = errors.New("a server has the database open: stop it first")

// A RestoreReport says what was put in place.
type RestoreReport struct {
	BackupReport
	Database string `json:"database"`
	Aside    string `json:"aside,omitempty"` // where the database went that was there
}

// RestoreOptions say how a backup is put in place.
type RestoreOptions struct {
	Sealer   Sealer // of the master keys that the server will have
	Now      time.Time
	Progress func(done, total int64) // is told how many bytes are copied
}

// Restore puts a backup in the place of an embedded database that no server has open. The backup is copied beside its place and
// checked first: whole, of a version that this program knows, sealed under the keys that are there. Only then is the old database
// set aside, and kept. Until the last step nothing has changed.
func Restore(ctx context.Context, file, database string, o RestoreOptions) (*RestoreReport, error) {
	began := time.Now()
	if err := unused(database); err != nil {
		return nil, err
	}
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return nil, fmt.Errorf("%s is a database in use or left in the middle of something, because %s-wal lies beside it: make a backup of it with `stagedoor backup`", file, filepath.Base(file))
	}
	if err := os.MkdirAll(filepath.Dir(database), 0o700); err != nil {
		return nil, fmt.Errorf("making the database's folder: %w", err)
	}
	dir, remove, err := Scratch(database, "restore")
	if err != nil {
		return nil, err
	}
	defer remove()
	temp := filepath.Join(dir, "database")
	if err := copyFile(ctx, file, temp, database, o.Progress); err != nil {
		return nil, err
	}
	report, err := inspect(ctx, temp, o.Sealer)
	if err != nil {
		return nil, fmt.Errorf("%s is not restored: %w", file, err)
	}
	aside, err := swap(ctx, temp, database, o.Now)
	if err != nil {
		return nil, err
	}
	report.File, report.Took = file, time.Since(began)
	report.Seconds = report.Took.Seconds()
	return &RestoreReport{*report, database, aside}, nil
}

func unused(database string) error {
	used, err := openElsewhere(database)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", database, err)
	}
	if used {
		return ErrInUse
	}
	return nil
}

// copyFile copies the backup into a new file, whose owner alone may read it: that of the database whose place it takes.
func copyFile(ctx context.Context, file, name, database string, progress func(done, total int64)) error {
	from, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	defer from.Close()
	info, err := from.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", file)
	}
	if err == nil {
		err = enoughSpace(besideScratch(name), info.Size())
	}
	if err != nil {
		return err
	}
	to, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copying the backup: %w", err)
	}
	err = jose.KeepOwner(to, database)
	for done := int64(0); err == nil; {
		var n int64
		n, err = io.CopyN(to, from, 1<<20)
		done += n
		if progress != nil {
			progress(done, info.Size())
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copying the backup: %w", err)
	}
	return nil
}

// swap sets the old database aside under a name with the time and gives its name to the new one.
func swap(ctx context.Context, temp, database string, now time.Time) (aside string, err error) {
	if err := unused(database); err != nil {
		return "", err
	}
	if _, err := os.Lstat(database); errors.Is(err, fs.ErrNotExist) {
		return "", settle(temp, database, false)
	}
	aside = database + ".before-" + now.UTC().Format("20060102T150405Z")
	if _, err := os.Lstat(aside); err == nil {
		return "", fmt.Errorf("%s exists already: wait a second, or move it away", aside)
	}
	if err := alone(ctx, database); err != nil {
		return "", err
	}
	// What was written last may lie beside the file, if the file is damaged; it must not meet the new one.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(database+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("setting the old database aside: %w", err)
		}
	}
	if err := os.Link(database, aside); err != nil { // a file system without links
		if err := os.Rename(database, aside); err != nil {
			return "", fmt.Errorf("setting the old database aside: %w", err)
		}
	}
	if err := settle(temp, database, true); err != nil {
		return "", fmt.Errorf("%w; the old database is %s", err, aside)
	}
	return aside, nil
}

// alone lets the old database take in what lies beside it, so that the file holds everything; that needs to be alone with it. A
// damaged one stays as it is.
func alone(ctx context.Context, database string) error {
	if !looksLikeSQLite(database) {
		return nil
	}
	db, err := openFile(database, "busy_timeout(0)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	var lite *sqlite.Error
	if errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY {
		return ErrInUse
	}
	return nil
}

// looksLikeSQLite tells whether a file begins as such a database does. SQLite deletes what lies beside another one.
func looksLikeSQLite(path string) bool {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return false
	}
	defer f.Close()
	var head [16]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "SQLite format 3\x00"
}
