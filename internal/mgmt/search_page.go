package mgmt

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type searchIn struct {
	web.Checkpoint
	Query  string `json:"q" schema:"max=2000" doc:"What to look for, in Lucene's query string syntax or as a SCIM filter"`
	Parser string `json:"parser" schema:"enum=lucene|scim" doc:"Syntax of q; lucene if it is not given"`
	Sort   string `json:"sort" schema:"max=50" doc:"Field in whose order the records come, ascending. Without it those that were made first come first"`
}

type searchFieldsIn struct {
	searchIn
	web.Fields
}

// searched is a noun that is looked through record by record.
type searched[T any] struct {
	key    string // of the list in the answer
	sorts  []string
	id     func(T) string
	made   func(T) int64 // when, in milliseconds; nil where nobody knows
	values func(T) values
	each   func(store.Position, func(T) bool) error // calls the function for each record, from a position in the order in which they were made, until it returns false
}

// place is where a record stands in an answer: by the field of its sort, then by its id.
type place struct {
	Sort  string `json:"s,omitempty"`
	Value string `json:"v,omitempty"`
	At    int64  `json:"t,omitempty"`
	ID    string `json:"i"`
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.Value, o.Value), cmp.Compare(p.At, o.At), cmp.Compare(p.ID, o.ID))
}

func (n *searched[T]) place(in *searchIn, record T, v values) place {
	p := place{Sort: in.Sort, ID: n.id(record)}
	switch {
	case in.Sort != "" && len(v.of[in.Sort]) > 0:
		p.Value = v.of[in.Sort][0]
	case in.Sort == "" && n.made != nil:
		p.At = n.made(record)
	}
	return p
}

// search answers a page of what is found, which is as fresh as the database.
func (n *searched[T]) search(in *searchIn, where *lucene.Expr, show func(T) (any, error)) (any, error) {
	if in.Sort != "" && !slices.Contains(n.sorts, in.Sort) {
		return nil, (&web.Violation{Path: "sort", Reason: "No enum match for: " + in.Sort}).Query()
	}
	from, err := placeOf(in)
	if err != nil {
		return nil, err
	}
	type hit struct {
		place
		record T
	}
	var found []hit // the first ones, in order, and one more
	take := in.Take.Or(50)
	var behind store.Position
	if in.Sort == "" {
		behind = store.Position{At: from.At, ID: from.ID}
	}
	err = n.each(behind, func(record T) bool {
		values := n.values(record)
		h := hit{n.place(in, record, values), record}
		if from.ID != "" && h.compare(from) <= 0 || !where.Match(func(path string) []string { return values.of[path] }) {
			return true
		}
		at, _ := slices.BinarySearchFunc(found, h, func(a, b hit) int { return a.compare(b.place) })
		found = slices.Insert(found, at, h)
		found = found[:min(len(found), take+1)]
		return in.Sort != "" || n.made == nil || len(found) <= take
	})
	if err != nil {
		return nil, err
	}
	next := ""
	if len(found) > take {
		found = found[:take]
		next = found[take-1].checkpoint()
	}
	shown := make([]any, len(found))
	for i, h := range found {
		if shown[i], err = show(h.record); err != nil {
			return nil, err
		}
	}
	return web.CheckpointEnvelope(n.key, shown, next), nil
}

// meaning reads q in the syntax that was chosen.
func (in *searchIn) meaning(schema *lucene.Schema) (*lucene.Expr, error) {
	if in.Parser != "scim" {
		return meaning(schema, "q", in.Query)
	}
	node, err := lucene.ParseSCIM(in.Query)
	if err == nil {
		var e *lucene.Expr
		if e, err = schema.Compile(node); err == nil {
			return e, nil
		}
	}
	return nil, (&web.Violation{Path: "q", Reason: err.Error(), Doc: "Query as a SCIM filter"}).Query()
}

func (p place) checkpoint() string {
	text, _ := json.Marshal(p) // texts and a number
	return base64.RawURLEncoding.EncodeToString(text)
}

func placeOf(in *searchIn) (p place, err error) {
	if in.From == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(in.From)
	if err != nil || json.Unmarshal(text, &p) != nil || p.ID == "" || p.Sort != in.Sort {
		return p, errCheckpoint
	}
	return p, nil
}

// these calls the function for each of a few records.
func these[T any](all []T) func(store.Position, func(T) bool) error {
	return func(_ store.Position, fn func(T) bool) error {
		for _, one := range all {
			if !fn(one) {
				break
			}
		}
		return nil
	}
}

// values are the normal forms of a record's values by the paths of a schema.
type values struct {
	schema *lucene.Schema
	of     map[string][]string
}

func newValues(schema *lucene.Schema) values { return values{schema, map[string][]string{}} }

// texts adds texts, of which the empty ones are not there.
func (v values) texts(at string, texts map[string]string) values {
	for name, text := range texts {
		path := at + name
		if v.schema.Fold != nil && v.schema.Fold(path) {
			text = strings.ToLower(text)
		}
		if text != "" {
			v.of[path] = append(v.of[path], lucene.Text(text))
		}
	}
	return v
}

func (v values) flags(flags map[string]bool) values {
	for path, flag := range flags {
		v.of[path] = append(v.of[path], lucene.Bool(flag))
	}
	return v
}
