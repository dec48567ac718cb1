package carry

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// values splits a file of users into its values: the items of one array, or values that follow one another, usually one a line. It holds one
// value at a time, of at most limit bytes.
type values struct {
	in     *bufio.Reader
	limit  int
	fn     func(raw []byte, wrong string) error
	n      int    // values so far
	good   bool   // one of them was JSON
	broken bool   // a line was none
	spread bool   // one lay on several lines
	buf    []byte // the value
}

// eachValue calls fn with each value of a file: JSON, good until fn returns, or nil and why the value cannot be read, where the next one can be
// found all the same. Of a file whose end cannot be found that way the error is Invalid and says where.
func eachValue(in io.Reader, limit int, fn func(raw []byte, wrong string) error) error {
	v := &values{in: bufio.NewReaderSize(in, 64<<10), limit: limit, fn: fn}
	if mark, _ := v.in.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		if _, err := v.in.Discard(3); err != nil {
			return err
		}
	}
	c, err := v.skip()
	if errors.Is(err, io.EOF) {
		return stagedoor.Errorf(stagedoor.Invalid, "", "The file is empty.")
	}
	if err != nil {
		return err
	}
	if c == '[' {
		return v.array()
	}
	if err := v.in.UnreadByte(); err != nil {
		return err
	}
	return v.sequence()
}

func (v *values) wrong(what string) error {
	return stagedoor.Errorf(stagedoor.Invalid, "", "The file is not JSON that can be read: row %d: %s.", max(v.n, 1), what)
}

func (v *values) tooLarge() string { return fmt.Sprintf("It is larger than %d bytes.", v.limit) }

// cut makes an error of an end that comes too early.
func (v *values) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return v.wrong("the file ends in the middle")
	}
	return err
}

// skip returns the next byte that is no white space.
func (v *values) skip() (byte, error) {
	for {
		c, err := v.in.ReadByte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
	}
}

// array reads the items of an array whose bracket was read. An empty one may be a line that is no user, before others that are.
func (v *values) array() error {
	for {
		c, err := v.skip()
		if err == nil && v.n > 0 && c == ',' {
			c, err = v.skip()
		} else if err == nil && v.n > 0 && c != ']' {
			return v.wrong("after it, a comma is missing")
		} else if err == nil && c == ']' {
			return v.end()
		}
		if err != nil {
			return v.cut(err)
		}
		v.n++
		large, err := v.value(c, true)
		if err != nil {
			return v.cut(err)
		}
		if large {
			err = v.fn(nil, v.tooLarge())
		} else if !json.Valid(v.buf) {
			return v.wrong("it is not JSON")
		} else {
			err = v.fn(v.buf, "")
		}
		if err != nil {
			return err
		}
	}
}

// end looks at what follows an array.
func (v *values) end() error {
	_, err := v.skip()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case v.n > 0:
		return v.wrong("something follows the array")
	}
	if err := v.in.UnreadByte(); err != nil {
		return err
	}
	v.n++
	if err := v.fn([]byte("[]"), ""); err != nil {
		return err
	}
	return v.sequence()
}

// sequence reads values that follow one another, until one is not right: from there on each is a line.
func (v *values) sequence() error {
	for {
		c, err := v.skip()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		v.n++
		large, err := v.value(c, v.spread)
		switch {
		case errors.Is(err, io.EOF), err == nil && (large || !json.Valid(v.buf)):
		case err != nil:
			return err
		default:
			v.good, v.spread = true, v.spread || bytes.IndexByte(v.buf, '\n') >= 0
			if err := v.fn(v.buf, ""); err != nil {
				return err
			}
			continue
		}
		if v.spread && large {
			if err := v.fn(nil, v.tooLarge()); err != nil {
				return err
			}
			continue
		}
		if v.spread {
			return cmp.Or(v.cut(err), v.wrong("it is not JSON"))
		}
		v.n--
		v.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(slices.Clone(v.buf)), v.in), 64<<10)
		return v.lines()
	}
}

// lines reads values that are a line each.
func (v *values) lines() error {
	for {
		large, err := v.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := err != nil
		err = nil
		if raw := bytes.TrimSpace(v.buf); large || len(raw) > 0 {
			v.n++
			switch {
			case large:
				err = v.fn(nil, v.tooLarge())
			case json.Valid(raw):
				v.good = true
				err = v.fn(raw, "")
			case !v.good && (v.broken || raw[0] != '{'): // no file of lines
				return v.wrong("it is not JSON")
			default:
				v.broken = true
				err = v.fn(nil, "The line is not JSON: it is cut off, or broken.")
			}
			if err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// line reads a line into buf, or passes over one that is too large.
func (v *values) line() (large bool, err error) {
	v.buf = v.buf[:0]
	for {
		part, err := v.in.ReadSlice('\n')
		if large = large || len(v.buf)+len(bytes.TrimRight(part, "\r\n")) > v.limit; !large {
			v.buf = append(v.buf, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return large, err
		}
	}
}

// value reads the value that begins with c into buf. One that is too large is passed over, if pass says so.
func (v *values) value(c byte, pass bool) (large bool, err error) {
	v.buf = v.buf[:0]
	var nesting web.Nesting
	bare := c != '{' && c != '[' && c != '"'
	for {
		if bare && bytes.IndexByte([]byte(",]} \t\r\n"), c) >= 0 && len(v.buf) > 0 {
			return large, v.in.UnreadByte()
		}
		last := nesting.Ends(c)
		if len(v.buf) <= v.limit {
			v.buf = append(v.buf, c)
		}
		if large = len(v.buf) > v.limit; large && !pass {
			return true, nil
		}
		if last && !bare {
			return large, nil
		}
		if c, err = v.in.ReadByte(); err != nil {
			if bare && errors.Is(err, io.EOF) {
				return large, nil
			}
			return large, err
		}
	}
}
