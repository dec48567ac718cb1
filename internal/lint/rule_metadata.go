package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/rehearsal"
)

// powers are names of claims and metadata that applications decide by, as words of their own: a parole is no role.
var powers = regexp.MustCompile(`(?i:admin|superuser|entitle|privileg|premium)` +
	`|(?:^|[^A-Za-z])(?i:role|permi|perms|scope|group|plan(s|_|-|$)|tier|level|paid|vip|staff|trusted|verified|approv|allowed|authori[sz]ed|licen[cs]e|access(_|-|$))` +
	`|Role|Permi|Perms|Scope|Group|Plan(s|[A-Z]|$)|Tier|Level|Paid|VIP|Vip|Staff|Trusted|Verified|Approv|Allowed|Authori[sz]ed|Licen[cs]e|Access([A-Z]|$)`)

// What a script may do that decides about a person, in the order in which it is told, and what to do about it.
const (
	refuses = iota
	asksFactor
	setsScopes
	grants
)

var instead = []string{
	refuses:    "whether to let them in must be in app_metadata",
	asksFactor: "whether a factor is asked for must be in app_metadata",
	setsScopes: "which scopes they get must be in app_metadata",
	grants:     "%s must come from app_metadata",
}

// effect is one such deed. Those of two branches that are the same are not decided by the condition.
type effect struct {
	kind       int
	key, value string // which scope or claim, and what it is set to
	always     bool   // whatever else is
}

// effectCalls are the methods that decide, by the end of their path.
var effectCalls = map[string]int{
	"access.deny": refuses, "access.rejectInvalidSubjectToken": refuses,
	"multifactor.enable": asksFactor, "authentication.challengeWith": asksFactor, "authentication.challengeWithAny": asksFactor,
	"authentication.enrollWith": asksFactor, "authentication.enrollWithAny": asksFactor,
	"accessToken.addScope": setsScopes, "accessToken.removeScope": setsScopes, "accessToken.scope.push": setsScopes,
	"transaction.addTargetScope": setsScopes, "transaction.removeTargetScope": setsScopes, "transaction.setTargetScopes": setsScopes,
}

// granting are the methods that set something by a name, by the end of their path.
var granting = []string{"idToken.setCustomClaim", "accessToken.setCustomClaim", "samlResponse.setAttribute", "user.setAppMetadata"}

// tail is the end of a path: its last two steps, or three for a member of context.accessToken.scope.
func tail(path string) string {
	steps := strings.Split(path, ".")
	n := min(len(steps), 2)
	if strings.HasSuffix(path, "accessToken.scope.push") {
		n = 3
	}
	return strings.Join(steps[len(steps)-n:], ".")
}

// decisions looks for what user_metadata decides in a script.
type decisions struct {
	*metadata
	s      *Script
	signUp bool // user_metadata is a form that was just filled in: to refuse what is wrong in it is no decision about somebody
	known  map[standing]map[effect]bool
}

// standing is a node and where it stands: what it does there is looked for once.
type standing struct {
	n  *Node
	at place
}

// findUntrustedDecisions: the person writes user_metadata; who decides by it lets the person decide.
func findUntrustedDecisions(s *Script, r *Rule) {
	if !strings.Contains(s.Source, "user_metadata") {
		return
	}
	d := &decisions{metadata: traceMetadata(s.Tree), s: s, known: map[standing]map[effect]bool{}}
	d.signUp = s.Kind == rehearsal.Hook || s.Handlers["onExecutePreUserRegistration"] != nil
	s.Tree.walk(func(n *Node) bool {
		if test, e := d.decision(n); test != nil {
			d.report(r, test, e)
		}
		if key, value := d.grant(n); powers.MatchString(key) && (d.reads(value) || d.origin(value) == whole) {
			d.report(r, value, effect{kind: grants, key: key})
		}
		if n.is("CallExpression") && effectCalls[tail(n.child("callee").path())] == setsScopes && slices.ContainsFunc(n.list("arguments"), d.reads) {
			d.report(r, n.list("arguments")[0], effect{kind: setsScopes})
		}
		return true
	})
}

func (d *decisions) report(r *Rule, at *Node, e effect) {
	what := instead[e.kind]
	if e.kind == grants {
		what = fmt.Sprintf(what, e.key)
	}
	d.s.report(r, at, "the person can change user_metadata: %s", what)
}

// decision is the condition over user_metadata that a node decides by, and what it decides; nil for none.
func (d *decisions) decision(n *Node) (*Node, effect) {
	var test *Node
	var branches []map[effect]bool
	switch {
	case n.is("IfStatement"):
		if test = n.child("test"); d.reads(test) {
			branches = d.branches(n, []*Node{n.child("consequent")}, []*Node{n.child("alternate")})
		}
	case n.is("ConditionalExpression"):
		if test = n.child("test"); d.reads(test) {
			branches = []map[effect]bool{d.effects(n.child("consequent")), d.effects(n.child("alternate"))}
		}
	case n.is("LogicalExpression"):
		if test = n.child("left"); d.reads(test) {
			branches = []map[effect]bool{d.effects(n.child("right")), {}}
		}
	case n.is("SwitchStatement"):
		if test = n.child("discriminant"); d.reads(test) || slices.ContainsFunc(n.list("cases"), func(c *Node) bool { return d.reads(c.child("test")) }) {
			branches = d.branches(n, cases(n)...)
		}
	}
	for _, b := range branches {
		if e, differs := difference(branches[0], b); differs {
			return test, e
		}
	}
	return nil, effect{}
}

// cases are the statements of the cases of a switch, and nothing where there is no default. One that is empty runs into the next.
func cases(n *Node) [][]*Node {
	var out [][]*Node
	whole, all := false, n.list("cases")
	for i, c := range all {
		whole = whole || c.child("test") == nil
		if statements := c.list("consequent"); len(statements) > 0 || i == len(all)-1 {
			out = append(out, statements)
		}
	}
	if !whole {
		out = append(out, nil)
	}
	return out
}

// difference is the first thing that one branch does and the other does not.
func difference(a, b map[effect]bool) (effect, bool) {
	var only []effect
	for e := range a {
		if !b[e] {
			only = append(only, e)
		}
	}
	for e := range b {
		if !a[e] {
			only = append(only, e)
		}
	}
	if len(only) == 0 {
		return effect{}, false
	}
	return slices.MinFunc(only, func(x, y effect) int {
		if x.kind != y.kind {
			return x.kind - y.kind
		}
		return strings.Compare(x.key, y.key)
	}), true
}

// branches are the effects of the branches of a statement. Where one of them ends the function, what follows the statement belongs to the
// others.
func (d *decisions) branches(n *Node, all ...[]*Node) []map[effect]bool {
	guards := slices.ContainsFunc(all, leaves)
	var out []map[effect]bool
	for _, branch := range all {
		found := d.effects(branch...)
		if guards && !leaves(branch) {
			for _, next := range rest(n) {
				maps.Copy(found, d.does(next, place{following: true}))
			}
		}
		out = append(out, found)
	}
	return out
}

// leaves tells whether statements end the function.
func leaves(all []*Node) bool {
	return slices.ContainsFunc(all, func(n *Node) bool {
		switch {
		case n.is("ReturnStatement", "ThrowStatement"):
			return true
		case n.is("BlockStatement"):
			return leaves(n.list("body"))
		case n.is("TryStatement"):
			return leaves([]*Node{n.child("block")})
		case n.is("IfStatement"):
			return leaves([]*Node{n.child("consequent")}) && leaves([]*Node{n.child("alternate")})
		}
		return false
	})
}

// rest is what runs behind a statement until the function ends.
func rest(n *Node) []*Node {
	var out []*Node
	for ; n.Parent != nil && !n.isFunction() && !leaves(out); n = n.Parent {
		list := n.Parent.list("body")
		if n.Parent.is("SwitchCase") {
			list = n.Parent.list("consequent")
		}
		if at := slices.Index(list, n); at >= 0 {
			out = append(out, list[at+1:]...)
		}
	}
	return out
}

// place tells where in a branch something stands.
type place struct {
	following   bool // behind the statement whose branch it belongs to
	conditional bool // under a further condition, which looks at the login
	later       bool // in a function that somebody calls
}

// does is what is done below a node; of a function that calls itself, what it does before that.
func (d *decisions) does(n *Node, at place) map[effect]bool {
	key := standing{n, at}
	if d.known[key] == nil {
		d.known[key] = map[effect]bool{}
		d.collect(d.known[key], n, at)
	}
	return d.known[key]
}

// effects are what nodes do.
func (d *decisions) effects(all ...*Node) map[effect]bool {
	found := map[effect]bool{}
	for _, n := range all {
		d.collect(found, n, place{})
	}
	return found
}

// collect finds what is done below a node. What happens when something fails, or when what was asked for is not there, decides nothing, nor
// does what a page answers to which somebody was sent.
func (d *decisions) collect(found map[effect]bool, n *Node, at place) {
	inner := at
	inner.conditional = true
	switch {
	case n == nil || n.is("FunctionDeclaration", "ClassDeclaration"):
		return
	case n.isFunction():
		if passedOn(n) {
			at.later = true
			d.collect(found, n.child("body"), at)
		}
		return
	case n.is("IfStatement", "ConditionalExpression"):
		d.collect(found, n.child("test"), at)
		if d.looksAtLogin(n.child("test")) {
			d.collect(found, n.child("consequent"), inner)
			d.collect(found, n.child("alternate"), inner)
		}
		return
	case n.is("LogicalExpression"):
		d.collect(found, n.child("left"), at)
		if d.looksAtLogin(n.child("left")) {
			d.collect(found, n.child("right"), inner)
		}
		return
	case n.is("SwitchStatement"):
		if !d.looksAtLogin(n.child("discriminant")) {
			return
		}
		at = inner
	case n.is("ForStatement", "ForInStatement", "ForOfStatement", "WhileStatement"):
		at = inner
	case n.is("CatchClause"):
		return
	}
	if e, is := d.effect(n, at); is {
		found[e] = true
	}
	if fn := d.calledBy(n); fn != nil {
		maps.Copy(found, d.does(fn.child("body"), at))
	}
	for _, c := range n.children() {
		d.collect(found, c, at)
	}
}

// passedOn tells a function that is called or handed to somebody where it stands, who does not call it for failures alone.
func passedOn(fn *Node) bool {
	call := fn.Parent
	if !call.is("CallExpression") {
		return false
	}
	step := call.child("callee").step()
	return step != "catch" && (step != "then" || call.list("arguments")[0] == fn)
}

// looksAtLogin tells a condition over the person and the login from one over the script's own doings: errors, answers, the configuration.
func (d *decisions) looksAtLogin(test *Node) bool {
	if strings.Contains(d.s.Source[test.Start:test.End], "redirect-callback") {
		return false
	}
	return test.any(func(n *Node) bool {
		if o := d.origin(n); isUse(n) && (o == member || o == whole) {
			return true
		}
		first, others, _ := strings.Cut(n.path(), ".")
		return n.is("MemberExpression") && slices.Contains([]string{"user", "context", "event"}, first) && !strings.HasPrefix(others, "secrets")
	})
}

// effect is what a node itself does.
func (d *decisions) effect(n *Node, at place) (effect, bool) {
	e := effect{always: !at.conditional}
	switch firm, is := d.refuses(n); {
	case is:
		return e, !d.signUp && (firm || !at.conditional && !at.later)
	case n.is("CallExpression"):
		kind, is := effectCalls[tail(n.child("callee").path())]
		if e.kind = kind; is && kind == asksFactor {
			return e, true
		}
		if is && kind == setsScopes {
			e.key, e.value = n.child("callee").step(), d.text(n)
			return e, !at.following || !at.conditional
		}
	case n.is("AssignmentExpression") && n.child("left").path() == "context.multifactor":
		e.kind = asksFactor
		return e, true
	case n.is("AssignmentExpression") && n.child("left").path() == "context.accessToken.scope":
		e.kind, e.value = setsScopes, d.text(n.child("right"))
		return e, !at.following || !at.conditional
	}
	key, value := d.grant(n)
	if value == nil || d.origin(value) != fixed || !powers.MatchString(key) && !value.any(power) {
		return e, false
	}
	e.kind, e.key, e.value = grants, key, d.text(value)
	return e, !at.following || !at.conditional
}

// power tells a text that names a power.
func power(n *Node) bool {
	text, _ := n.str()
	return powers.MatchString(text)
}

func (d *decisions) text(n *Node) string { return d.s.Source[n.Start:n.End] }

// refuses tells whether a node refuses. It is firm where it says so: any other error may tell of something that failed.
func (d *decisions) refuses(n *Node) (firm, is bool) {
	switch {
	case n.is("NewExpression"):
		name := n.child("callee").name()
		return name == "UnauthorizedError", strings.HasSuffix(name, "Error")
	case n.is("CallExpression") && n.child("callee").name() == d.s.Callback && d.s.Callback != "" && len(n.list("arguments")) > 0:
		first := n.list("arguments")[0]
		if text, _ := first.str(); text != "" {
			return false, true
		}
		for _, b := range d.bound[d.variable(first)] {
			if b.from.is("NewExpression") {
				return d.refuses(b.from)
			}
		}
	case n.is("CallExpression"):
		kind, is := effectCalls[tail(n.child("callee").path())]
		return true, is && kind == refuses
	}
	return false, false
}

// grant is what a node sets in a token or in app_metadata: a name and a value; nil for anything else.
func (d *decisions) grant(n *Node) (string, *Node) {
	switch {
	case n.is("AssignmentExpression") && n.child("left").is("MemberExpression"):
		left := n.child("left")
		path := left.child("object").path()
		if strings.HasSuffix(path, ".idToken") || strings.HasSuffix(path, ".accessToken") || strings.Contains(path, "app_metadata") || path == "context.authorization" {
			return d.claim(left.child("property")), n.child("right")
		}
	case n.is("CallExpression") && len(n.list("arguments")) > 1 && slices.Contains(granting, tail(n.child("callee").path())):
		return d.claim(n.list("arguments")[0]), n.list("arguments")[1]
	case n.is("Property") && inAppMetadata(n):
		return d.claim(n.child("key")), n.child("value")
	}
	return "", nil
}

// inAppMetadata tells a property of what is written to app_metadata.
func inAppMetadata(property *Node) bool {
	object := property.Parent
	return object.is("ObjectExpression") && (object.Parent.is("Property") && object.Parent.child("key").name() == "app_metadata" ||
		object.Parent.is("CallExpression") && object.Parent.child("callee").step() == "updateAppMetadata")
}

// claim is the name of a claim without what namespaces stand before it.
func (d *decisions) claim(n *Node) string {
	name, ok := n.str()
	switch {
	case n.is("Identifier"):
		name = n.name()
		for _, b := range d.bound[d.variable(n)] {
			if _, is := b.from.str(); is && !isMemberName(n) {
				return d.claim(b.from)
			}
		}
	case n.is("BinaryExpression"):
		return d.claim(n.child("right"))
	case n.is("TemplateLiteral") && !ok:
		quasis, expressions := n.list("quasis"), n.list("expressions")
		last := quasis[len(quasis)-1]
		if name = d.text(last); name == "" {
			return d.claim(expressions[len(expressions)-1])
		}
	case !ok:
		name = n.step()
	}
	name = strings.TrimRight(name, "/")
	return name[strings.LastIndexAny(name, "/:")+1:]
}

// isMemberName tells a name that stands for itself and not for a variable.
func isMemberName(n *Node) bool {
	return n.Parent.is("MemberExpression", "Property") && !n.Parent.yes("computed")
}
