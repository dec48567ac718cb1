package lint

import (
	"regexp"
	"slices"
	"strings"
)

// Locales that the embedded runtime knows, and options of which it has some values only: see internal/script/js/modules/locale.js.
var (
	embeddedLocale = regexp.MustCompile(`(?i)^(en|en-us|default)$`)
	embeddedOrder  = regexp.MustCompile(`(?i)^(en|en-[a-z]{2}|default)$`)
	onlyOfNode     = strings.Fields("timeZoneName era dayPeriod fractionalSecondDigits signDisplay minimumSignificantDigits maximumSignificantDigits")
	onlyValues     = map[string][]string{
		"style": {"currency", "percent", "unit"}, "notation": {"compact", "scientific", "engineering"}, "sensitivity": {"case"},
		"weekday": {"narrow"}, "month": {"narrow"}, "timeStyle": {"full", "long"},
	}
)

// findNodeOnly finds what the embedded runtime does not have and Node.js does.
func findNodeOnly(s *Script, r *Rule) {
	s.Tree.walk(func(n *Node) bool {
		if isUse(n) && n.name() == "Intl" && !s.declared["Intl"] && n.Parent.is("MemberExpression") {
			s.report(r, n, "Intl is there on Node.js only")
		}
		if !n.is("CallExpression") {
			return true
		}
		method, arguments := n.child("callee").step(), n.list("arguments")
		known := embeddedLocale
		switch method {
		case "toLocaleString", "toLocaleDateString", "toLocaleTimeString":
		case "localeCompare":
			known, arguments = embeddedOrder, arguments[min(1, len(arguments)):]
		default:
			return true
		}
		if len(arguments) > 0 {
			if locale, ok := arguments[0].str(); ok && !known.MatchString(locale) {
				s.report(r, n, "%s with the locale %s is there on Node.js only", method, locale)
				return true
			}
		}
		if len(arguments) > 1 {
			for _, p := range arguments[1].list("properties") {
				if name := p.child("key").name(); nodeOnlyOption(name, p.child("value")) {
					s.report(r, n, "%s with this %s is there on Node.js only", method, name)
				}
			}
		}
		return true
	})
}

func nodeOnlyOption(name string, value *Node) bool {
	text, _ := value.str()
	return slices.Contains(onlyOfNode, name) || slices.Contains(onlyValues[name], text) || name == "numeric" && value.yes("value")
}
