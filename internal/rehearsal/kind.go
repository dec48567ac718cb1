package rehearsal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/script"
)

// Kinds of scripts beside those of connections, which are named after the operations.
const (
	Rule   = "rule"
	Action = "action"
	Hook   = "hook"
)

// Kinds are all of them, in the order in which they are explained.
func Kinds() []string {
	kinds := []string{Rule, Action, Hook}
	for _, o := range script.Operations {
		kinds = append(kinds, kindOf(o))
	}
	return kinds
}

// kindOf is the kind of the scripts of an operation: database-get-user, fetch-user-profile, get-logout-url.
func kindOf(o *script.Operation) string {
	switch o.Name {
	case script.FetchUserProfile:
		return "fetch-user-profile"
	case script.GetLogoutURL:
		return "get-logout-url"
	}
	return "database-" + strings.ReplaceAll(o.Name, "_", "-")
}

// operation is what the scripts of a kind are called for; nil for rules, actions and hooks.
func operation(kind string) *script.Operation {
	for _, o := range script.Operations {
		if kindOf(o) == kind {
			return o
		}
	}
	return nil
}

// Guess tells the kind and the trigger of a script by what it exports: a handler makes it an action, anything else that is exported a hook,
// and what exports nothing is a rule, unless its first function is called as those of connections are, and takes what they take.
func Guess(source string) (kind, trigger string) {
	for _, t := range script.Triggers {
		if exported(t.Handler).MatchString(source) {
			return Action, t.ID
		}
	}
	if exportsAnything.MatchString(source) {
		return Hook, ""
	}
	if named := firstFunction.FindStringSubmatch(source); named != nil {
		for _, o := range script.Operations {
			if slices.Contains(o.Functions, named[1]) && o.Takes(strings.Split(named[2], ",")) {
				return kindOf(o), ""
			}
		}
	}
	return Rule, ""
}

var firstFunction = regexp.MustCompile(`(?m)^[\s(]*(?:async\s+)?function\s+(\w+)\s*\(([^)]*)\)`)

var exportsAnything = regexp.MustCompile(`(?m)\b(module\.)?exports\b`)

func exported(handler string) *regexp.Regexp {
	return regexp.MustCompile(`\bexports\s*\.\s*` + handler + `\b|\bexports\s*=\s*\{(?s:.*)\b` + handler + `\b`)
}

// settle fills in the kind and the trigger that a play does not name, and refuses what cannot be run.
func (p *Play) settle() error {
	if len(p.Scripts) == 0 {
		return fmt.Errorf("there is no script to run")
	}
	p.Kind = strings.ReplaceAll(p.Kind, "_", "-")
	kind, trigger := Guess(p.Scripts[0].Source)
	if p.Kind == "" {
		p.Kind = kind
	}
	switch p.Kind {
	case Rule:
		if p.Trigger != "" {
			return fmt.Errorf("a rule has no trigger")
		}
		return nil
	case Action:
		if p.Trigger == "" {
			p.Trigger = trigger
		}
		if p.Trigger == "" {
			return fmt.Errorf("which trigger? The script exports no handler of one; they are %s", strings.Join(triggers(false), ", "))
		}
	case Hook:
		if p.Trigger == "" {
			return fmt.Errorf("which trigger? Hooks have %s", strings.Join(triggers(true), ", "))
		}
		if len(p.Scripts) > 1 {
			return fmt.Errorf("of the hooks of a trigger one runs, not %d", len(p.Scripts))
		}
	default:
		switch {
		case operation(p.Kind) == nil:
			return fmt.Errorf("no kind of script is called %q: they are %s", p.Kind, strings.Join(Kinds(), ", "))
		case p.Trigger != "":
			return fmt.Errorf("a script of a connection has no trigger")
		case len(p.Scripts) > 1:
			return fmt.Errorf("of the scripts of a connection one is called, not %d", len(p.Scripts))
		}
		return nil
	}
	t := script.TriggerByID(p.Trigger)
	if t == nil || !t.Runs || p.Kind == Hook && t.Hook == nil {
		return fmt.Errorf("no %s runs at the trigger %q: there are %s", p.Kind, p.Trigger, strings.Join(triggers(p.Kind == Hook), ", "))
	}
	return nil
}

// triggers are the ids of those at which scripts run.
func triggers(hooks bool) []string {
	var out []string
	for _, t := range script.Triggers {
		if t.Runs && (!hooks || t.Hook != nil) {
			out = append(out, t.ID)
		}
	}
	return out
}
