package store

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
)

// listening is an engine that tells of each statement.
type listening struct {
	engine
	heard func(query string, args []any)
}

type listeningQuerier struct {
	querier
	heard func(query string, args []any)
}

func (l listening) reader() querier  { return listeningQuerier{l.engine.reader(), l.heard} }
func (l listening) replica() querier { return listeningQuerier{l.engine.replica(), l.heard} }

func (l listening) write(ctx context.Context, fn func(querier) error) error {
	return l.engine.write(ctx, func(q querier) error { return fn(listeningQuerier{q, l.heard}) })
}

func (l listening) writeOne(ctx context.Context, fn func(querier) error) error {
	return l.engine.writeOne(ctx, func(q querier) error { return fn(listeningQuerier{q, l.heard}) })
}

func (l listening) writeSoon(ctx context.Context, fn func(querier) error) error {
	return l.engine.writeSoon(ctx, func(q querier) error { return fn(listeningQuerier{q, l.heard}) })
}

func (l listeningQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	l.heard(query, args)
	return l.querier.exec(ctx, query, args...)
}

func (l listeningQuerier) row(ctx context.Context, query string, args []any, dest ...any) error {
	l.heard(query, args)
	return l.querier.row(ctx, query, args, dest...)
}

func (l listeningQuerier) each(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	l.heard(query, args)
	return l.querier.each(ctx, query, args, scan)
}

func (l listeningQuerier) adhoc(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	l.heard(query, args)
	return l.querier.adhoc(ctx, query, args, scan)
}

// PlansOf are the plans of the statements that a function runs, by their text.
func PlansOf(t testing.TB, db *DB, do func()) map[string]string {
	t.Helper()
	return plans(t, db, StatementsOf(db, do))
}

// StatementsOf are the statements that a function runs, by their text, with their arguments.
func StatementsOf(db *DB, do func()) map[string][]any {
	var mu sync.Mutex
	statements, before := map[string][]any{}, db.engine
	set := func(e engine) {
		db.logs.writing.Lock() // log events are written all the while
		defer db.logs.writing.Unlock()
		db.engine = e
	}
	set(listening{before, func(query string, args []any) {
		mu.Lock()
		defer mu.Unlock()
		statements[query] = args
	}})
	do()
	set(before)
	return statements
}

// ReferencePlans are the plans by which SQLite finds what refers to a row that goes, by the statement that it amounts to.
func ReferencePlans(t testing.TB, db *DB) map[string]string {
	t.Helper()
	columns := map[string]string{}
	err := db.reader().each(t.Context(), `SELECT m.name, f.id, f."from" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2, f.seq`, nil,
		func(scan func(...any) error) error {
			var table, id, column string
			err := scan(&table, &id, &column)
			key := table + " " + id
			if columns[key] != "" {
				column = columns[key] + " = NULL AND " + column
			}
			columns[key] = column
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	statements := map[string][]any{}
	for key, where := range columns {
		table, _, _ := strings.Cut(key, " ")
		statements["SELECT rowid FROM "+table+" WHERE "+strings.ReplaceAll(where, "NULL", "?")+" = ?"] = make([]any, strings.Count(where, "NULL")+1)
	}
	return plans(t, db, statements)
}

// OrganizationsOf is organizationsOf.
func OrganizationsOf(ctx context.Context, s *Store, ids []string) (map[string][]string, error) {
	return s.organizationsOf(ctx, s.read(), ids)
}

// LargestWrite is the number of statements of the longest write that a function makes.
func LargestWrite(db *DB, do func()) (most int) {
	var mu sync.Mutex
	before := db.engine
	db.engine = countedWrites{before, func(n int) {
		mu.Lock()
		defer mu.Unlock()
		most = max(most, n)
	}}
	do()
	db.engine = before
	return most
}

// countedWrites is an engine that tells how many statements each write has.
type countedWrites struct {
	engine
	heard func(statements int)
}

func (c countedWrites) write(ctx context.Context, fn func(querier) error) error {
	n := 0
	defer func() { c.heard(n) }()
	return c.engine.write(ctx, func(q querier) error {
		n = 0
		return fn(listeningQuerier{q, func(string, []any) { n++ }})
	})
}

// Read counts the statements that a function runs outside writes and that hold a text.
func Read(db *DB, part string, do func()) (n int) {
	var mu sync.Mutex
	before := db.engine
	db.engine = listening{before, func(query string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(query, part) {
			n++
		}
	}}
	do()
	db.engine = before
	return n
}

// MostIDs is the largest number of ids that a statement asks for in what a function reads from SQLite, where so many bytes of metadata are read at once.
func MostIDs(db *DB, bytes int, do func()) (most int) {
	var mu sync.Mutex
	before := db.engine
	db.search.bytes = bytes
	db.engine = listening{before, func(_ string, args []any) {
		mu.Lock()
		defer mu.Unlock()
		for _, arg := range args {
			if list, is := arg.(string); is && strings.HasPrefix(list, `["`) {
				most = max(most, strings.Count(list, `","`)+1)
			}
		}
	}}
	do()
	db.engine = before
	return most
}

// KeptLists are how many records the lists of the configuration have that are kept in memory.
func KeptLists(db *DB) (records int) {
	for _, c := range db.configs.tenants {
		for _, v := range c.values {
			if list, is := v.(*[]stagedoor.Client); is && list != nil {
				records += len(*list)
			}
		}
	}
	return records
}

// KeptTexts is how long the texts are that the documents kept in memory were decoded from, and the rules that are kept of configurations.
func KeptTexts(db *DB) (documents, rules int) {
	for k := range db.decoded.values {
		documents += len(k.doc) + len(k.sealed)
	}
	for _, c := range db.configs.tenants {
		for _, v := range c.values {
			if rule, is := v.(*stagedoor.Rule); is {
				rules += len(rule.Script)
			}
		}
	}
	return documents, rules
}

// AfterWrites runs a function, and calls then behind its nth write.
func AfterWrites(db *DB, n int, then func(), do func() error) error {
	before := db.engine
	defer func() { db.engine = before }()
	db.engine = endedWrites{before, func() {
		if n--; n == 0 {
			then()
		}
	}}
	return do()
}

// endedWrites is an engine that tells of the end of each write.
type endedWrites struct {
	engine
	ended func()
}

func (e endedWrites) write(ctx context.Context, fn func(querier) error) error {
	defer e.ended()
	return e.engine.write(ctx, fn)
}
