package store

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
)

// narrowing says which part of a query costs most among many users, and what to ask instead; empty if nothing stands out.
func narrowing(e *lucene.Expr) string {
	what, how, _ := costly(e, false)
	if what == nil {
		return ""
	}
	return " What costs most is " + stagedoor.Shorten(what.String(), 200) + ": " + how
}

// costly returns the part of e that the index serves least, what to do about it, and how little that is.
func costly(e *lucene.Expr, negated bool) (worst *lucene.Expr, how string, weight int) {
	switch {
	case e.Op == lucene.Not && !negated:
		inner, advice, n := costly(e.Args[0], true)
		if n > 3 {
			return inner, advice, n
		}
		return e, "every user who has it is passed over; add a condition that few users satisfy.", 3
	case e.Op != lucene.Is:
		for _, a := range e.Args {
			if part, advice, n := costly(a, negated); n > weight {
				worst, how, weight = part, advice, n
			}
		}
		return worst, how, weight
	case e.Cond.Pattern != nil && e.Cond.Pattern[0] == "":
		return e, "a wildcard at the beginning is looked for in every value of the field; ask for how the value begins, or add a condition that few users satisfy.", 4
	case len(e.Cond.In) > 0 && !e.Cond.In[0].Single():
		return e, "it may hold for very many users; make it narrower, or add a condition that few users satisfy.", 2
	}
	return e, "add a condition that fewer users satisfy.", 1
}
