package lint

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

func declarations(t *testing.T, file string) string {
	t.Helper()
	b, err := script.Types.ReadFile("types/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	group    = regexp.MustCompile(`^  (\w+): \{$`)
	function = regexp.MustCompile(`^    (\w+)\(`)
)

// declared are the members of an interface as actions.d.ts is written: a group on a line, a function on a line in it.
func declared(text, name string) []string {
	_, text, found := strings.Cut(text, "\ninterface "+name+" {\n")
	if !found {
		return nil
	}
	text, _, _ = strings.Cut(text, "\n}")
	all, in := []string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := group.FindStringSubmatch(line); m != nil {
			in = m[1]
		} else if m := function.FindStringSubmatch(line); m != nil {
			all = append(all, in+"."+m[1])
		}
	}
	slices.Sort(all)
	return all
}

// TestTypesOfActions holds the declarations, the table of api's members, which TestMembersAreThere holds to the host, and the list of
// triggers together.
func TestTypesOfActions(t *testing.T) {
	text := declarations(t, "actions.d.ts")
	for _, trigger := range script.Triggers {
		known, described := members[trigger.ID]
		if !described {
			if trigger.Runs {
				t.Errorf("%s runs and has no declarations", trigger.ID)
			}
			continue
		}
		name := strings.TrimPrefix(trigger.Handler, "onExecute")
		for _, want := range []string{"type " + name + "Action = ", "interface " + name + "Event ", "interface " + name + "API {\n  cache: CacheAPI;\n"} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("%s: there is no %q", trigger.ID, want)
			}
		}
		want := slices.Sorted(slices.Values(known))
		if got := declared(text, name+"API"); !slices.Equal(got, want) {
			t.Errorf("%s:\nthe declarations have %q\nthe table has %q", trigger.ID, got, want)
		}
	}
}

// TestTypesOfTheOthers: every hook and every script of a connection has its type, and every class of errors is declared.
func TestTypesOfTheOthers(t *testing.T) {
	hooks, connections := declarations(t, "hooks.d.ts"), declarations(t, "connections.d.ts")
	title := func(name string) string {
		out := ""
		for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' }) {
			out += strings.ToUpper(word[:1]) + word[1:]
		}
		return out
	}
	for _, trigger := range script.Triggers {
		if trigger.Hook == nil {
			continue
		}
		if !strings.Contains(hooks, "\ntype "+title(trigger.ID)+"Hook = ") {
			t.Errorf("no type for the hook %s", trigger.ID)
		}
		for _, class := range trigger.Hook.Errors {
			if !strings.Contains(hooks, "declare class "+class+" ") {
				t.Errorf("no class %s", class)
			}
		}
	}
	for _, o := range script.Operations {
		if !strings.Contains(connections, "\ntype "+title(o.Name)+"Script = ") {
			t.Errorf("no type for the script %s", o.Name)
		}
	}
}
