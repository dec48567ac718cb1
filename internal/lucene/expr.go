package lucene

import (
	"fmt"
	"slices"
	"strings"
)

// An Expr is what a query means: a tree of operations over conditions.
type Expr struct {
	Op   Op
	Args []*Expr    // of And, Or and Not
	Cond *Condition // of Is
}

// A Condition holds for a record that has, at a path, a value whose normal form lies in one of the intervals and fits the
// pattern, if there is one.
type Condition struct {
	Path    string
	In      []Interval
	Pattern Pattern
}

// HasField is the condition that the path has a value.
func HasField(path string) *Expr { return &Expr{Op: Is, Cond: &Condition{Path: path, In: anything}} }

// Equal is the condition that the path has the text as a value.
func Equal(path, text string) *Expr {
	return &Expr{Op: Is, Cond: &Condition{Path: path, In: []Interval{exactly(Text(text))}}}
}

// Both is the condition that a and b hold.
func Both(a, b *Expr) *Expr {
	if a.Op == All {
		return b
	}
	return &Expr{Op: And, Args: []*Expr{a, b}}
}

// A Pattern is the text between wildcards: a*b is {"a", "b"}. Nil fits everything.
type Pattern []string

// Fits tells whether a normal form of a text fits the pattern.
func (p Pattern) Fits(form string) bool {
	if p == nil {
		return true
	}
	text, found := strings.CutPrefix(form, textType)
	if !found {
		return false
	}
	last := len(p) - 1
	if text, found = strings.CutPrefix(text, p[0]); !found {
		return false
	}
	for _, part := range p[1:last] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, p[last])
}

// holds tells whether one of the forms satisfies the condition.
func (c *Condition) holds(forms []string) bool {
	return slices.ContainsFunc(forms, func(form string) bool {
		return c.Pattern.Fits(form) && slices.ContainsFunc(c.In, func(i Interval) bool { return i.Contains(form) })
	})
}

// Match tells whether a record satisfies e. values returns the normal forms of the record's values at a path.
func (e *Expr) Match(values func(path string) []string) bool {
	switch e.Op {
	case All:
		return true
	case And:
		return !slices.ContainsFunc(e.Args, func(a *Expr) bool { return !a.Match(values) })
	case Or:
		return slices.ContainsFunc(e.Args, func(a *Expr) bool { return a.Match(values) })
	case Not:
		return !e.Args[0].Match(values)
	case Is:
		return e.Cond.holds(values(e.Cond.Path))
	}
	return false
}

// Mentions tells whether a condition of e is about the path.
func (e *Expr) Mentions(path string) bool {
	return e.Op == Is && e.Cond.Path == path || slices.ContainsFunc(e.Args, func(a *Expr) bool { return a.Mentions(path) })
}

// String shows the tree for people.
func (e *Expr) String() string {
	switch e.Op {
	case All, None:
		return e.Op.String()
	case Is:
		return e.Cond.String()
	case Not:
		return "not " + e.Args[0].String()
	}
	parts := make([]string, len(e.Args))
	for i, a := range e.Args {
		parts[i] = a.String()
	}
	return "(" + strings.Join(parts, " "+e.Op.String()+" ") + ")"
}

func (c *Condition) String() string {
	if c.Pattern != nil {
		return fmt.Sprintf("%s like %q", c.Path, strings.Join(c.Pattern, "*"))
	}
	if slices.Equal(c.In, anything) {
		return c.Path + " exists"
	}
	parts := make([]string, len(c.In))
	for i, in := range c.In {
		parts[i] = in.String()
	}
	return c.Path + " " + strings.Join(parts, " or ")
}

func (i Interval) String() string {
	show := func(form string) string {
		text, isText := strings.CutPrefix(form, textType)
		if isText {
			return fmt.Sprintf("text %q", text)
		}
		return map[string]string{boolType: "boolean ", numberType: "number "}[form[:1]] + form[1:]
	}
	if i.Single() {
		return "= " + show(i.From)
	}
	if text, isText := strings.CutPrefix(i.From, textType); isText && !i.After && !i.Through && text != "" && i.To == beyond(i.From) {
		return fmt.Sprintf("begins with %q", text)
	}
	open, end := "[", ")"
	if i.After {
		open = "("
	}
	if i.Through {
		end = "]"
	}
	return "in " + open + show(i.From) + ", " + strings.TrimSpace(show(i.To)) + end
}
