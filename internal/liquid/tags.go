package liquid

import (
	"errors"
	"io"
	"math"
	"reflect"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
)

// tag and block are how the library takes the tags of a template.
type (
	tag   = func(io.Writer, render.Context) error
	items interface {
		Len() int
		Index(i int) any
	}
)

var errBreak, errContinue = errors.New("break outside a loop"), errors.New("continue outside a loop")

// tags are the tags of the language. Those of the library read files and are not bounded, and cannot be replaced one by one.
func (b *budget) tags(cfg render.Config) {
	cfg.AddBlock("comment")
	cfg.AddBlock("raw")
	cfg.AddBlock("if").Clause("else").Clause("elsif").Compiler(branches(false))
	cfg.AddBlock("unless").Clause("else").Clause("elsif").Compiler(branches(true))
	cfg.AddBlock("case").Clause("when").Clause("else").Compiler(cases)
	for _, name := range []string{"include", "layout", "render"} { // there are no other files
		cfg.AddTag(name, func(string) (tag, error) { return nil, errors.New(name + " is not available") })
	}
	cfg.AddTag("cycle", cycle)
	cfg.AddTag("break", func(string) (tag, error) {
		return func(_ io.Writer, ctx render.Context) error { return ctx.WrapError(errBreak) }, nil
	})
	cfg.AddTag("continue", func(string) (tag, error) {
		return func(_ io.Writer, ctx render.Context) error { return ctx.WrapError(errContinue) }, nil
	})
	cfg.AddTag("assign", func(source string) (tag, error) {
		statement, err := expressions.ParseStatement(expressions.AssignStatementSelector, source)
		if err != nil {
			return nil, err
		}
		return func(_ io.Writer, ctx render.Context) error {
			if err := b.spend(); err != nil {
				return err
			}
			value, err := ctx.Evaluate(statement.Assignment.ValueFn)
			if err == nil {
				ctx.Set(statement.Assignment.Variable, value)
			}
			return err
		}, nil
	})
	cfg.AddBlock("capture").Compiler(func(node render.BlockNode) (func(io.Writer, render.Context) error, error) {
		return func(_ io.Writer, ctx render.Context) error {
			out := &sink{left: b.Output, b: b}
			if err := ctx.RenderChildren(out); err != nil {
				return err
			}
			ctx.Set(node.Args, out.String())
			return b.size(out.Len())
		}, nil
	})
	cfg.AddBlock("for").Clause("else").Compiler(b.loop(false))
	cfg.AddBlock("tablerow").Compiler(b.loop(true))
	b.counters(cfg)
}

// loop is the tag for, each round of which is a step, or tablerow, each round of which is a cell of a table.
func (b *budget) loop(table bool) render.BlockCompiler {
	return func(node render.BlockNode) (func(io.Writer, render.Context) error, error) {
		statement, err := expressions.ParseStatement(expressions.LoopStatementSelector, node.Args)
		if err != nil {
			return nil, err
		}
		return b.loopOf(statement.Loop, node.Clauses, table), nil
	}
}

func (b *budget) loopOf(loop expressions.Loop, clauses []*render.BlockNode, table bool) tag {
	return func(w io.Writer, ctx render.Context) error {
		value, err := ctx.Evaluate(loop.Expr)
		if err != nil {
			return err
		}
		all := itemsOf(value)
		from, to, cols := 0, all.Len(), math.MaxInt
		for _, modifier := range []struct {
			expr expressions.Expression
			set  func(n int)
		}{
			{loop.Offset, func(n int) { from = min(max(n, 0), to) }},
			{loop.Limit, func(n int) { to = min(to, from+max(n, 0)) }},
			{loop.Cols, func(n int) { cols = max(n, 1) }},
		} {
			if modifier.expr == nil {
				continue
			}
			n, err := ctx.Evaluate(modifier.expr)
			if err != nil {
				return err
			}
			number, isNumber := n.(int)
			if !isNumber {
				return ctx.Errorf("loop limits must be whole numbers")
			}
			modifier.set(number)
		}
		if from >= to && len(clauses) == 1 {
			return ctx.RenderBlock(w, clauses[0])
		}
		if !table {
			cols = 0
		}
		return b.rounds(w, ctx, loop, all, from, to, cols)
	}
}

// rounds renders the body of a loop for the items from from up to, not including, to; as cells of a table with so many columns unless there are none.
func (b *budget) rounds(w io.Writer, ctx render.Context, loop expressions.Loop, all items, from, to, cols int) error {
	outer, hidden := ctx.Get("forloop"), ctx.Get(loop.Variable)
	defer func() {
		ctx.Set("forloop", outer)
		ctx.Set(loop.Variable, hidden)
	}()
	cycles := map[string]int{} // where the tag cycle looks
	length := to - from
	for i := range length {
		if err := b.spend(); err != nil {
			return err
		}
		at := from + i
		if loop.Reversed {
			at = to - 1 - i
		}
		ctx.Set(loop.Variable, all.Index(at))
		ctx.Set("forloop", map[string]any{
			"first": i == 0, "last": i == length-1, "index": i + 1, "index0": i, "rindex": length - i, "rindex0": length - i - 1,
			"length": length, ".cycles": cycles,
		})
		if cols > 0 {
			cell(w, i, cols)
		}
		err := ctx.RenderChildren(w)
		ends := err != nil && err.Cause() == errBreak          //nolint:errorlint // the library wraps in its own way
		if err != nil && !ends && err.Cause() != errContinue { //nolint:errorlint // the same
			return err
		}
		if cols > 0 {
			endCell(w, ends || i == length-1 || i%cols == cols-1)
		}
		if ends {
			return nil
		}
	}
	return nil
}

type list reflect.Value

func (l list) Len() int        { return reflect.Value(l).Len() }
func (l list) Index(i int) any { return reflect.Value(l).Index(i).Interface() }

// itemsOf is what a loop goes through: a range, a list, the pairs of a map; nothing for anything else.
func itemsOf(value any) items {
	if range_, is := value.(items); is {
		return range_
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Slice, reflect.Array:
		return list(v)
	case reflect.Map:
		pairs := [][]any{}
		for _, key := range v.MapKeys() {
			pairs = append(pairs, []any{key.Interface(), v.MapIndex(key).Interface()})
		}
		return list(reflect.ValueOf(pairs))
	}
	return list(reflect.ValueOf([]any{}))
}
