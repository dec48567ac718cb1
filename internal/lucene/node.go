package lucene

import (
	"fmt"
	"strings"
)

// Op is what a Node or an Expr does with its parts.
type Op int

// The operations. All matches everything, None nothing; Is is a single condition.
const (
	All Op = iota
	None
	And
	Or
	Not
	Is
)

var opNames = map[Op]string{All: "all", None: "none", And: "and", Or: "or", Not: "not", Is: "is"}

func (o Op) String() string { return opNames[o] }

// A Node is a query as it is written.
type Node struct {
	Op   Op
	Args []*Node
	sign byte // + or -, where one stands before it

	// Of a condition:
	Pos    int    // of its first character in the query, from 0
	Field  string // empty for a bare word
	Exists bool   // the field has a value
	Value  word   // of a term
	Range  *bounds
}

// word is a text of the query.
type word struct {
	text   string // without quotes and escapes; a star that is a wildcard is star
	quoted bool
	pos    int
}

// star stands for a wildcard in the text of a word: a byte that no text holds.
const star = "\xff"

func (w word) wild() bool { return strings.Contains(w.text, star) }

// bounds are the two sides of a range. A bound that is open is the word star.
type bounds struct {
	from, to  word
	after     bool // from is left out
	notBefore bool // to is left out
}

// SyntaxError says what is wrong with a query, and where.
type SyntaxError struct {
	Pos    int // of a character of the query, from 0
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Syntax error at character %d: %s", e.Pos+1, e.Reason)
}
