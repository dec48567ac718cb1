package store_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
)

// A naive user is what the documentation says that a search sees of a user: the values of the wire by their dotted paths, as
// strings, booleans and exact numbers. Nothing of the compiler, the index or package lucene is used to make it or to ask it.
type naive struct {
	id     string
	at     time.Time
	values map[string][]any // string, bool, *big.Rat, inside
	count  int              // of values
}

// unsearched are members of identities that hold secrets.
var unsearched = []string{"identities.access_token", "identities.access_token_secret", "identities.refresh_token", "identities.expires_in"}

// withoutCase are the fields whose texts are compared without case.
var withoutCase = []string{"email", "email.domain", "name", "nickname", "given_name", "family_name"}

func newNaive(t testing.TB, u *stagedoor.User) *naive {
	t.Helper()
	b, err := json.Marshal(u.Wire())
	ok(t, err)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	ok(t, dec.Decode(&v))
	n := &naive{id: u.ID, at: u.CreatedAt, values: map[string][]any{}}
	n.add("", v)
	if _, domain, found := strings.Cut(u.Email, "@"); found {
		n.put("email.domain", domain)
	}
	return n
}

func (n *naive) add(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		held := n.count
		for k, inner := range v {
			if path != "" {
				k = path + "." + k
			}
			n.add(k, inner)
		}
		if n.count > held && path != "" && path != "identities" { // which everybody has
			n.put(path, inside{})
		}
	case []any:
		for _, inner := range v {
			n.add(path, inner)
		}
	case json.Number:
		n.put(path, exact(string(v)))
	case string, bool:
		n.put(path, v)
	}
}

// What is inside of an object makes that be there, too; it has no value.
type inside struct{}

func (n *naive) put(path string, v any) {
	if !slices.Contains(unsearched, path) {
		n.values[path] = append(n.values[path], v)
		n.count++
	}
}

// has tells whether one of the values at the path is as asked.
func (n *naive) has(path string, is func(v any) bool) bool {
	return slices.ContainsFunc(n.values[path], is)
}

func exact(s string) *big.Rat {
	r, fine := new(big.Rat).SetString(s)
	if !fine {
		panic(s)
	}
	return r
}

func lowered(path, s string) string {
	if slices.Contains(withoutCase, path) {
		return strings.ToLower(s)
	}
	return s
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// isWord tells whether a value is what a word or phrase asks for.
func isWord(path, word string) func(any) bool {
	return func(v any) bool {
		switch v := v.(type) {
		case string:
			return lowered(path, v) == lowered(path, word)
		case bool:
			return word == "true" && v || word == "false" && !v
		case *big.Rat:
			return jsonNumber.MatchString(word) && v.Cmp(exact(word)) == 0
		}
		return false
	}
}

// begins is how much of a text can be searched for by parts and ranges, in bytes; equality is of the whole.
const begins = 256

// beginning returns what can be searched for, with a control character for the rest of a longer text.
func beginning(s string) string {
	if len(s) <= begins {
		return s
	}
	cut := begins
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "\x01"
}

// fits tells whether a value is a text with the parts in that order and anything between them.
func fits(path string, parts []string) func(any) bool {
	quoted := make([]string, len(parts))
	for i, part := range parts {
		quoted[i] = regexp.QuoteMeta(lowered(path, part))
	}
	pattern := regexp.MustCompile("(?s)^" + strings.Join(quoted, ".*") + "$")
	return func(v any) bool {
		s, isText := v.(string)
		return isText && pattern.MatchString(beginning(lowered(path, s)))
	}
}

// A limit is one end of a range.
type limit struct {
	open   bool
	text   string
	quoted bool
	out    bool // itself is left out
}

var openDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9]{2}(:[0-9]{2}(:[0-9]{2})?)?)?)?$`)

// between tells whether a value lies in a range: of numbers, if both ends are, else of texts. An end that is the beginning of a
// date stands for all that begins so.
func between(path string, from, to limit) func(any) bool {
	number := func(l limit) bool { return l.open || !l.quoted && jsonNumber.MatchString(l.text) }
	return func(v any) bool {
		if from.open && to.open {
			return true
		}
		if number(from) && number(to) {
			n, isNumber := v.(*big.Rat)
			if !isNumber {
				return false
			}
			if !from.open {
				if c := n.Cmp(exact(from.text)); c < 0 || c == 0 && from.out {
					return false
				}
			}
			if !to.open {
				if c := n.Cmp(exact(to.text)); c > 0 || c == 0 && to.out {
					return false
				}
			}
			return true
		}
		s, isText := v.(string)
		if !isText {
			return false
		}
		s = beginning(lowered(path, s))
		within := func(l limit) bool {
			l.text = lowered(path, l.text)
			return s == l.text || openDate.MatchString(strings.ToUpper(l.text)) && strings.HasPrefix(s, l.text)
		}
		if !from.open && (s < lowered(path, from.text) || from.out && within(from)) {
			return false
		}
		return to.open || s < lowered(path, to.text) || !to.out && within(to)
	}
}

// A moment is a date as it can be asked for, and what it stands for.
type moment struct {
	text     string
	from, to time.Time // to is left out
}

func day(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

var moments = []moment{
	{"2026", day("2026-01-01T00:00:00Z"), day("2027-01-01T00:00:00Z")},
	{"2027", day("2027-01-01T00:00:00Z"), day("2028-01-01T00:00:00Z")},
	{"2020", day("2020-01-01T00:00:00Z"), day("2021-01-01T00:00:00Z")},
	{"2026-03", day("2026-03-01T00:00:00Z"), day("2026-04-01T00:00:00Z")},
	{"2026-03-01", day("2026-03-01T00:00:00Z"), day("2026-03-02T00:00:00Z")},
	{"2026-03-02", day("2026-03-02T00:00:00Z"), day("2026-03-03T00:00:00Z")},
	{"2026-03-01T12", day("2026-03-01T12:00:00Z"), day("2026-03-01T13:00:00Z")},
	{"2026-03-01T12:10", day("2026-03-01T12:10:00Z"), day("2026-03-01T12:11:00Z")},
	{"2026-03-01T12:10:00Z", day("2026-03-01T12:10:00Z"), day("2026-03-01T12:10:01Z")},
	{"2026-03-01T14:10:00+02:00", day("2026-03-01T12:10:00Z"), day("2026-03-01T12:10:01Z")},
	{"2026-03-01T12:00:30.000Z", day("2026-03-01T12:00:30Z"), day("2026-03-01T12:00:30.001Z")},
}

// isMoment tells whether a value is a time from, and before, the given ones; nil is open.
func isMoment(from, to *time.Time) func(any) bool {
	return func(v any) bool {
		t := day(v.(string))
		return (from == nil || !t.Before(*from)) && (to == nil || t.Before(*to))
	}
}

// rank puts the types in the order in which results are sorted.
func rank(v any) int {
	switch v.(type) {
	case bool:
		return 0
	case *big.Rat:
		return 1
	}
	return 2
}

func compareValues(path string, a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case bool:
		switch {
		case a == b.(bool):
			return 0
		case a:
			return 1
		}
		return -1
	case *big.Rat:
		return a.Cmp(b.(*big.Rat))
	}
	return strings.Compare(beginning(lowered(path, a.(string))), beginning(lowered(path, b.(string))))
}

// compareDigests orders long texts that begin alike: side by side, in an order that means nothing and is always the same.
func compareDigests(path string, a, b any) int {
	x, isText := a.(string)
	y, _ := b.(string)
	x, y = lowered(path, x), lowered(path, y)
	if !isText || len(x) <= begins || len(y) <= begins {
		return 0
	}
	one, other := sha256.Sum256([]byte(x)), sha256.Sum256([]byte(y))
	return bytes.Compare(one[:8], other[:8])
}

// naively returns the ids that a search has to find, in order: those without the field come last, ties are in the order of
// creation, then of ids.
func naively(all []*naive, holds func(*naive) bool, sort string, desc bool) []string {
	var hits []*naive
	for _, n := range all {
		if holds(n) {
			hits = append(hits, n)
		}
	}
	slices.SortFunc(hits, func(a, b *naive) int {
		c := cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id))
		if sort != "" && sort != "created_at" {
			x, y := a.values[sort], b.values[sort]
			if len(x) != len(y) {
				return cmp.Compare(len(y), len(x)) // one value at most
			}
			if len(x) == 1 {
				c = cmp.Or(compareValues(sort, x[0], y[0]), compareDigests(sort, x[0], y[0]), c)
			}
		}
		if desc {
			return -c
		}
		return c
	})
	ids := []string{}
	for _, n := range hits {
		ids = append(ids, n.id)
	}
	return ids
}
