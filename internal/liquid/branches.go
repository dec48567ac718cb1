package liquid

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/osteele/liquid/expressions"
	"github.com/osteele/liquid/render"
	"github.com/osteele/liquid/values"
)

// branch is a part of a block that is rendered if its condition holds; nil always holds.
type branch struct {
	when []expressions.Expression
	body *render.BlockNode
}

// branches are the tags if and, negated, unless.
func branches(negated bool) render.BlockCompiler {
	return func(node render.BlockNode) (tag, error) {
		first, err := condition(node.Args)
		if err != nil {
			return nil, err
		}
		if negated {
			first = expressions.Not(first)
		}
		all := []branch{{[]expressions.Expression{first}, &node}}
		for _, clause := range node.Clauses {
			b := branch{body: clause}
			if clause.Name == "elsif" {
				when, err := condition(clause.Args)
				if err != nil {
					return nil, err
				}
				b.when = []expressions.Expression{when}
			}
			all = append(all, b)
		}
		return choose(all, func(ctx render.Context) (func(any) bool, error) {
			return func(v any) bool { return v != nil && v != false }, nil
		}), nil
	}
}

// cases is the tag case.
func cases(node render.BlockNode) (tag, error) {
	subject, err := expressions.Parse(node.Args)
	if err != nil {
		return nil, err
	}
	var all []branch
	for _, clause := range node.Clauses {
		b := branch{body: clause}
		if clause.Name == "when" {
			statement, err := expressions.ParseStatement(expressions.WhenStatementSelector, orComma(clause.Args))
			if err != nil {
				return nil, err
			}
			b.when = statement.When.Exprs
		}
		all = append(all, b)
	}
	return choose(all, func(ctx render.Context) (func(any) bool, error) {
		wanted, err := ctx.Evaluate(subject)
		return func(v any) bool { return values.Equal(wanted, v) }, err
	}), nil
}

var orWord = regexp.MustCompile(`"[^"]*"|'[^']*'|\sor\s`)

// orComma writes the or between the values of a when as the comma that the library reads.
func orComma(args string) string {
	return orWord.ReplaceAllStringFunc(args, func(s string) string {
		if strings.TrimSpace(s) == "or" {
			return ","
		}
		return s
	})
}

// choose renders the first branch one of whose values suits.
func choose(all []branch, test func(render.Context) (func(any) bool, error)) tag {
	return func(w io.Writer, ctx render.Context) error {
		suits, err := test(ctx)
		if err != nil {
			return err
		}
		for _, b := range all {
			if b.when == nil {
				return ctx.RenderBlock(w, b.body)
			}
			for _, expr := range b.when {
				value, err := ctx.Evaluate(expr)
				if err != nil {
					return err
				}
				if suits(value) {
					return ctx.RenderBlock(w, b.body)
				}
			}
		}
		return nil
	}
}

// cycle is the tag cycle: the next of its texts in each round of a loop.
func cycle(args string) (tag, error) {
	statement, err := expressions.ParseStatement(expressions.CycleStatementSelector, args)
	if err != nil {
		return nil, err
	}
	of := statement.Cycle
	return func(w io.Writer, ctx render.Context) error {
		loop, _ := ctx.Get("forloop").(map[string]any)
		counts, inLoop := loop[".cycles"].(map[string]int)
		if !inLoop {
			return errors.New("cycle outside a loop")
		}
		n := counts[of.Group]
		counts[of.Group]++
		_, err := io.WriteString(w, of.Values[n%len(of.Values)])
		return err
	}, nil
}
