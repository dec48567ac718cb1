package lucene

import (
	"encoding/json"
	"slices"
	"strings"
)

// A Leaf is a value of a record that can be searched for.
type Leaf struct {
	Path  string // dotted; lists are passed over: user_metadata.addresses.city
	Value string // in normal form
}

// maxLeaves is how many leaves below one member of a record can be searched for: the first ones in order.
const maxLeaves = 1000

// Leaves returns the leaves of a JSON value, whose syntax is known to be right, below a path: sorted, each once. Null and empty
// objects and lists have none; objects that hold a leaf have one of their own, [Object], which only the question whether there is anything finds. fold
// tells whether texts at a path lose their case.
func Leaves(path string, value []byte, fold func(path string) bool) []Leaf {
	w := walker{text: value, fold: fold}
	w.value(path)
	return Tidy(w.leaves)
}

// Tidy sorts leaves, drops duplicates, and those beyond the bound.
func Tidy(leaves []Leaf) []Leaf {
	slices.SortFunc(leaves, func(a, b Leaf) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	leaves = slices.Compact(leaves)
	return leaves[:min(len(leaves), maxLeaves)]
}

// walker goes through a JSON text.
type walker struct {
	text   []byte
	at     int
	fold   func(string) bool
	leaves []Leaf
}

func (w *walker) space() {
	for w.at < len(w.text) && (w.text[w.at] == ' ' || w.text[w.at] == '\n' || w.text[w.at] == '\t' || w.text[w.at] == '\r') {
		w.at++
	}
}

// next passes over white space and a comma or colon, and returns the character there, 0 at the end.
func (w *walker) next() byte {
	w.space()
	for w.at < len(w.text) && (w.text[w.at] == ',' || w.text[w.at] == ':') {
		w.at++
		w.space()
	}
	if w.at >= len(w.text) {
		return 0
	}
	return w.text[w.at]
}

func (w *walker) add(path, form string) { w.leaves = append(w.leaves, Leaf{path, form}) }

func (w *walker) value(path string) {
	switch c := w.next(); c {
	case 0:
	case '{':
		w.object(path)
	case '[':
		w.at++
		for c := w.next(); c != ']' && c != 0; c = w.next() {
			w.value(path)
		}
		w.at++
	case '"':
		s := w.string()
		if w.fold != nil && w.fold(path) {
			s = strings.ToLower(s)
		}
		w.add(path, Text(s))
	default:
		start := w.at
		for w.at < len(w.text) && strings.IndexByte(",]} \t\r\n", w.text[w.at]) < 0 {
			w.at++
		}
		switch word := string(w.text[start:w.at]); word {
		case "": // not JSON
			w.at++
		case "null":
		case "true", "false":
			w.add(path, Bool(word == "true"))
		default:
			w.add(path, Number(word))
		}
	}
}

// object reads an object. Of members with one name the last counts, as in the databases.
func (w *walker) object(path string) {
	w.at++
	type member struct {
		name     string
		from, to int // of its leaves
	}
	var members []member
	start := len(w.leaves)
	for c := w.next(); c == '"'; c = w.next() {
		name := w.string()
		from := len(w.leaves)
		w.value(path + "." + name)
		members = append(members, member{name, from, len(w.leaves)})
	}
	w.at++
	defer func() {
		if len(w.leaves) > start {
			w.add(path, Object)
		}
	}()
	last := make(map[string]int, len(members))
	for i, m := range members {
		last[m.name] = i
	}
	if len(last) == len(members) {
		return
	}
	kept := append([]Leaf(nil), w.leaves[:start]...)
	for i, m := range members {
		if last[m.name] == i {
			kept = append(kept, w.leaves[m.from:m.to]...)
		}
	}
	w.leaves = kept
}

func (w *walker) string() string {
	start := w.at
	w.at++
	plain := true
	for w.at < len(w.text) && w.text[w.at] != '"' {
		if w.text[w.at] == '\\' {
			plain = false
			w.at++
		}
		w.at++
	}
	w.at++
	end := min(w.at, len(w.text))
	if plain && end-start >= 2 {
		return string(w.text[start+1 : end-1])
	}
	var s string
	_ = json.Unmarshal(w.text[start:end], &s) // the syntax is known to be right
	return s
}
