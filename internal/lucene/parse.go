package lucene

import (
	"fmt"
	"strings"
	"unicode"
)

// Bounds of a query. A text that is longer is for the caller to refuse.
const (
	maxDepth   = 50
	maxClauses = 1024
)

// Parse reads a query. Its errors are *SyntaxError.
//
//	query  = {["+"|"-"] either}             any of them, those with + required, those with - or NOT excluded
//	either = both {"OR" both}
//	both   = not {"AND" not}                binds tighter than OR
//	not    = "NOT" not | ("+"|"-") not | clause
//	clause = [field ":"] (word | "phrase" | range | "(" query ")")
//	range  = ("["|"{") bound "TO" bound ("]"|"}")
//
// && || and ! are AND, OR and NOT. An empty query matches everything.
func Parse(text string) (*Node, error) {
	p := &parser{text: []rune(text)}
	n, err := p.query("", 0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.wrong(p.at, "there is no ( for this )")
	}
	if n == nil {
		return &Node{Op: All}, nil
	}
	return n, nil
}

type parser struct {
	text    []rune
	at      int
	clauses int
}

func (p *parser) wrong(at int, format string, args ...any) error {
	return &SyntaxError{at, fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.at < len(p.text) && unicode.IsSpace(p.text[p.at]) {
		p.at++
	}
}

// peek returns the character there, 0 at the end.
func (p *parser) peek() rune {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) follows(s string) bool {
	for i, r := range []rune(s) {
		if p.at+i >= len(p.text) || p.text[p.at+i] != r {
			return false
		}
	}
	return true
}

// operator takes one of the words or signs, if it is next.
func (p *parser) operator(names ...string) bool {
	p.space()
	for _, name := range names {
		if !p.follows(name) {
			continue
		}
		end := p.at + len(name)
		isWord := unicode.IsLetter(rune(name[0]))
		if isWord && end < len(p.text) && !unicode.IsSpace(p.text[end]) && !strings.ContainsRune(`()"[{`, p.text[end]) {
			continue
		}
		p.at = end
		return true
	}
	return false
}

// query reads clauses up to a ) or the end; nil if there are none.
func (p *parser) query(field string, depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, p.wrong(p.at, "more than %d levels of brackets", maxDepth)
	}
	var must, may, mustNot []*Node
	for {
		p.space()
		if c := p.peek(); c == 0 && p.at >= len(p.text) || c == ')' {
			break
		}
		plus := p.peek() == '+'
		n, err := p.either(field, depth)
		if err != nil {
			return nil, err
		}
		switch {
		case n.sign == '+', plus && n.sign == 0 && n.Op == And:
			must = append(must, n)
		case n.sign == '-':
			mustNot = append(mustNot, n)
		default:
			may = append(may, n)
		}
	}
	if len(must) == 0 && len(may) > 0 {
		must = []*Node{join(Or, may)}
	}
	return join(And, append(must, mustNot...)), nil
}

// join returns the only node, or one above all; nil for none.
func join(op Op, all []*Node) *Node {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return &Node{Op: op, Args: all, Pos: all[0].Pos}
}

func (p *parser) either(field string, depth int) (*Node, error) {
	return p.list(Or, []string{"OR", "||"}, func() (*Node, error) {
		return p.list(And, []string{"AND", "&&"}, func() (*Node, error) { return p.not(field, depth) })
	})
}

// list reads parts with an operator between them.
func (p *parser) list(op Op, names []string, part func() (*Node, error)) (*Node, error) {
	var all []*Node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
		if !p.operator(names...) {
			return join(op, all), nil
		}
	}
}

func (p *parser) not(field string, depth int) (*Node, error) {
	p.space()
	pos, negative, plus := p.at, false, false
	for prefixes := 0; ; prefixes++ {
		if prefixes > maxDepth {
			return nil, p.wrong(p.at, "more than %d signs before one condition", maxDepth)
		}
		switch {
		case p.operator("NOT", "!", "-"):
			negative = !negative
			continue
		case p.operator("+"):
			plus = true
			continue
		}
		break
	}
	n, err := p.clause(field, depth)
	switch {
	case err != nil:
		return nil, err
	case negative:
		return &Node{Op: Not, Args: []*Node{n}, Pos: pos, sign: '-'}, nil
	case plus:
		n.sign = '+'
	}
	return n, nil
}

func (p *parser) clause(field string, depth int) (*Node, error) {
	p.space()
	pos := p.at
	if p.clauses++; p.clauses > maxClauses {
		return nil, p.wrong(pos, "more than %d conditions", maxClauses)
	}
	n := &Node{Op: Is, Field: field, Pos: pos}
	switch c := p.peek(); {
	case c == '(':
		return p.group(field, depth)
	case c == '[' || c == '{':
		return p.ranged(n)
	case p.operator("AND", "OR", "&&", "||"):
		return nil, p.wrong(pos, "%s has nothing on its left", string(p.text[pos:p.at]))
	}
	w, err := p.word(":")
	if err != nil {
		return nil, err
	}
	if p.space(); p.peek() != ':' {
		n.Value = w
		return n, p.noSuffix()
	}
	p.at++
	if field != "" {
		return nil, p.wrong(pos, "a field within the brackets of the field %s", field)
	}
	return p.fieldValue(n, w, depth)
}

// fieldValue reads what follows the name of a field and its colon.
func (p *parser) fieldValue(n *Node, name word, depth int) (*Node, error) {
	p.space()
	switch {
	case name.text == star && p.peek() == '*':
		p.at++
		return &Node{Op: All, Pos: n.Pos}, nil
	case name.wild():
		return nil, p.wrong(n.Pos, "the name of a field cannot hold wildcards")
	case name.text == "_exists_":
		w, err := p.word(":")
		if err != nil {
			return nil, err
		}
		if w.wild() {
			return nil, p.wrong(w.pos, "the name of a field cannot hold wildcards")
		}
		n.Field, n.Exists = w.text, true
		return n, p.noSuffix()
	}
	n.Field = name.text
	switch p.peek() {
	case '(':
		if p.clauses++; p.clauses > maxClauses {
			return nil, p.wrong(n.Pos, "more than %d conditions", maxClauses)
		}
		return p.group(n.Field, depth)
	case '[', '{':
		return p.ranged(n)
	case '>', '<':
		return p.compared(n)
	}
	w, err := p.word(":")
	if err != nil {
		return nil, err
	}
	n.Value = w
	if w.text == star {
		n.Exists = true
	}
	return n, p.noSuffix()
}

// noSuffix refuses what Lucene lets follow a word and we do not know, and a colon that belongs to the word.
func (p *parser) noSuffix() error {
	switch p.peek() {
	case '~':
		return p.wrong(p.at, "fuzzy search is not supported; escape the ~ if it belongs to the word")
	case '^':
		return p.wrong(p.at, "boosting is not supported; escape the ^ if it belongs to the word")
	case ':':
		return p.wrong(p.at, `a second colon; write \: or put the value in quotes`)
	}
	return nil
}

func (p *parser) group(field string, depth int) (*Node, error) {
	open := p.at
	p.at++
	n, err := p.query(field, depth+1)
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.wrong(open, "this ( is not closed")
	}
	p.at++
	if n == nil {
		return nil, p.wrong(open, "there is nothing between these brackets")
	}
	if p.peek() == '^' {
		return nil, p.wrong(p.at, "boosting is not supported")
	}
	n.sign = 0 // what stands before the brackets counts
	return n, nil
}

// ranged reads a range.
func (p *parser) ranged(n *Node) (*Node, error) {
	open := p.at
	if n.Field == "" {
		return nil, p.wrong(open, "a range needs a field, as in field:[1 TO 2]")
	}
	n.Range = &bounds{after: p.peek() == '{'}
	p.at++
	var err error
	if n.Range.from, err = p.bound(open); err != nil {
		return nil, err
	}
	if !p.operator("TO") {
		return nil, p.wrong(p.at, "a range is written [from TO to]")
	}
	if n.Range.to, err = p.bound(open); err != nil {
		return nil, err
	}
	p.space()
	switch p.peek() {
	case ']':
	case '}':
		n.Range.notBefore = true
	default:
		return nil, p.wrong(open, "this range is not closed")
	}
	p.at++
	return n, p.noSuffix()
}

func (p *parser) bound(open int) (word, error) {
	p.space()
	if c := p.peek(); c == ']' || c == '}' || c == 0 && p.at >= len(p.text) {
		return word{}, p.wrong(open, "a range is written [from TO to]")
	}
	w, err := p.word("[]{}")
	if err == nil && w.wild() && w.text != star {
		err = p.wrong(w.pos, "a bound of a range cannot hold wildcards")
	}
	return w, err
}

// compared reads >1, >=1, <1 or <=1.
func (p *parser) compared(n *Node) (*Node, error) {
	less := p.peek() == '<'
	p.at++
	open := p.peek() != '='
	if !open {
		p.at++
	}
	w, err := p.word(":")
	if err != nil {
		return nil, err
	}
	if w.wild() {
		return nil, p.wrong(w.pos, "a bound of a range cannot hold wildcards")
	}
	none := word{text: star, pos: w.pos}
	if less {
		n.Range = &bounds{from: none, to: w, notBefore: open}
	} else {
		n.Range = &bounds{from: w, to: none, after: open}
	}
	return n, p.noSuffix()
}

// word reads a word or a phrase. ends are characters at which a word ends, beside white space, quotes and brackets; colons in
// bounds of ranges are part of the word.
func (p *parser) word(ends string) (word, error) {
	p.space()
	w := word{pos: p.at}
	var text strings.Builder
	if p.peek() == '"' {
		w.quoted = true
		for p.at++; p.peek() != '"'; p.at++ {
			if p.peek() == '\\' {
				p.at++
			}
			if p.at >= len(p.text) {
				return w, p.wrong(w.pos, "this quote is not closed")
			}
			text.WriteRune(p.text[p.at])
		}
		p.at++
		w.text = text.String()
		return w, nil
	}
	if p.peek() == '/' {
		return w, p.wrong(p.at, "regular expressions are not supported; escape the / if it belongs to the word")
	}
read:
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case unicode.IsSpace(c) || strings.ContainsRune(`()"`, c) || strings.ContainsRune(ends, c):
			break read
		case ends == ":" && strings.ContainsRune("[]{}^~", c):
			break read
		case c == '\\':
			if p.at++; p.at >= len(p.text) {
				return w, p.wrong(p.at-1, "a backslash has nothing to escape")
			}
			text.WriteRune(p.text[p.at])
		case c == '*':
			text.WriteString(star)
		case c == '?':
			return w, p.wrong(p.at, "the wildcard ? is not supported; escape it if it belongs to the word")
		default:
			text.WriteRune(p.text[p.at])
		}
	}
	if w.text = text.String(); w.text == "" {
		return w, p.wrong(p.at, "%s", p.missing())
	}
	return w, nil
}

// missing says what is there in place of a word.
func (p *parser) missing() string {
	if p.at >= len(p.text) {
		return "the query ends where a word is expected"
	}
	return fmt.Sprintf("%q where a word is expected", string(p.text[p.at]))
}
