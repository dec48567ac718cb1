package lint

import (
	"regexp"
	"slices"
)

// origin tells where a value comes from, as far as user_metadata is concerned.
type origin int

const (
	elsewhere origin = iota // or nobody knows
	fixed                   // written in the script
	member                  // a member of user_metadata, or something made of one
	whole                   // user_metadata itself: that it is there says nothing
)

// metadata knows which names of a script stand for user_metadata or for something out of it. A name does that if everything that is
// assigned to it does, or is written in the script.
type metadata struct {
	names     []variable // in the order of the source
	bound     map[variable][]binding
	functions map[variable]*Node
	origins   map[variable]origin
	tells     map[*Node]bool // functions whose answer comes out of user_metadata
}

// variable is a name in the function that declares it; nil for the top.
type variable struct {
	name string
	in   *Node
}

// binding is one place where a variable is given a value.
type binding struct {
	from  *Node  // nil: a caller who is not seen
	known origin // where a pattern names user_metadata
	part  bool   // a member or an item of it
	at    *Node  // the assignment
}

// traceMetadata follows user_metadata through the names of a script.
func traceMetadata(root *Node) *metadata {
	m := &metadata{nil, map[variable][]binding{}, map[variable]*Node{}, map[variable]origin{}, map[*Node]bool{}}
	root.walk(func(n *Node) bool {
		m.declare(n)
		return true
	})
	called := map[*Node]bool{}
	root.walk(func(n *Node) bool {
		if fn := m.calledBy(n); fn != nil {
			called[fn] = true
			for i, p := range fn.list("params") {
				if arguments := n.list("arguments"); i < len(arguments) {
					m.bind(p, fn, binding{from: arguments[i]})
				}
			}
		}
		m.assign(n)
		return true
	})
	root.walk(func(n *Node) bool {
		if n.isFunction() && !called[n] {
			m.bindUnseen(n)
		}
		return true
	})
	for changed := true; changed; {
		changed = m.grow()
	}
	return m
}

// declare notes the names that a node declares, so that each is found in its function.
func (m *metadata) declare(n *Node) {
	in := n.function()
	switch {
	case n.is("VariableDeclarator"):
		m.know(n.child("id"), in)
		from, loop := n.child("init"), n.Parent.Parent
		if from != nil {
			m.bind(n.child("id"), in, binding{from: from, at: n})
		} else if loop.is("ForOfStatement") && loop.child("left") == n.Parent {
			m.bind(n.child("id"), in, binding{from: loop.child("right"), part: true})
		}
		if from.isFunction() {
			m.functions[variable{n.child("id").name(), in}] = from
		}
	case n.is("FunctionDeclaration"):
		m.functions[variable{n.child("id").name(), in}] = n
		m.bind(n.child("id"), in, binding{from: n})
	case n.is("CatchClause"):
		m.bind(n.child("param"), in, binding{})
	}
	if n.isFunction() {
		for _, p := range n.list("params") {
			m.know(p, n)
		}
	}
}

// assign notes what an assignment gives to a name. What a name is given of itself changes nothing: meta = meta || {}.
func (m *metadata) assign(n *Node) {
	if !n.is("AssignmentExpression") || n.child("left").is("MemberExpression") {
		return
	}
	left, right := n.child("left"), n.child("right")
	if right.is("LogicalExpression") && left.name() != "" && right.child("left").name() == left.name() {
		right = right.child("right")
	}
	in := left.function()
	if left.name() != "" {
		in = m.variable(left).in
	}
	m.bind(left, in, binding{from: right, at: n})
}

// bindUnseen gives the parameters of a function that nobody calls by its name what they may get: items of what it is handed to a method of,
// or what is not seen.
func (m *metadata) bindUnseen(fn *Node) {
	b := binding{}
	if call := fn.Parent; call.is("CallExpression") && call.child("callee").is("MemberExpression") && call.child("callee") != fn {
		b = binding{from: call.child("callee").child("object"), part: true}
	}
	for _, p := range fn.list("params") {
		m.bind(p, fn, b)
	}
}

// bind gives the names of a pattern their parts of a value.
func (m *metadata) bind(pattern, in *Node, b binding) {
	switch {
	case pattern.is("Identifier"):
		m.give(variable{pattern.name(), in}, b)
	case pattern.is("AssignmentPattern"):
		m.bind(pattern.child("left"), in, b)
	case pattern.is("RestElement"):
		m.bind(pattern.child("argument"), in, b)
	case pattern.is("ArrayPattern"):
		b.part = true
		for _, e := range pattern.list("elements") {
			m.bind(e, in, b)
		}
	case pattern.is("ObjectPattern"):
		for _, p := range pattern.list("properties") {
			inner, key := b, p.child("key").name()
			switch {
			case p.is("RestElement"):
				m.bind(p, in, inner)
				continue
			case key == "user_metadata":
				inner.known, inner.part = whole, false
			default:
				inner.part = true
			}
			m.bind(p.child("value"), in, inner)
		}
	}
}

// know notes the names of a pattern as those of a function, whatever they are given.
func (m *metadata) know(pattern, in *Node) {
	names := &Script{declared: map[string]bool{}}
	names.declare(pattern)
	for name := range names.declared {
		m.give(variable{name, in})
	}
}

// give notes what a name is given, if it is given anything yet.
func (m *metadata) give(v variable, all ...binding) {
	if _, known := m.bound[v]; !known {
		m.names = append(m.names, v)
	}
	m.bound[v] = append(m.bound[v], all...)
}

// grow looks at every name and function once more, and tells whether more is known.
func (m *metadata) grow() bool {
	changed := false
	for _, v := range m.names {
		if o := m.common(m.bound[v]); o > m.origins[v] {
			m.origins[v], changed = o, true
		}
		if fn := m.functions[v]; fn != nil && !m.tells[fn] && m.answers(fn) {
			m.tells[fn], changed = true, true
		}
	}
	return changed
}

// common is what a name stands for that is given all of these.
func (m *metadata) common(all []binding) origin {
	out := elsewhere
	for i, b := range all {
		o := m.given(b)
		if o == elsewhere {
			return elsewhere
		}
		if i == 0 || o != fixed {
			out = mix(out, o)
		}
	}
	return out
}

// given is what one binding gives. A constant tells something where user_metadata decides whether it is assigned.
func (m *metadata) given(b binding) origin {
	o := m.origin(b.from)
	if b.known != elsewhere {
		o = b.known
	}
	if b.part {
		return partOf(o)
	}
	if o == fixed && b.at.is("AssignmentExpression") && m.underCondition(b.at) {
		return member
	}
	return o
}

// underCondition tells whether a condition over user_metadata in the same function decides whether a node runs.
func (m *metadata) underCondition(n *Node) bool {
	for ; n.Parent != nil && !n.isFunction(); n = n.Parent {
		if p := n.Parent; p.is("IfStatement", "ConditionalExpression") && p.child("test") != n && m.reads(p.child("test")) ||
			p.is("SwitchStatement") && p.child("discriminant") != n && m.reads(p.child("discriminant")) {
			return true
		}
	}
	return false
}

// answers tells whether what a function returns comes out of user_metadata: it returns a part of it, or constants after a look at it.
func (m *metadata) answers(fn *Node) bool {
	body := fn.child("body")
	if !body.is("BlockStatement") {
		return m.origin(body) == member
	}
	some, plain := false, true
	body.walk(func(n *Node) bool {
		if n.is("ReturnStatement") {
			o := m.origin(n.child("argument"))
			some = some || o == member
			plain = plain && (o == fixed || o == member)
		}
		return !n.isFunction()
	})
	return some || plain && body.any(func(n *Node) bool { return n.is("IfStatement") && n.function() == fn && m.reads(n.child("test")) })
}

// variable is what a name stands for where it is used.
func (m *metadata) variable(n *Node) variable {
	in := n.function()
	for ; in != nil; in = in.function() {
		if _, declared := m.bound[variable{n.name(), in}]; declared {
			break
		}
	}
	return variable{n.name(), in}
}

// calledBy is the function of the script that a node calls by its name; nil for anything else.
func (m *metadata) calledBy(n *Node) *Node {
	if callee := n.child("callee"); n.is("CallExpression") && callee.name() != "" {
		return m.functions[m.variable(callee)]
	}
	return nil
}

// mix is the origin of a value that is one of two, or made of both.
func mix(a, b origin) origin {
	switch {
	case a == member || b == member:
		return member
	case a == whole || b == whole:
		return whole
	case a == fixed && b == fixed:
		return fixed
	}
	return elsewhere
}

// partOf is the origin of a member.
func partOf(o origin) origin {
	if o == whole || o == member {
		return member
	}
	return elsewhere
}

// made is the origin of what is computed from a value: that user_metadata is there says nothing.
func made(o origin) origin {
	if o == whole {
		return elsewhere
	}
	return o
}

// origin is where the value of an expression comes from.
func (m *metadata) origin(n *Node) origin {
	switch {
	case n.is("Literal"):
		return fixed
	case n.is("Identifier"):
		if n.name() == "undefined" {
			return fixed
		}
		return m.origins[m.variable(n)]
	case n.is("ChainExpression"):
		return m.origin(n.child("expression"))
	case n.is("MemberExpression"):
		if n.step() == "user_metadata" {
			return whole
		}
		return partOf(m.origin(n.child("object")))
	case n.is("AssignmentExpression"):
		return m.origin(n.child("right"))
	case n.is("LogicalExpression"):
		return mix(m.origin(n.child("left")), m.origin(n.child("right")))
	case n.is("ConditionalExpression"):
		if m.reads(n.child("test")) {
			return member
		}
		return mix(m.origin(n.child("consequent")), m.origin(n.child("alternate")))
	case n.is("UnaryExpression"):
		return made(m.origin(n.child("argument")))
	case n.is("BinaryExpression"):
		if n.text("operator") == "in" {
			return partOf(m.origin(n.child("right")))
		}
		return mix(made(m.origin(n.child("left"))), made(m.origin(n.child("right"))))
	case n.is("TemplateLiteral"):
		return m.all(n.list("expressions"))
	case n.is("ArrayExpression"):
		return m.all(n.list("elements"))
	case n.is("ObjectExpression"):
		return m.object(n)
	case n.is("NewExpression"):
		return partOf(m.all(n.list("arguments")))
	case n.is("CallExpression"):
		return m.call(n)
	}
	return elsewhere
}

// all is the origin of what is made of several values; fixed if there are none.
func (m *metadata) all(nodes []*Node) origin {
	out := fixed
	for _, n := range nodes {
		out = mix(out, m.origin(n))
	}
	return out
}

// object is the origin of an object: user_metadata if that is spread into it.
func (m *metadata) object(n *Node) origin {
	out := fixed
	for _, p := range n.list("properties") {
		o := m.origin(p.child("value"))
		if p.is("SpreadElement") {
			o = m.origin(p.child("argument"))
		} else if o != fixed { // a member of an object tells nothing of the others
			o = elsewhere
		}
		out = mix(out, o)
	}
	return out
}

// copies are functions whose answer is what they are given, in another form.
var copies = []string{"Object.assign", "structuredClone", "JSON.parse", "JSON.stringify", "_.cloneDeep", "_.merge", "_.extend", "_.defaults"}

// looks are functions whose answer tells of what they are given.
var looks = []string{"Boolean", "String", "Number", "Date.parse", "parseInt", "parseFloat", "isNaN", "Array.isArray", "Array.from", "Object.keys", "Object.values", "Object.entries"}

// inPath is a path in the manner of lodash: _.get(user, 'user_metadata.approved').
var inPath = regexp.MustCompile(`(^|\.)user_metadata\.`)

// call is the origin of what a call answers: methods of a value, a few functions that everybody knows, and the script's own. What others
// make of user_metadata is theirs.
func (m *metadata) call(n *Node) origin {
	callee, arguments := n.child("callee"), n.list("arguments")
	if path := callee.path(); slices.Contains(copies, path) {
		return m.all(arguments)
	} else if slices.Contains(looks, path) {
		return partOf(m.all(arguments))
	}
	if m.tells[m.calledBy(n)] {
		return member
	}
	if slices.Contains([]string{"get", "has"}, callee.step()) && len(arguments) > 1 {
		if path, _ := arguments[1].str(); inPath.MatchString(path) {
			return member
		}
	}
	if callee.is("MemberExpression") {
		return partOf(m.origin(callee.child("object")))
	}
	return elsewhere
}

// reads tells whether a condition, or a value, depends on what is in user_metadata. Whoever is handed the whole may look into it.
func (m *metadata) reads(n *Node) bool {
	return n.any(func(c *Node) bool {
		if c.is("CallExpression") && slices.ContainsFunc(c.list("arguments"), func(a *Node) bool { return m.origin(a) == whole }) {
			return true
		}
		return c.is("MemberExpression", "CallExpression", "BinaryExpression") && m.origin(c) == member || isUse(c) && m.origin(c) == member
	})
}
