package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/rehearsal"
)

// isEmail tells the person's e-mail address.
func isEmail(n *Node) bool {
	path := n.path()
	return path == "user.email" || path == "event.user.email"
}

// partsOfEmail are the functions with which the domain of an address is looked at.
var partsOfEmail = []string{"split", "endsWith", "indexOf", "lastIndexOf", "includes", "match", "search", "substring", "substr", "slice"}

// domainLook tells whether a node looks at the domain of the person's address.
func domainLook(n *Node) bool {
	callee := n.child("callee")
	if !n.is("CallExpression") || !callee.is("MemberExpression") {
		return false
	}
	arguments := n.list("arguments")
	if slices.Contains(partsOfEmail, callee.step()) {
		object := callee.child("object")
		if object.is("CallExpression") && slices.Contains([]string{"toLowerCase", "trim"}, object.child("callee").step()) {
			object = object.child("callee").child("object")
		}
		if object.is("LogicalExpression") {
			object = object.child("left")
		}
		return isEmail(object)
	}
	return callee.step() == "test" && len(arguments) > 0 && isEmail(arguments[0])
}

func findUnverifiedEmail(s *Script, r *Rule) {
	if strings.Contains(s.Source, "email_verified") || strings.Contains(s.Source, "emailVerified") || s.Trigger == "pre-user-registration" {
		return
	}
	for handler := range s.Handlers {
		if strings.Contains(handler, "UserRegistration") || strings.Contains(handler, "PostChangePassword") {
			return
		}
	}
	done := false
	s.Tree.walk(func(n *Node) bool {
		if !done && domainLook(n) {
			done = true
			s.report(r, n, "the address may be anybody's until email_verified says otherwise: check it before the domain decides")
		}
		return !done
	})
}

// findAbsentEmail: people of some connections have no address.
func findAbsentEmail(s *Script, r *Rule) {
	if s.guarded(isEmail) {
		return
	}
	s.Tree.walk(func(n *Node) bool {
		if n.is("MemberExpression") && isEmail(n.child("object")) && !n.yes("optional") && n.Parent.is("CallExpression") && n.Parent.child("callee") == n {
			s.report(r, n, "people of some connections have no e-mail address: %s throws for them", s.Source[n.Start:n.End])
			return false
		}
		return true
	})
}

// guarded tells whether the script looks at such a value itself anywhere in a condition.
func (s *Script) guarded(so func(*Node) bool) bool {
	return s.Tree.any(func(n *Node) bool {
		if !n.is("MemberExpression", "ChainExpression") || !so(n) {
			return false
		}
		p := n.Parent
		switch {
		case p.is("LogicalExpression"), p.is("UnaryExpression") && p.text("operator") == "!", p.is("BinaryExpression"):
			return true
		case p.is("UnaryExpression") && p.text("operator") == "typeof":
			return true
		case p.is("IfStatement", "ConditionalExpression") && p.child("test") == n:
			return true
		}
		return false
	})
}

// findAbsentQuery: logins at the token endpoint have no query.
func findAbsentQuery(s *Script, r *Rule) {
	isQuery := func(n *Node) bool { return n.path() == "context.request.query" }
	if s.guarded(isQuery) || s.guarded(func(n *Node) bool { return n.path() == "context.request" }) {
		return
	}
	s.Tree.walk(func(n *Node) bool {
		if n.is("MemberExpression") && isQuery(n.child("object")) && !n.yes("optional") {
			s.report(r, n, "context.request.query is not there in logins at the token endpoint")
			return false
		}
		return true
	})
}

// keywords are what deploy tools put values in the place of.
var keywords = regexp.MustCompile(`##[A-Z0-9_]+##|@@[A-Z0-9_]+@@|_VALUE_NOT_SHOWN_`)

func findPlaceholders(s *Script, r *Rule) {
	for _, at := range keywords.FindAllStringIndex(s.Source, -1) {
		s.reportAt(r, at[0], "%s was never replaced", s.Source[at[0]:at[1]])
	}
}

// wholes are objects that hold tokens and personal data.
var wholes = map[string][]string{
	rehearsal.Rule: {"user", "context", "auth0"}, rehearsal.Action: {"event", "event.user", "event.secrets"}, rehearsal.Hook: {"user", "context"},
}

// findLeaks: whole objects go to somebody else's server.
func findLeaks(s *Script, r *Rule) {
	s.calls(func(n *Node) {
		n.walk(func(c *Node) bool {
			if c != n && c.isFunction() {
				return false
			}
			if !slices.Contains(wholes[s.Kind], c.path()) || c.is("Identifier") && !isUse(c) {
				return true
			}
			if p := c.Parent; p.is("MemberExpression") && p.child("object") == c || p.is("CallExpression") && p.child("callee") == c {
				return true
			}
			s.report(r, c, "the whole %s goes to another server: it holds tokens and personal data; send what is needed", c.path())
			return false
		})
	})
}

// clients are modules whose functions call out.
var clients = []string{"request", "request-promise", "request-promise-native", "axios", "node-fetch", "got", "superagent", "needle"}

// clientNames are the variables that stand for such modules, and fetch.
func (s *Script) clientNames() map[string]string {
	names := map[string]string{"fetch": "fetch"}
	if !s.declared["request"] {
		names["request"] = "request"
	}
	s.Tree.walk(func(n *Node) bool {
		if !n.is("VariableDeclarator") {
			return true
		}
		init := n.child("init")
		for init.is("MemberExpression") || init.is("CallExpression") && init.child("callee").is("MemberExpression") { // require('x').defaults({…})
			if init.is("CallExpression") {
				init = init.child("callee")
			}
			init = init.child("object")
		}
		if init.is("CallExpression") && init.child("callee").name() == "require" && len(init.list("arguments")) > 0 {
			specifier, _ := init.list("arguments")[0].str()
			if at := strings.LastIndex(specifier, "@"); at > 0 {
				specifier = specifier[:at]
			}
			if slices.Contains(clients, specifier) {
				names[n.child("id").name()] = specifier
			}
		}
		return true
	})
	return names
}

// calls visits the calls that go out.
func (s *Script) calls(visit func(n *Node)) {
	names := s.clientNames()
	s.Tree.walk(func(n *Node) bool {
		if n.is("CallExpression") {
			name, _, _ := strings.Cut(n.child("callee").path(), ".")
			if names[name] != "" && n.child("callee").step() != "defaults" && n.child("callee").step() != "create" {
				visit(n)
			}
		}
		return true
	})
}

// findEndlessCalls: request waits for as long as the other side likes, and all scripts of a login have 20 seconds together.
func findEndlessCalls(s *Script, r *Rule) {
	names := s.clientNames()
	if s.Tree.any(func(n *Node) bool {
		return n.is("CallExpression") && n.child("callee").step() == "defaults" && hasMember(n, "timeout")
	}) {
		return
	}
	s.calls(func(n *Node) {
		name, _, _ := strings.Cut(n.child("callee").path(), ".")
		if !strings.HasPrefix(names[name], "request") || len(n.list("arguments")) == 0 {
			return
		}
		for _, a := range n.list("arguments") {
			if a.isFunction() {
				continue
			}
			if a.name() != "" { // options, a URL, a callback: whatever it is, it is made somewhere else
				a = s.valueOf(a.name())
			}
			if a == nil || hasMember(a, "timeout") || a.any(func(c *Node) bool { return c.is("SpreadElement") }) {
				return
			}
		}
		s.report(r, n, "a request without a timeout waits for as long as the other side likes, and all scripts of a login have 20 seconds together")
	})
}

// valueOf is what a variable is declared with, if that is an object or a text; nil otherwise.
func (s *Script) valueOf(name string) *Node {
	var found *Node
	s.Tree.walk(func(n *Node) bool {
		if n.is("VariableDeclarator") && n.child("id").name() == name {
			if init := n.child("init"); init.is("ObjectExpression", "Literal", "TemplateLiteral", "BinaryExpression") {
				found = init
			}
		}
		return found == nil
	})
	if found.is("ObjectExpression") && s.Tree.any(func(n *Node) bool { // options.timeout = 5000
		return n.is("AssignmentExpression") && n.child("left").path() == name+".timeout"
	}) {
		return nil
	}
	return found
}

// hasMember tells whether an object below a node has a member.
func hasMember(n *Node, name string) bool {
	return n.any(func(c *Node) bool {
		if !c.is("Property") {
			return false
		}
		key, _ := c.child("key").str()
		return c.child("key").name() == name || key == name
	})
}
