package web

import (
	"cmp"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Query reads the parameters of a query: each at most once (lists may be repeated), none that the schema does not have, a plus
// read as a space. Its errors are *stagedoor.Error of kind Invalid.
func (s *Schema[T]) Query(raw string) (into T, err error) {
	err = s.root.query(raw, reflect.ValueOf(&into).Elem())
	return into, err
}

func (n *node) query(raw string, into reflect.Value) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return (&Violation{Reason: "Not a query string"}).Query()
	}
	n.gather(values)
	var unknown []string
	for name := range values {
		if n.named(name) == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return Unknown("", inOrder(raw, unknown)...).Query()
	}
	for _, f := range n.fields {
		given, here := values[f.name]
		at := place{f.name, f.doc}
		if !here {
			if f.required {
				return (&Violation{Reason: "Missing required property: " + f.name}).Query()
			}
			continue
		}
		encoded, v := f.node.fromText(given, at)
		if v == nil {
			v = f.node.decode(encoded, into.FieldByIndex(f.index), at)
		}
		if v != nil {
			return v.Query()
		}
	}
	return nil
}

// gather puts lists together whose items have names of their own, a[]=x&a[]=y or a[0]=x&a[1]=y: several SDKs and the command line tool write them so.
func (n *node) gather(values url.Values) {
	type item struct {
		name, list string
		index      int
	}
	var items []item
	for name := range values {
		list, rest, found := strings.Cut(name, "[")
		number, closed := strings.CutSuffix(rest, "]")
		f := n.named(list)
		if !found || !closed || f == nil || f.node.kind != listKind {
			continue
		}
		index, err := strconv.Atoi("0" + number)
		if err != nil || index < 0 {
			continue
		}
		items = append(items, item{name, list, index})
	}
	slices.SortFunc(items, func(x, y item) int { return cmp.Or(cmp.Compare(x.index, y.index), strings.Compare(x.name, y.name)) })
	for _, i := range items {
		values[i.list] = append(values[i.list], values[i.name]...)
		delete(values, i.name)
	}
}

func (n *node) named(name string) *field {
	for i := range n.fields {
		if n.fields[i].name == name {
			return &n.fields[i]
		}
	}
	return nil
}

// inOrder sorts names by where they stand in the query, so that the error text is the same every time.
func inOrder(raw string, names []string) []string {
	var out []string
	for _, pair := range strings.Split(raw, "&") {
		escaped, _, _ := strings.Cut(pair, "=")
		name, _ := url.QueryUnescape(escaped)
		for i, candidate := range names {
			if candidate == name {
				out = append(out, name)
				names = append(names[:i:i], names[i+1:]...)
				break
			}
		}
	}
	return out
}

// fromText encodes the texts of a parameter as the JSON value that its field wants, if they look like one.
func (n *node) fromText(given []string, at place) (json.RawMessage, *Violation) {
	for _, text := range given {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return nil, at.violation("Texts must be valid Unicode without NUL characters")
		}
	}
	if n.kind == listKind {
		if n.comma {
			var split []string
			for _, text := range given {
				split = append(split, strings.Split(text, ",")...)
			}
			given = split
		}
		encoded, _ := json.Marshal(given)
		return encoded, nil
	}
	if len(given) > 1 {
		return nil, at.violation("Expected type %s but found type array", kindNames[n.kind])
	}
	text := given[0]
	switch n.kind {
	case integerKind, numberKind:
		if json.Valid([]byte(text)) && strings.Trim(text, "+-.eE0123456789") == "" && len(text) < 32 {
			return json.RawMessage(text), nil
		}
	case booleanKind:
		if text == "true" || text == "false" {
			return json.RawMessage(text), nil
		}
	}
	encoded, _ := json.Marshal(text)
	return encoded, nil
}
