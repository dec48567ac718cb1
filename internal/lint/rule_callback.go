package lint

import "slices"

// callbacks runs the flow through the functions of a script that must call its callback: the script itself, and the functions in it that
// others call later and that call the callback in their turn.
func (s *Script) callbacks(with func(f *flow)) {
	if s.Main == nil || s.Callback == "" {
		return
	}
	helpers := helpersOf(s.Main, s.Callback)
	for _, fn := range append([]*Node{s.Main}, s.continuations()...) {
		f := &flow{
			callback: s.Callback, helpers: helpers,
			missing: func(*Node, bool) {}, twice: func(*Node) {}, goesOn: func(*Node, *Node) {},
		}
		with(f)
		f.run(fn)
	}
}

// notContinuations are the functions whose own function is called never, often, or as one of several.
var notContinuations = []string{
	"forEach", "map", "filter", "some", "every", "find", "findIndex", "reduce", "reduceRight", "sort", "flatMap", "each", "times", "eachSeries",
	"on", "once", "addListener", "then", "catch", "finally", "replace", "replaceAll", "from", "nextTick", "run", "use",
}

// continuations are functions that are the last argument of a call and mention the callback themselves.
func (s *Script) continuations() []*Node {
	var out []*Node
	s.Main.walk(func(n *Node) bool {
		if n == s.Main || !n.isFunction() || !n.Parent.is("CallExpression") || n.Parent.child("callee") == n {
			return true
		}
		arguments := n.Parent.list("arguments")
		callee := n.Parent.child("callee")
		if arguments[len(arguments)-1] != n || slices.Contains(notContinuations, callee.step()) || slices.ContainsFunc(n.list("params"), func(p *Node) bool { return p.name() == s.Callback }) {
			return true
		}
		own := n.child("body").any(func(c *Node) bool { return isUse(c) && c.name() == s.Callback && c.function() == n })
		if own {
			out = append(out, n)
		}
		return true
	})
	return out
}

func findMissingCallback(s *Script, r *Rule) {
	if s.Main != nil && s.Callback == "" && !s.Main.any(func(n *Node) bool { return n.name() == "arguments" }) {
		s.report(r, s.Main, "the function has no parameter for the callback: it can never end")
	}
	s.callbacks(func(f *flow) {
		f.missing = func(n *Node, returns bool) {
			if returns {
				s.report(r, n, "this path ends without calling %s", s.Callback)
				return
			}
			s.reportAt(r, n.End-1, "a path through the function ends here without calling %s", s.Callback)
		}
	})
}

func findSecondCallback(s *Script, r *Rule) {
	s.callbacks(func(f *flow) {
		f.twice = func(call *Node) {
			s.report(r, call, "%s was called before on this path: the first call stands", s.Callback)
		}
	})
}

func findCodeAfterCallback(s *Script, r *Rule) {
	s.callbacks(func(f *flow) {
		f.goesOn = func(call, next *Node) {
			if f.direct(next) != nil {
				s.report(r, call, "write return %s(…): without it %s is called again", s.Callback, s.Callback)
				return
			}
			s.report(r, call, "write return %s(…): without it the code behind runs too", s.Callback)
		}
	})
}

// findCodeAfterDeny: api.access.deny does not end the handler.
func findCodeAfterDeny(s *Script, r *Rule) {
	for _, fn := range s.Handlers {
		api := apiName(fn)
		if api == "" {
			continue
		}
		fn.walk(func(n *Node) bool {
			if !n.is("ExpressionStatement") || n.child("expression").child("callee").path() != api+".access.deny" {
				return true
			}
			if next := after(n, fn); next != nil && !harmless(next) {
				s.report(r, n, "write return %s.access.deny(…): it does not end the handler", api)
			}
			return true
		})
	}
}

// after is the statement that runs behind another one; nil at the end of the function.
func after(n, fn *Node) *Node {
	for ; n != fn && n.Parent != nil; n = n.Parent {
		if n.isFunction() || n.is("ForStatement", "ForInStatement", "ForOfStatement", "WhileStatement", "DoWhileStatement") {
			return nil
		}
		list := n.Parent.list("body")
		if n.Parent.is("SwitchCase") {
			list = n.Parent.list("consequent")
		}
		if at := slices.Index(list, n); at >= 0 && at+1 < len(list) {
			return list[at+1]
		}
	}
	return nil
}

// findLooseErrorComparison: errors are compared by their truth.
func findLooseErrorComparison(s *Script, r *Rule) {
	s.Tree.walk(func(n *Node) bool {
		if !n.is("BinaryExpression") || n.text("operator") != "==" && n.text("operator") != "!=" {
			return true
		}
		for _, side := range []string{"left", "right"} {
			if name := n.child(side).name(); slices.Contains([]string{"err", "error", "e"}, name) {
				s.report(r, n, "%s %s: an error may be null, undefined or any object; write if (%s)", name, n.text("operator"), name)
				break
			}
		}
		return true
	})
}
