package lint

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/script"
)

// apiName is the name that a handler gives its second parameter.
func apiName(fn *Node) string {
	if p := fn.list("params"); len(p) > 1 {
		return p[1].name()
	}
	return ""
}

// triggerOf is the trigger that a handler belongs to; nil for none.
func triggerOf(handler string) *script.Trigger {
	for _, t := range script.Triggers {
		if t.Handler == handler || strings.TrimPrefix(handler, "onContinue") == strings.TrimPrefix(t.Handler, "onExecute") && strings.HasPrefix(handler, "onContinue") {
			return t
		}
	}
	return nil
}

// findUnknownMembers: what api does not have throws where it is called.
func findUnknownMembers(s *Script, r *Rule) {
	for handler, fn := range s.Handlers {
		t, api := triggerOf(handler), apiName(fn)
		if t == nil || api == "" {
			continue
		}
		known, described := members[t.ID]
		if !described {
			continue
		}
		known = append(slices.Clone(ofCache), known...)
		fn.walk(func(n *Node) bool {
			if !n.is("MemberExpression") {
				return true
			}
			path := n.path()
			name, ok := strings.CutPrefix(path, api+".")
			if !ok {
				return true
			}
			group := func(k string) bool { return k == name || strings.HasPrefix(k, name+".") }
			if slices.ContainsFunc(known, group) {
				return false
			}
			if n.Parent.is("MemberExpression") && n.Parent.child("object") == n && strings.Count(path, ".") == 1 && n.Parent.step() != "" {
				n = n.Parent
				name = strings.TrimPrefix(n.path(), api+".")
			}
			near := ""
			for _, k := range known {
				if _, last, _ := strings.Cut(k, "."); strings.HasSuffix(name, "."+last) {
					near = "; there is " + api + "." + k
					break
				}
			}
			s.report(r, n, "api of %s has no %s%s", t.ID, name, near)
			return false
		})
	}
}

// findUnknownHandlers: what is exported under another name is never called.
func findUnknownHandlers(s *Script, r *Rule) {
	for handler, fn := range s.Handlers {
		if triggerOf(handler) == nil && fn != nil && (strings.HasPrefix(handler, "onExecute") || strings.HasPrefix(handler, "onContinue")) {
			s.report(r, fn, "no trigger calls %s", handler)
		}
	}
}

// ofRules are the names that rules have and actions do not, with what stands for them there.
var ofRules = map[string]string{
	"configuration": "event.secrets", "auth0": "the management client of the module auth0", "UnauthorizedError": "api.access.deny",
	"callback": "a promise: the handler is async", "user": "event.user", "context": "event",
}

func findNamesOfRules(s *Script, r *Rule) {
	s.Tree.walk(func(n *Node) bool {
		if instead, is := ofRules[n.name()]; is && isUse(n) && !s.declared[n.name()] {
			s.report(r, n, "actions have no %s; use %s", n.name(), instead)
		}
		return true
	})
}

// wrongNames are members that the other kind of script has by another name.
var wrongNames = map[string]map[string]string{
	rehearsal.Rule: {
		"context.stats.logins_count": "context.stats.loginsCount", "context.request.user_agent": "context.request.userAgent",
		"context.client_id": "context.clientID", "context.client.client_id": "context.clientID", "context.client.name": "context.clientName",
		"context.client.metadata": "context.clientMetadata", "context.connection.name": "context.connection", "context.connection.strategy": "context.connectionStrategy",
		"context.transaction.protocol": "context.protocol", "context.request.geoip.countryCode": "context.request.geoip.country_code",
		"context.request.geoip.cityName": "context.request.geoip.city_name", "context.secrets": "configuration",
	},
	rehearsal.Action: {
		"event.stats.loginsCount": "event.stats.logins_count", "event.request.userAgent": "event.request.user_agent",
		"event.client.clientID": "event.client.client_id", "event.client.id": "event.client.client_id", "event.clientID": "event.client.client_id",
		"event.connectionStrategy": "event.connection.strategy", "event.protocol": "event.transaction.protocol",
		"event.request.geoip.country_code": "event.request.geoip.countryCode", "event.request.geoip.city_name": "event.request.geoip.cityName",
		"event.configuration": "event.secrets",
	},
}

func findWrongNames(s *Script, r *Rule) {
	wrong := wrongNames[s.Kind]
	s.Tree.walk(func(n *Node) bool {
		if n.is("MemberExpression") {
			if right, is := wrong[n.path()]; is {
				s.report(r, n, "there is no %s here; it is %s", n.path(), right)
				return false
			}
		}
		return true
	})
}

// magic are the globals that exist for scripts of the first years only.
var magic = strings.Fields(`_ async Auth0 azure_storage bcrypt couchbase cql ip jwt Knex mongo mysql mysql_pool ObjectID pbkdf2 pg postgres
	Pubnub q querystring request sqlserver uuid xml2js xmldom xpath xtend webtask`)

func findMagicGlobals(s *Script, r *Rule) {
	seen := map[string]bool{}
	s.Tree.walk(func(n *Node) bool {
		if name := n.name(); isUse(n) && slices.Contains(magic, name) && !s.declared[name] && !seen[name] {
			seen[name] = true
			s.report(r, n, "%s is a global of old runtimes; require its module", name)
		}
		if n.is("NewExpression") && n.child("callee").name() == "Buffer" {
			s.report(r, n, "new Buffer is deprecated; use Buffer.from or Buffer.alloc")
		}
		return true
	})
}

// findUnknownModules asks the resolver that scripts have.
func findUnknownModules(s *Script, r *Rule) {
	s.requires(func(n *Node, specifier string) {
		if strings.HasPrefix(specifier, "actions:") {
			return
		}
		if found, _ := s.parser.Resolve(specifier); !found {
			s.report(r, n, "no module is called %s; an operator can add packages: stagedoor modules add", specifier)
		}
	})
}

func findOtherVersions(s *Script, r *Rule) {
	s.requires(func(n *Node, specifier string) {
		if _, instead := s.parser.Resolve(specifier); instead != "" {
			s.report(r, n, "%s is not here; version %s is used in its place", specifier, instead)
		}
	})
}

// requires visits every require and import() of a text.
func (s *Script) requires(visit func(n *Node, specifier string)) {
	s.Tree.walk(func(n *Node) bool {
		if n.is("CallExpression") && n.child("callee").name() == "require" && len(n.list("arguments")) > 0 {
			if specifier, ok := n.list("arguments")[0].str(); ok {
				visit(n, specifier)
			}
		}
		if n.is("ImportExpression") {
			if specifier, ok := n.child("source").str(); ok {
				visit(n, specifier)
			}
		}
		return true
	})
}

// findDeadEnds: logins without a browser, above all exchanges of refresh tokens, end where somebody is sent elsewhere or asked for a factor.
func findDeadEnds(s *Script, r *Rule) {
	asks := s.Tree.any(func(n *Node) bool {
		return n.is("MemberExpression") && slices.Contains([]string{"protocol", "canRedirect", "protocolCanRedirect"}, n.step()) ||
			n.is("Property") && n.child("key").name() == "protocol"
	})
	if asks {
		return
	}
	s.Tree.walk(func(n *Node) bool {
		what := ""
		switch {
		case n.is("AssignmentExpression"):
			if path := n.child("left").path(); path == "context.redirect" || path == "context.multifactor" || path == "context.redirect.url" {
				what = path
			}
		case n.is("CallExpression") && s.Kind == rehearsal.Action:
			path := n.child("callee").path()
			for _, end := range []string{".redirect.sendUserTo", ".multifactor.enable", ".authentication.challengeWith", ".authentication.challengeWithAny", ".authentication.enrollWith", ".authentication.enrollWithAny"} {
				if strings.HasSuffix(path, end) {
					what = path
				}
			}
		}
		if what != "" {
			s.report(r, n, "%s ends exchanges of refresh tokens and other logins without a browser: look at the protocol first", what)
			return false
		}
		return true
	})
}
