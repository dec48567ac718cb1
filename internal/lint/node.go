package lint

import (
	"bytes"
	"encoding/json"
)

// Node is a node of a syntax tree in the manner of ESTree. Its members are nodes, lists of nodes, or plain values.
type Node struct {
	Type       string
	Start, End int // bytes of the source
	Parent     *Node
	members    map[string]any // *Node, []*Node (nil for a hole), string, float64, bool, nil
	order      []string       // names of members in the order in which they are written
}

// child is a member that is a node; nil if there is none.
func (n *Node) child(name string) *Node {
	if n == nil {
		return nil
	}
	c, _ := n.members[name].(*Node)
	return c
}

// list is a member that is a list of nodes.
func (n *Node) list(name string) []*Node {
	if n == nil {
		return nil
	}
	l, _ := n.members[name].([]*Node)
	return l
}

// text is a member that is a string; empty if it is not.
func (n *Node) text(name string) string {
	if n == nil {
		return ""
	}
	s, _ := n.members[name].(string)
	return s
}

func (n *Node) is(types ...string) bool {
	if n == nil {
		return false
	}
	for _, t := range types {
		if n.Type == t {
			return true
		}
	}
	return false
}

func (n *Node) yes(name string) bool {
	if n == nil {
		return false
	}
	b, _ := n.members[name].(bool)
	return b
}

// name is the name of an identifier; empty for anything else.
func (n *Node) name() string {
	if !n.is("Identifier") {
		return ""
	}
	return n.text("name")
}

// str is the value of a string literal, or of a template without expressions.
func (n *Node) str() (string, bool) {
	switch {
	case n.is("Literal"):
		s, ok := n.members["value"].(string)
		return s, ok && n.text("raw") != ""
	case n.is("TemplateLiteral") && len(n.list("expressions")) == 0 && len(n.list("quasis")) == 1:
		v, _ := n.list("quasis")[0].members["value"].(map[string]any)
		s, ok := v["cooked"].(string)
		return s, ok
	}
	return "", false
}

// path is a member expression as a text, `a.b.c`, where every step is a plain name or a string; empty for anything else. Optional steps
// count like others.
func (n *Node) path() string {
	switch {
	case n == nil:
		return ""
	case n.Type == "Identifier":
		return n.text("name")
	case n.Type == "ChainExpression":
		return n.child("expression").path()
	case n.Type == "MemberExpression":
		object := n.child("object").path()
		if object == "" {
			return ""
		}
		if step := n.step(); step != "" {
			return object + "." + step
		}
	}
	return ""
}

// step is the name of the member that a member expression is about; empty where it is computed.
func (n *Node) step() string {
	if !n.is("MemberExpression") {
		return ""
	}
	property := n.child("property")
	if !n.yes("computed") {
		return property.name()
	}
	s, _ := property.str()
	return s
}

func (n *Node) isFunction() bool {
	return n.is("FunctionExpression", "FunctionDeclaration", "ArrowFunctionExpression")
}

// walk visits a node and everything below it, in the order of the source; visit returns false to pass over what is below.
func (n *Node) walk(visit func(*Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	for _, c := range n.children() {
		c.walk(visit)
	}
}

// children are the nodes right below a node, in the order of the source.
func (n *Node) children() []*Node {
	var out []*Node
	for _, name := range n.order {
		switch v := n.members[name].(type) {
		case *Node:
			out = append(out, v)
		case []*Node:
			out = append(out, v...)
		}
	}
	return out
}

// any tells whether a node, or something below it, is so.
func (n *Node) any(so func(*Node) bool) bool {
	found := false
	n.walk(func(c *Node) bool {
		found = found || so(c)
		return !found
	})
	return found
}

// function is the function that a node stands in; nil at the top.
func (n *Node) function() *Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.isFunction() {
			return p
		}
	}
	return nil
}

// decode builds the tree from JSON. at turns an offset into bytes of the source.
func decode(text []byte, at func(float64) int) (*Node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	v, err := decodeValue(d, at, nil)
	n, _ := v.(*Node)
	return n, err
}

// decodeValue reads one value, keeping the order of members.
func decodeValue(d *json.Decoder, at func(float64) int, parent *Node) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		nodes, plain := []*Node{}, false
		for d.More() {
			v, err := decodeValue(d, at, parent)
			if err != nil {
				return nil, err
			}
			c, isNode := v.(*Node)
			plain = plain || !isNode && v != nil
			nodes = append(nodes, c)
		}
		if _, err := d.Token(); err != nil || plain {
			return nil, err
		}
		return nodes, nil
	case json.Delim('{'):
		n := &Node{members: map[string]any{}, Parent: parent}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			v, err := decodeValue(d, at, n)
			if err != nil {
				return nil, err
			}
			switch number, isNumber := v.(float64); {
			case name == "type":
				n.Type, _ = v.(string)
			case name == "start" && isNumber:
				n.Start = at(number)
			case name == "end" && isNumber:
				n.End = at(number)
			default:
				n.members[name] = v
				n.order = append(n.order, name)
			}
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		if n.Type == "" { // a plain object, such as the parts of a regular expression
			return n.members, nil
		}
		return n, nil
	}
	return t, nil
}
