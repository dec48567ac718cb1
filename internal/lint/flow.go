package lint

import "slices"

// flow follows the paths through a function that must call its callback once. It does not know which conditions hold together.
type flow struct {
	callback string
	helpers  map[string]bool // local functions that mention the callback: to mention them may be to call it
	missing  func(end *Node, returns bool)
	twice    func(call *Node)
	goesOn   func(call, next *Node)

	breaks    []state // of the loops and switches around
	continues []state
}

// What is known of the callback on a path; a state is the paths that meet in a place.
const (
	uncalled = 1 << iota // nothing was done with it
	handed               // somebody has it, or it was called under a condition
	called               // it was called
)

type state struct {
	paths uint8
	calls []*Node // the calls behind which the function goes on
}

func (s state) join(t state) state {
	s.paths |= t.paths
	for _, c := range t.calls {
		if !slices.Contains(s.calls, c) {
			s.calls = append(slices.Clone(s.calls), c)
		}
	}
	return s
}

// run follows a function from its beginning.
func (f *flow) run(fn *Node) {
	body := fn.child("body")
	in := state{paths: uncalled}
	if !body.is("BlockStatement") {
		if out := f.expression(body, in); out.paths&uncalled != 0 {
			f.missing(body, true)
		}
		return
	}
	if out := f.statements(body.list("body"), in); out.paths&uncalled != 0 {
		f.missing(body, false)
	}
}

func (f *flow) statements(all []*Node, in state) state {
	for _, n := range all {
		if in.paths == 0 {
			return in
		}
		in = f.statement(n, in)
	}
	return in
}

// harmless tells the statements that may stand behind a call of the callback.
func harmless(n *Node) bool {
	switch n.Type {
	case "EmptyStatement", "FunctionDeclaration", "ClassDeclaration", "BreakStatement", "ContinueStatement", "BlockStatement", "TryStatement", "LabeledStatement":
		return true
	case "ReturnStatement":
		argument := n.child("argument")
		return argument == nil || argument.is("Literal", "Identifier")
	}
	return false
}

func (f *flow) statement(n *Node, in state) state {
	if !harmless(n) {
		for _, c := range in.calls {
			f.goesOn(c, n)
		}
		in.calls = nil
	}
	switch n.Type {
	case "BlockStatement":
		return f.statements(n.list("body"), in)
	case "ReturnStatement":
		if out := f.expression(n.child("argument"), in); out.paths&uncalled != 0 {
			f.missing(n, true)
		}
		return state{}
	case "ThrowStatement":
		return state{}
	case "IfStatement":
		in = f.expression(n.child("test"), in)
		out := f.statement(n.child("consequent"), in)
		if otherwise := n.child("alternate"); otherwise != nil {
			return out.join(f.statement(otherwise, in))
		}
		return out.join(in)
	case "ForStatement", "ForInStatement", "ForOfStatement", "WhileStatement", "DoWhileStatement":
		return f.loop(n, in)
	case "SwitchStatement":
		return f.cases(n, in)
	case "TryStatement":
		out := f.statement(n.child("block"), in)
		if handler := n.child("handler"); handler != nil {
			out = out.join(f.statement(handler.child("body"), in))
		}
		if last := n.child("finalizer"); last != nil {
			if out.paths == 0 {
				f.statement(last, in)
				return out
			}
			out = f.statement(last, out)
		}
		return out
	case "LabeledStatement":
		return f.statement(n.child("body"), in)
	case "BreakStatement":
		if len(f.breaks) > 0 {
			f.breaks[len(f.breaks)-1] = f.breaks[len(f.breaks)-1].join(in)
		}
		return state{}
	case "ContinueStatement":
		if len(f.continues) > 0 {
			f.continues[len(f.continues)-1] = f.continues[len(f.continues)-1].join(in)
		}
		return state{}
	case "FunctionDeclaration", "ClassDeclaration", "EmptyStatement":
		return in
	}
	return f.expression(n, in)
}

func (f *flow) loop(n *Node, in state) state {
	for _, part := range []string{"init", "test", "left", "right", "update"} {
		in = f.expression(n.child(part), in)
	}
	f.breaks, f.continues = append(f.breaks, state{}), append(f.continues, state{})
	out := f.statement(n.child("body"), in)
	last := len(f.breaks) - 1
	out = out.join(f.breaks[last]).join(f.continues[len(f.continues)-1])
	f.breaks, f.continues = f.breaks[:last], f.continues[:len(f.continues)-1]
	if n.is("DoWhileStatement") {
		return out
	}
	return out.join(in)
}

func (f *flow) cases(n *Node, in state) state {
	in = f.expression(n.child("discriminant"), in)
	f.breaks = append(f.breaks, state{})
	out, whole := state{}, false
	for _, c := range n.list("cases") {
		whole = whole || c.child("test") == nil
		out = f.statements(c.list("consequent"), in.join(out))
	}
	last := len(f.breaks) - 1
	out = out.join(f.breaks[last])
	f.breaks = f.breaks[:last]
	if !whole {
		out = out.join(in)
	}
	return out
}

// expression is a statement or an expression without statements of its own.
func (f *flow) expression(n *Node, in state) state {
	if n == nil {
		return in
	}
	if call := f.direct(n); call != nil {
		if in.paths == called {
			f.twice(call)
		}
		out := state{paths: called}
		if n.is("ExpressionStatement") {
			out.calls = []*Node{call}
		}
		return out
	}
	if f.handles(n) {
		in.paths = in.paths&^uncalled | handed
	}
	return in
}

// direct is the call of the callback that an expression makes whatever else is; nil if it makes none.
func (f *flow) direct(n *Node) *Node {
	switch {
	case n.is("ExpressionStatement"):
		return f.direct(n.child("expression"))
	case n.is("AwaitExpression", "UnaryExpression"):
		return f.direct(n.child("argument"))
	case n.is("SequenceExpression"):
		for _, e := range n.list("expressions") {
			if call := f.direct(e); call != nil {
				return call
			}
		}
	case n.is("ConditionalExpression"):
		if call := f.direct(n.child("consequent")); call != nil && f.direct(n.child("alternate")) != nil {
			return call
		}
	case n.is("CallExpression") && n.child("callee").name() == f.callback:
		return n
	}
	return nil
}

// handles tells whether an expression hands the callback, or something that may call it, to anybody.
func (f *flow) handles(n *Node) bool {
	return n.any(func(c *Node) bool { return isUse(c) && (c.name() == f.callback || f.helpers[c.name()]) })
}

// helpersOf finds the local functions below a node that mention a name, directly or through one another.
func helpersOf(root *Node, name string) map[string]bool {
	helpers := map[string]bool{}
	for grown := true; grown; {
		grown = false
		root.walk(func(n *Node) bool {
			id, fn := n.child("id").name(), n
			if n.is("VariableDeclarator") {
				fn = n.child("init")
			}
			if id == "" || helpers[id] || fn == root || !n.is("FunctionDeclaration", "VariableDeclarator") || fn == nil {
				return true
			}
			f := flow{callback: name, helpers: helpers}
			if f.handles(fn) {
				helpers[id], grown = true, true
			}
			return true
		})
	}
	return helpers
}
