package store

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stagedoor/stagedoor"
)

var rebound sync.Map

// rebind turns the ? of a query into PostgreSQL's $1, $2 … No query of this
// package holds a question mark in a literal.
func rebind(query string) string {
	if s, ok := rebound.Load(query); ok {
		return s.(string)
	}
	s := numbered(query)
	rebound.Store(query, s)
	return s
}

func numbered(query string) string {
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r == '?' {
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// uniqueViolation returns what a duplicate collided with: the constraint's name on
// PostgreSQL, the columns' names on SQLite. Empty means another kind of error.
func uniqueViolation(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return pg.ConstraintName
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return lite.Error()
		}
	}
	return ""
}

// classify gives errors that mean the same in every query our words. Foreign keys lead to users,
// apart from those to the handle's own tenant.
func classify(err error) error {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		switch {
		case pg.Code == "23503":
			return missing(err)
		case strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "54"): // data, limits
			return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_body", Message: "A value cannot be stored.", Err: err}
		}
	case errors.As(err, &lite):
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return missing(err)
		case sqlite3.SQLITE_TOOBIG:
			return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_body", Message: "A value cannot be stored.", Err: err}
		}
		if trouble := sqliteUnavailable(err); trouble != nil {
			return trouble
		}
	}
	return err
}

func missing(cause error) error {
	e := errUserMissing()
	e.Err = cause
	return e
}
