package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
)

// Script is a script as rules see it.
type Script struct {
	File   string
	Source string
	Kind   string // rehearsal.Rule, Action, Hook, or "connection" for scripts of databases and social connections
	Tree   *Node

	Main     *Node            // the function that is called with the callback; nil for actions
	Callback string           // name of its last parameter
	Handlers map[string]*Node // functions that an action exports, by the name of the handler
	Trigger  string           // of an action, by its handlers

	parser   *script.Parser
	declared map[string]bool // every name that the script declares anywhere
	comments []script.Comment
	findings []Finding
	at       func(float64) int
}

// Finding is something that a rule found.
type Finding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // error or warning
	Rule     string `json:"rule"`
	Message  string `json:"message"`
}

// report adds a finding at a node.
func (s *Script) report(r *Rule, n *Node, format string, args ...any) {
	s.reportAt(r, n.Start, format, args...)
}

func (s *Script) reportAt(r *Rule, offset int, format string, args ...any) {
	offset = min(max(offset, 0), len(s.Source))
	line := strings.Count(s.Source[:offset], "\n") + 1
	column := offset - strings.LastIndexByte(s.Source[:offset], '\n')
	s.findings = append(s.findings, Finding{File: s.File, Line: line, Column: column, Severity: r.Severity, Rule: r.Name, Message: fmt.Sprintf(format, args...)})
}

// offsets turns the parser's offsets, UTF-16 units with a shift, into bytes of the source.
func offsets(source string, shift int) func(float64) int {
	var table []int // byte of each unit; nil where they are the same
	for _, r := range source {
		if r >= utf8.RuneSelf {
			table = []int{}
			break
		}
	}
	if table != nil {
		for i, r := range source {
			table = append(table, i)
			if r > 0xffff {
				table = append(table, i)
			}
		}
		table = append(table, len(source))
	}
	return func(v float64) int {
		at := max(int(v)-shift, 0)
		if table != nil {
			return table[min(at, len(table)-1)]
		}
		return min(at, len(source))
	}
}

// read parses a script and finds out what it is. kind may be empty.
func read(p *script.Parser, file, source, kind string) (*Script, *script.SyntaxError, error) {
	source = strings.TrimPrefix(source, "\ufeff")
	s := &Script{File: file, Source: source, Kind: kind, parser: p, declared: map[string]bool{}, Handlers: map[string]*Node{}}
	syntax, err := p.Parse(source, "program", "rule", "module")
	if err != nil {
		return nil, nil, err
	}
	if s.at = offsets(source, 0); syntax.Error != nil {
		return s, syntax.Error, nil
	}
	s.comments = syntax.Comments
	if s.Tree, err = decode(syntax.Tree, offsets(source, syntax.Shift)); err != nil {
		return nil, nil, err
	}
	if s.Kind == "" {
		if s.Kind, _ = rehearsal.Guess(source); !slices.Contains([]string{rehearsal.Rule, rehearsal.Action, rehearsal.Hook}, s.Kind) {
			s.Kind = Connection
		}
	}
	s.know()
	return s, nil, nil
}

// know finds the functions that matter, and every name that is declared.
func (s *Script) know() {
	s.Tree.walk(func(n *Node) bool {
		switch {
		case n.isFunction():
			for _, p := range n.list("params") {
				s.declare(p)
			}
			s.declare(n.child("id"))
		case n.is("VariableDeclarator", "ClassDeclaration"):
			s.declare(n.child("id"))
		case n.is("CatchClause"):
			s.declare(n.child("param"))
		case n.is("AssignmentExpression"):
			s.exported(n)
		}
		return true
	})
	if s.Kind == rehearsal.Action {
		return
	}
	s.Main = s.mainFunction()
	params := s.Main.list("params")
	if len(params) == 0 {
		return
	}
	s.Callback = params[len(params)-1].name()
	if s.Kind == rehearsal.Rule && params[0].name() != "user" && !strings.Contains(s.Source, "context") {
		s.Kind = "connection"
	}
}

// declare notes the names of a pattern.
func (s *Script) declare(pattern *Node) {
	switch {
	case pattern == nil:
	case pattern.Type == "Identifier":
		s.declared[pattern.name()] = true
	case pattern.Type == "AssignmentPattern":
		s.declare(pattern.child("left"))
	case pattern.Type == "RestElement":
		s.declare(pattern.child("argument"))
	case pattern.Type == "ArrayPattern":
		for _, e := range pattern.list("elements") {
			s.declare(e)
		}
	case pattern.Type == "ObjectPattern":
		for _, p := range pattern.list("properties") {
			if p.Type == "Property" {
				p = p.child("value")
			}
			s.declare(p)
		}
	}
}

// exported notes what an assignment to exports exports.
func (s *Script) exported(n *Node) {
	left, right := n.child("left").path(), n.child("right")
	if name, ok := strings.CutPrefix(strings.TrimPrefix(left, "module."), "exports."); ok && strings.HasPrefix(name, "on") {
		s.Handlers[name] = s.functionOf(right)
	}
	if left != "module.exports" && left != "exports" || !right.is("ObjectExpression") {
		return
	}
	for _, p := range right.list("properties") {
		if name := p.child("key").name(); strings.HasPrefix(name, "on") {
			s.Handlers[name] = s.functionOf(p.child("value"))
		}
	}
}

// functionOf is the function that an expression is, or names; nil for anything else.
func (s *Script) functionOf(n *Node) *Node {
	if n.isFunction() {
		return n
	}
	name := n.name()
	if name == "" {
		return nil
	}
	var found *Node
	s.Tree.walk(func(c *Node) bool {
		switch {
		case c.is("FunctionDeclaration") && c.child("id").name() == name:
			found = c
		case c.is("VariableDeclarator") && c.child("id").name() == name && c.child("init").isFunction():
			found = c.child("init")
		}
		return found == nil
	})
	return found
}

// mainFunction is the function that a rule, hook or script of a connection is.
func (s *Script) mainFunction() *Node {
	var found *Node
	for _, statement := range s.Tree.list("body") {
		e := statement.child("expression")
		switch {
		case e.isFunction() && found == nil:
			found = e
		case e.is("AssignmentExpression") && strings.TrimPrefix(e.child("left").path(), "module.") == "exports":
			found = s.functionOf(e.child("right"))
		case statement.is("FunctionDeclaration") && found == nil:
			found = statement
		}
	}
	return found
}

// isUse tells an identifier that stands for a value from one that names a member, a property or a label.
func isUse(n *Node) bool {
	p := n.Parent
	switch {
	case n.name() == "" || p == nil:
		return false
	case p.is("MemberExpression") && p.child("property") == n && !p.yes("computed"):
		return false
	case p.is("Property", "MethodDefinition", "PropertyDefinition") && p.child("key") == n && !p.yes("computed") && p.child("value") != n:
		return p.yes("shorthand")
	case p.is("LabeledStatement", "BreakStatement", "ContinueStatement"):
		return false
	case p.isFunction() && (p.child("id") == n || slices.Contains(p.list("params"), n)):
		return false
	}
	return true
}
