package rehearsal

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stagedoor/stagedoor/internal/script"
)

// Kinds of scripts.
const (
	Rule   = "rule"
	Action = "action"
	Hook   = "hook"
)

// Kinds are all of them, in the order in which they are explained.
var Kinds = []string{Rule, Action, Hook}

// Guess tells the kind and the trigger of a script by what it exports: a handler makes it an action, anything else that is exported a hook,
// and what exports nothing is a rule.
func Guess(source string) (kind, trigger string) {
	for _, t := range script.Triggers {
		if exported(t.Handler).MatchString(source) {
			return Action, t.ID
		}
	}
	if exportsAnything.MatchString(source) {
		return Hook, ""
	}
	return Rule, ""
}

var exportsAnything = regexp.MustCompile(`(?m)\b(module\.)?exports\b`)

func exported(handler string) *regexp.Regexp {
	return regexp.MustCompile(`\bexports\s*\.\s*` + handler + `\b|\bexports\s*=\s*\{(?s:.*)\b` + handler + `\b`)
}

// settle fills in the kind and the trigger that a play does not name, and refuses what cannot be run.
func (p *Play) settle() error {
	if len(p.Scripts) == 0 {
		return fmt.Errorf("there is no script to run")
	}
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
		return fmt.Errorf("no kind of script is called %q: they are %s", p.Kind, strings.Join(Kinds, ", "))
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
