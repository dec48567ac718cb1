package lucene

import (
	"fmt"
	"slices"
	"strings"
)

// A Schema says what is special about the fields of a noun.
type Schema struct {
	Bare  []string               // the fields that a word without a field is looked for in
	Dates []string               // fields that hold times as the API writes them
	Fold  func(path string) bool // whether texts are compared without case; nil: never
	Known []string               // the only fields there are, where a.* are those below a; nil: any
	Whole bool                   // the normal form of texts has no bound
	Last  map[string]string      // fields whose value is the later one of two fields, with the other one
}

// anything is where every value lies.
var anything = []Interval{{From: boolType, To: successor[textType]}}

// texts and numbers are where all values of their types lie.
var (
	texts   = Interval{From: textType, To: successor[textType]}
	numbers = Interval{From: numberType, To: successor[numberType]}
)

// Compile says what a query means for the records of the schema. Its errors are *SyntaxError.
func (s *Schema) Compile(n *Node) (*Expr, error) {
	switch n.Op {
	case All:
		return &Expr{Op: All}, nil
	case Is:
		return s.condition(n)
	}
	e := &Expr{Op: n.Op}
	for _, a := range n.Args {
		arg, err := s.Compile(a)
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, arg)
	}
	return merged(e), nil
}

// merged makes one condition of those of an Or that are about the same path: ten user ids are one list.
func merged(e *Expr) *Expr {
	if e.Op != Or {
		return e
	}
	byPath := map[string]*Condition{}
	var kept []*Expr
	for _, a := range e.Args {
		if a.Op == Is && a.Cond.Pattern == nil {
			if c := byPath[a.Cond.Path]; c != nil {
				c.In = append(slices.Clip(c.In), a.Cond.In...)
				continue
			}
			c := *a.Cond
			byPath[c.Path], a = &c, &Expr{Op: Is, Cond: &c}
		}
		kept = append(kept, a)
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return &Expr{Op: Or, Args: kept}
}

func (s *Schema) condition(n *Node) (*Expr, error) {
	fields := []string{n.Field}
	if n.Field == "" {
		if n.Value.text == star {
			return &Expr{Op: All}, nil
		}
		fields = s.Bare
	}
	any := &Expr{Op: Or}
	for _, field := range fields {
		if !s.knows(field) {
			return nil, &SyntaxError{n.Pos, fmt.Sprintf("there is no field %q; there are %s", field, strings.Join(s.Known, ", "))}
		}
		e, err := s.onField(n, field)
		if err != nil {
			return nil, err
		}
		any.Args = append(any.Args, e)
	}
	if len(any.Args) == 1 {
		return any.Args[0], nil
	}
	return any, nil
}

func (s *Schema) knows(field string) bool {
	return s.Known == nil || slices.ContainsFunc(s.Known, func(known string) bool {
		above, below := strings.CutSuffix(known, "*")
		return field == known && !below || below && len(field) > len(above) && strings.HasPrefix(field, above)
	})
}

func (s *Schema) onField(n *Node, field string) (*Expr, error) {
	is := func(c Condition) (*Expr, error) {
		c.Path = field
		return &Expr{Op: Is, Cond: &c}, nil
	}
	date := slices.Contains(s.Dates, field)
	switch {
	case n.Exists:
		return is(Condition{In: anything})
	case n.Range != nil:
		in, err := s.interval(n, field, date)
		if err != nil {
			return nil, err
		}
		if date {
			return s.dateBetween(field, in), nil
		}
		return is(Condition{In: []Interval{in}})
	case n.Value.wild():
		pattern, in, err := s.pattern(n.Value, field)
		if err != nil {
			return nil, err
		}
		if date && pattern != nil && n.Field != "" {
			return nil, &SyntaxError{n.Value.pos, "times are found by their beginning, as in 2026-01*, or in a range"}
		}
		if date && pattern == nil {
			return s.dateBetween(field, in), nil
		}
		return is(Condition{In: []Interval{in}, Pattern: pattern})
	case date && n.Field != "":
		from, to, err := period(n.Value)
		if err != nil {
			return nil, err
		}
		return s.dateBetween(field, Interval{From: textType + from, To: textType + to, Through: true}), nil
	}
	return is(Condition{In: s.equal(n.Value, field)})
}

func (s *Schema) fold(field, text string) string {
	if s.Fold != nil && s.Fold(field) {
		return strings.ToLower(text)
	}
	return text
}

// text returns the normal form of a text of the field.
func (s *Schema) text(field, text string) string {
	if s.Whole {
		return WholeText(s.fold(field, text))
	}
	return Text(s.fold(field, text))
}

// equal returns the forms that a word may stand for: a text, a number, a boolean.
func (s *Schema) equal(w word, field string) []Interval {
	in := []Interval{exactly(s.text(field, w.text))}
	switch {
	case isNumber(w.text):
		in = append(in, exactly(Number(w.text)))
	case w.text == "true" || w.text == "false":
		in = append(in, exactly(Bool(w.text == "true")))
	}
	return in
}

// minInfix is how many characters of a pattern must be given when it begins with a wildcard (fact sheet 2.6).
const minInfix = 3

// maxStars bounds the wildcards of one word.
const maxStars = 10

// pattern returns the parts between the wildcards and where texts that fit lie. A prefix is an interval and needs no pattern.
func (s *Schema) pattern(w word, field string) (Pattern, Interval, error) {
	parts := strings.Split(w.text, star)
	for i := range parts {
		parts[i] = s.fold(field, parts[i])
	}
	if len(parts) > maxStars+1 {
		return nil, Interval{}, &SyntaxError{w.pos, fmt.Sprintf("more than %d wildcards in one word", maxStars)}
	}
	literals := 0
	for _, part := range parts {
		literals += len([]rune(part))
	}
	if parts[0] == "" && literals < minInfix {
		return nil, Interval{}, &SyntaxError{w.pos, fmt.Sprintf("after a leading wildcard at least %d characters must be given", minInfix)}
	}
	in := texts
	if parts[0] != "" {
		in = Interval{From: textType + parts[0], To: beyond(textType + parts[0])}
	}
	if literals == len([]rune(parts[0])) {
		return nil, in, nil
	}
	// Two stars in a row are one.
	kept := Pattern{parts[0]}
	for _, part := range parts[1 : len(parts)-1] {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return append(kept, parts[len(parts)-1]), in, nil
}

// interval returns where the values of a range lie: numbers if both bounds are numbers, else texts. A bound that is a
// partial date stands for the whole day, month or year.
func (s *Schema) interval(n *Node, field string, date bool) (Interval, error) {
	from, to := n.Range.from, n.Range.to
	open := func(w word) bool { return w.text == star }
	numeric := func(w word) bool { return open(w) || !w.quoted && isNumber(w.text) }
	switch {
	case date:
	case open(from) && open(to):
		return anything[0], nil
	case numeric(from) && numeric(to):
		in := numbers
		if !open(from) {
			in.From, in.After = Number(from.text), n.Range.after
		}
		if !open(to) {
			in.To, in.Through = Number(to.text), !n.Range.notBefore
		}
		return in, nil
	}
	in := texts
	if !open(from) {
		first, last, whole, err := s.reach(from, field, date)
		if err != nil {
			return in, err
		}
		if in.From, in.After = textType+first, n.Range.after; n.Range.after {
			in.From, in.After = textType+last, whole
		}
	}
	if !open(to) {
		first, last, whole, err := s.reach(to, field, date)
		if err != nil {
			return in, err
		}
		if in.To, in.Through = textType+last, whole; n.Range.notBefore {
			in.To, in.Through = textType+first, false
		}
	}
	return in, nil
}

// reach returns the first and the last text that a bound stands for; the last is among them if it is included.
func (s *Schema) reach(w word, field string, date bool) (first, last string, included bool, err error) {
	if date {
		first, last, err = period(w)
		return first, last, true, err
	}
	form := strings.TrimPrefix(s.text(field, w.text), textType)
	if partialDate.MatchString(w.text) {
		return form, beyond(form), false, nil
	}
	return form, form, true, nil
}

// dateBetween compares a field that may be the later one of two: it is beyond a time if either is, and up to it if both are.
func (s *Schema) dateBetween(field string, in Interval) *Expr {
	is := func(path string, in Interval) *Expr {
		return &Expr{Op: Is, Cond: &Condition{Path: path, In: []Interval{in}}}
	}
	other := s.Last[field]
	if other == "" {
		return is(field, in)
	}
	either := func(in Interval) *Expr { return &Expr{Op: Or, Args: []*Expr{is(field, in), is(other, in)}} }
	from, later := in, Interval{From: in.To, After: in.Through, To: texts.To}
	from.To, from.Through = texts.To, false
	both := &Expr{Op: And}
	if in.From > texts.From {
		both.Args = append(both.Args, either(from))
	} else {
		both.Args = append(both.Args, is(field, texts)) // the other one may be missing, this one not
	}
	if in.To < texts.To {
		both.Args = append(both.Args, &Expr{Op: Not, Args: []*Expr{either(later)}})
	}
	if len(both.Args) == 1 {
		return both.Args[0]
	}
	return both
}
