package store

import (
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stagedoor/stagedoor"
)

// sqliteTrouble is what the machine keeps the embedded database from doing. The caller of a write may try again when the cause is gone:
// nothing was written. No restart is needed, unless the file itself has to be replaced.
type sqliteTrouble struct{ code, text string }

var sqliteTroubles = map[int]sqliteTrouble{
	sqlite3.SQLITE_FULL:     {"database_full", "The disk of the database is full. Nothing was changed; the operator of this server has to make room."},
	sqlite3.SQLITE_READONLY: {"database_read_only", "The database cannot be written to. Nothing was changed; the operator of this server has to allow it."},
	sqlite3.SQLITE_PERM:     {"database_read_only", "The database cannot be written to. Nothing was changed; the operator of this server has to allow it."},
	sqlite3.SQLITE_CORRUPT:  {"database_damaged", "A part of the database is damaged. Nothing was changed; the operator of this server finds out more with `stagedoor check`."},
	sqlite3.SQLITE_NOTADB:   {"database_damaged", "A part of the database is damaged. Nothing was changed; the operator of this server finds out more with `stagedoor check`."},
	sqlite3.SQLITE_IOERR:    {"database_unavailable", "The disk of the database does not work as it should. Nothing was changed; try again later."},
	sqlite3.SQLITE_CANTOPEN: {"database_unavailable", "The database cannot be opened. Nothing was changed; try again later."},
	sqlite3.SQLITE_BUSY:     {"database_unavailable", "Another program holds the database. Nothing was changed; try again in a few seconds."},
	sqlite3.SQLITE_LOCKED:   {"database_unavailable", "Another program holds the database. Nothing was changed; try again in a few seconds."},
	sqlite3.SQLITE_PROTOCOL: {"database_unavailable", "Another program holds the database. Nothing was changed; try again in a few seconds."},
}

// sqliteUnavailable returns the Unavailable error for what the machine is to blame for, and nil for any other error.
func sqliteUnavailable(err error) error {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return nil
	}
	t, known := sqliteTroubles[lite.Code()&0xff] // the primary code of an extended one
	if !known {
		return nil
	}
	if t.code == "database_read_only" { // often one of the others
		err = fmt.Errorf("%w: the file, those beside it (-wal, -shm) and their folder have to be writable", err)
	}
	return &stagedoor.Error{Kind: stagedoor.Unavailable, Code: t.code, Message: t.text, Err: err}
}

// errReplaced is for writes to a file that is no longer at its place: they would be gone with the process.
func errReplaced(path string) error {
	return &stagedoor.Error{
		Kind: stagedoor.Unavailable, Code: "database_unavailable", Err: errors.New("the file " + path + " was removed or replaced while this server had it open: put it back, or restart the server"),
		Message: "The file of the database was removed or replaced. Nothing was changed; the operator of this server has to put it back.",
	}
}

// inPlace tells whether the file that was opened is still the one at its path.
func (e *sqliteEngine) inPlace() error {
	now, err := os.Stat(e.path)
	if err != nil || !os.SameFile(now, e.file) {
		return errReplaced(e.path)
	}
	return nil
}
