package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A CopyReport says what a copy holds, table by table. The sums are the same for the same rows in any order and on both kinds of databases.
type CopyReport struct {
	Tables  []CopiedTable `json:"tables"`
	Rows    int64         `json:"rows"`
	Seconds float64       `json:"seconds"`
}

// CopiedTable is one table of a copy.
type CopiedTable struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	Sum  string `json:"sum"`
}

// CopyProgress tells how far a copy has come. Each row is written, and read again to be compared: Steps counts both.
type CopyProgress struct {
	Table        string
	Rows, Of     int64 // of the table
	Steps, Total int64 // of all
	Comparing    bool
}

// progressEvery is how many rows are handled between two reports of progress.
const progressEvery = 1000

// copySink is the database that is copied into. What it takes is there as a whole after keep, or not at all.
type copySink interface {
	querier() querier // reads what was written
	// write takes the rows of a table until next returns io.EOF.
	write(ctx context.Context, t *catalogTable, next func() ([]any, error)) error
	keep(ctx context.Context) error
	drop()
}

// Copy copies a whole database into an empty one of either kind, from one snapshot, while servers use the first. Each table is read
// again afterwards and its sum compared; only then does the copy become visible. Rows pass through one by one: how many there are
// makes no difference to the memory.
func Copy(ctx context.Context, from, to string, progress func(CopyProgress)) (*CopyReport, error) {
	began := time.Now()
	if progress == nil {
		progress = func(CopyProgress) {}
	}
	for _, url := range []string{from, to} {
		if scheme, _, found := strings.Cut(url, "://"); found && scheme != "sqlite" && !isPostgres(url) { // it would be a file in a folder of that name
			return nil, fmt.Errorf("a database is a file or a postgres:// URL; %q is not known", scheme)
		}
	}
	source, err := openThere(ctx, from)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	if err := source.CheckMigrated(ctx); err != nil {
		return nil, fmt.Errorf("the database to copy from: %w", err)
	}
	if err := source.sameVersion(ctx); err != nil {
		return nil, err
	}
	if !isPostgres(to) {
		size, err := source.size(ctx, from)
		if err == nil {
			err = enoughSpace(folderThere(strings.TrimPrefix(to, "sqlite://")), size)
		}
		if err != nil {
			return nil, err
		}
	}
	sink, err := openSink(ctx, to)
	if err != nil {
		return nil, err
	}
	defer sink.drop()
	report := &CopyReport{}
	err = source.snapshot(ctx, func(q querier) error {
		tables, err := sameTables(ctx, q, source.postgres, sink.querier(), isPostgres(to))
		if err != nil {
			return err
		}
		c := &copying{ctx: ctx, from: q, sink: sink, progress: progress, ordered: !isPostgres(to)}
		return c.all(tables, report)
	})
	if err != nil {
		return nil, err
	}
	if err := sink.keep(ctx); err != nil {
		return nil, err
	}
	report.Seconds = time.Since(began).Seconds()
	return report, nil
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// size is how many bytes a copy of the database takes in a file, about: what its file has, or its tables without their indexes, which are smaller in a file.
func (db *DB) size(ctx context.Context, url string) (bytes int64, err error) {
	if db.postgres {
		err = db.reader().row(ctx, "SELECT COALESCE(SUM(pg_table_size(oid)), 0)::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace", nil, &bytes)
		return bytes, err
	}
	info, err := os.Stat(strings.TrimPrefix(url, "sqlite://"))
	if err != nil {
		return 0, fmt.Errorf("the database to copy from: %w", err)
	}
	return info.Size(), nil
}

// folderThere is the folder of a file, or the nearest above it that there is: the others are made on the same disk.
func folderThere(file string) string {
	dir := filepath.Dir(file)
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return dir
}

// openThere opens a database that must be there.
func openThere(ctx context.Context, url string) (*DB, error) {
	if !isPostgres(url) {
		db, err := openFile(strings.TrimPrefix(url, "sqlite://"))
		if err != nil {
			return nil, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
	return Open(ctx, Options{URL: url})
}

// sameTables returns the tables of the source, each behind those that it refers to. The other database must have the same ones, empty.
func sameTables(ctx context.Context, from querier, fromPostgres bool, to querier, toPostgres bool) (catalog, error) {
	tables, err := catalogOf(ctx, from, fromPostgres)
	if err != nil {
		return nil, err
	}
	others, err := catalogOf(ctx, to, toPostgres)
	if err != nil {
		return nil, err
	}
	if d := tables.difference(others); d != "" {
		return nil, fmt.Errorf("the two databases do not have the same tables: %s", d)
	}
	if err := mustBeEmpty(ctx, to, others); err != nil {
		return nil, err
	}
	return tables.inOrder()
}

func mustBeEmpty(ctx context.Context, q querier, tables catalog) error {
	for _, t := range tables {
		var one int64
		err := q.row(ctx, "SELECT 1 FROM "+t.name+" LIMIT 1", nil, &one)
		if err == nil {
			return fmt.Errorf("the database to copy into is not empty: its table %s has rows", t.name)
		}
		if !errors.Is(err, errNoRows) {
			return err
		}
	}
	return nil
}

// copying is one copy under way.
type copying struct {
	ctx      context.Context
	from     querier
	sink     copySink
	progress func(CopyProgress)
	ordered  bool // rows come in the order of the key, which an embedded database writes faster
	at       CopyProgress
}

func (c *copying) all(tables catalog, report *CopyReport) error {
	counts := make([]int64, len(tables))
	for i, t := range tables {
		if err := c.from.row(c.ctx, "SELECT COUNT(*) FROM "+t.name, nil, &counts[i]); err != nil {
			return fmt.Errorf("counting %s: %w", t.name, err)
		}
		c.at.Total += 2 * counts[i]
	}
	sums := make([]tableSum, len(tables))
	for i := range tables {
		if err := c.write(&tables[i], counts[i], &sums[i]); err != nil {
			return fmt.Errorf("copying %s: %w", tables[i].name, err)
		}
	}
	for i, t := range tables {
		got := tableSum{}
		if err := c.compare(&t, counts[i], &got); err != nil {
			return fmt.Errorf("reading the copy of %s: %w", t.name, err)
		}
		if got != sums[i] {
			return fmt.Errorf("the copy of %s is not the same: %d rows with the sum %s, not %d rows with the sum %s", t.name, got.rows, got, sums[i].rows, sums[i])
		}
		report.Tables = append(report.Tables, CopiedTable{t.name, got.rows, got.String()})
		report.Rows += got.rows
	}
	return nil
}

// write copies the rows of a table and sums them up as they were in the source.
func (c *copying) write(t *catalogTable, count int64, sum *tableSum) error {
	c.at.Table, c.at.Rows, c.at.Of, c.at.Comparing = t.name, 0, count, false
	next, stop := iter.Pull2(c.rows(c.from, t, c.ordered))
	defer stop()
	return c.sink.write(c.ctx, t, func() ([]any, error) {
		row, err, more := next()
		if !more {
			return nil, io.EOF
		}
		if err == nil {
			err = sum.add(t, row)
		}
		if err != nil {
			return nil, err
		}
		for i, column := range t.columns {
			if text, is := row[i].(string); is && column.kind == kindJSON {
				row[i] = compact(text)
			}
		}
		c.step()
		return row, nil
	})
}

func (c *copying) compare(t *catalogTable, count int64, sum *tableSum) error {
	c.at.Table, c.at.Rows, c.at.Of, c.at.Comparing = t.name, 0, count, true
	for row, err := range c.rows(c.sink.querier(), t, false) {
		if err == nil {
			err = sum.add(t, row)
		}
		if err != nil {
			return err
		}
		c.step()
	}
	return nil
}

func (c *copying) step() {
	c.at.Rows++
	if c.at.Steps++; c.at.Steps%progressEvery == 0 {
		c.progress(c.at)
	}
}

var errEnough = errors.New("no more rows are asked for")

// rows reads the rows of a table: nil, string, int64, float64, bool or []byte by column.
func (c *copying) rows(q querier, t *catalogTable, ordered bool) iter.Seq2[[]any, error] {
	query := "SELECT " + strings.Join(t.names(), ", ") + " FROM " + t.name
	if ordered && len(t.key) > 0 {
		query += " ORDER BY " + strings.Join(t.key, ", ")
	}
	return func(yield func([]any, error) bool) {
		err := q.adhoc(c.ctx, query, nil, func(scan func(...any) error) error {
			row, err := scanRow(t, scan)
			if err == nil && !yield(row, nil) {
				return errEnough
			}
			return err
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

func scanRow(t *catalogTable, scan func(...any) error) ([]any, error) {
	dest := make([]any, len(t.columns))
	for i, column := range t.columns {
		switch column.kind {
		case kindInt:
			dest[i] = new(*int64)
		case kindBool:
			dest[i] = new(*bool)
		case kindReal:
			dest[i] = new(*float64)
		case kindBlob:
			dest[i] = new([]byte)
		default:
			dest[i] = new(*string)
		}
	}
	if err := scan(dest...); err != nil {
		return nil, err
	}
	row := make([]any, len(dest))
	for i, d := range dest {
		switch v := d.(type) {
		case **int64:
			row[i] = orNil(*v)
		case **bool:
			row[i] = orNil(*v)
		case **float64:
			row[i] = orNil(*v)
		case **string:
			row[i] = orNil(*v)
		case *[]byte:
			if *v != nil {
				row[i] = *v
			}
		}
	}
	return row, nil
}

func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// compact takes the spaces out of a document that PostgreSQL has put in.
func compact(text string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return text
	}
	return b.String()
}
