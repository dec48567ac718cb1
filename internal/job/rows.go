package job

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// file reads the file of a job, piece by piece.
type file struct {
	ctx  context.Context
	st   *store.Store
	job  string
	next int
	rest []byte
}

func (f *file) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		data, at, err := f.st.JobPart(f.ctx, f.job, store.JobFile, f.next)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, err
		}
		f.rest, f.next = data, at+1
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// errRows is the error of a file that is not what it should be.
type errRows struct {
	row  int // counted from 1
	what string
}

func (e *errRows) Error() string { return fmt.Sprintf("row %d: %s", e.row, e.what) }

// rows splits a file into its values: the items of one array, or values that follow one another, as in NDJSON. It holds one value at
// a time, of at most limit bytes.
type rows struct {
	in    *bufio.Reader
	limit int
	n     int  // values so far
	array bool // the file is an array
	over  bool
	buf   []byte
}

func newRows(in io.Reader, limit int) *rows {
	return &rows{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// next returns the next value, which is valid JSON and good until the next call. After the last one it is io.EOF.
func (r *rows) next() ([]byte, error) {
	if r.over {
		return nil, io.EOF
	}
	c, err := r.begin()
	if err != nil {
		return nil, err
	}
	r.n++
	if err := r.value(c); err != nil {
		return nil, err
	}
	if !json.Valid(r.buf) {
		return nil, r.wrong("it is not JSON")
	}
	return r.buf, nil
}

func (r *rows) wrong(what string) error { return &errRows{max(r.n, 1), what} }

// begin returns the first byte of the next value.
func (r *rows) begin() (byte, error) {
	c, err := r.skip()
	if err == nil && r.n == 0 && !r.array && c == '[' {
		r.array = true
		if c, err = r.skip(); err == nil && c == ']' {
			return r.end()
		}
		return c, r.cut(err)
	}
	switch {
	case errors.Is(err, io.EOF) && !r.array && r.n > 0:
		return 0, io.EOF
	case err != nil:
		return 0, r.cut(err)
	case r.array && r.n > 0 && c == ']':
		return r.end()
	case r.array && r.n > 0 && c == ',':
		c, err = r.skip()
		return c, r.cut(err)
	case r.array && r.n > 0:
		return 0, r.wrong("after it, a comma is missing")
	}
	return c, nil
}

// cut makes an error of an end that comes too early.
func (r *rows) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return r.wrong("the file ends in the middle")
	}
	return err
}

// end looks at what follows the array: nothing but white space.
func (r *rows) end() (byte, error) {
	r.over = true
	if _, err := r.skip(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = r.wrong("something follows the array")
		}
		return 0, err
	}
	return 0, io.EOF
}

// skip returns the next byte that is no white space. A byte order mark at the beginning counts as white space.
func (r *rows) skip() (byte, error) {
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if c == 0xEF && r.n == 0 && !r.array {
			if mark, _ := r.in.Peek(2); bytes.Equal(mark, []byte{0xBB, 0xBF}) {
				_, err = r.in.Discard(2)
				if err != nil {
					return 0, err
				}
				continue
			}
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, nil
		}
	}
}

// value reads the value that begins with c into buf.
func (r *rows) value(c byte) error {
	r.buf = r.buf[:0]
	var nesting web.Nesting
	for {
		last := nesting.Ends(c)
		r.buf = append(r.buf, c)
		if len(r.buf) > r.limit {
			return r.wrong(fmt.Sprintf("it is larger than %d bytes", r.limit))
		}
		if last {
			return nil // of values that are no objects this is the first byte, which is no JSON; rows are objects
		}
		var err error
		if c, err = r.in.ReadByte(); err != nil {
			return r.cut(err)
		}
	}
}
