package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/carry"
)

// disk is a file that takes so many bytes.
type disk struct {
	strings.Builder
	left   int
	closed bool
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errFull
	}
	return d.Builder.Write(b)
}

func (d *disk) Close() error {
	d.closed = true
	return nil
}

// A report that could not be written whole is not passed over.
func TestReportOfAnImport(t *testing.T) {
	row := carry.RowReport{File: "users.json", Row: 3, Email: "<ada@acme.test>", Lost: []carry.Loss{{Path: "picture", Reason: "it is no web address"}}}
	for _, c := range []struct {
		room int
		want error
		text string
	}{
		{1000, nil, `{"file":"users.json","row":3,"email":"<ada@acme.test>","carried":false,"not_carried":[{"path":"picture","reason":"it is no web address"}]}` + "\n"},
		{10, errFull, ""},
	} {
		d := &disk{left: c.room}
		report, written := reporting(d)
		if err := report(row); err != nil {
			t.Fatal(err)
		}
		if err := written(); !errors.Is(err, c.want) || d.String() != c.text || !d.closed {
			t.Errorf("room for %d bytes: %v, %q", c.room, err, d.String())
		}
	}
}
