package rehearsal

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Members of a result that a scenario may want.
var wantable = []string{"outcome", "error", "user", "context", "result", "effects", "metadata", "http", "console", "scripts"}

// Differs compares a result with what a scenario wants. Objects are matched as parts: members that are not mentioned may be anything, null
// stands for nothing. Lists are matched item by item. A text that begins with "re:" is a regular expression. A line of the console may be
// given as its text, a call as "METHOD URL", and the body of a call as the JSON that it is.
func (s *Scenario) Differs(r Result) ([]Difference, error) {
	want, ok := s.Want.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want: there must be an object that says what is wanted; --update writes one")
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(wantable, name) {
			return nil, fmt.Errorf("want: a result has no %q; it has %s", name, strings.Join(wantable, ", "))
		}
	}
	got, _ := asJSON(r).(map[string]any)
	want, _ = asJSON(want).(map[string]any)
	for _, name := range []string{"console", "http"} {
		if err := shorten(name, want, got); err != nil {
			return nil, err
		}
	}
	if list, ok := want["scripts"].([]any); ok {
		shortenScripts(list, got)
	}
	if err := expressions(want, got); err != nil {
		return nil, err
	}
	return differences("", want, got, true), nil
}

func asJSON(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return value(b)
}

// shorten gives what came the short form that is wanted. A list that is wanted empty may be absent.
func shorten(name string, want, got map[string]any) error {
	wanted, mentioned := want[name]
	if !mentioned || wanted == nil {
		return nil
	}
	list, ok := wanted.([]any)
	if !ok {
		return fmt.Errorf("want.%s: must be a list", name)
	}
	have, _ := got[name].([]any)
	if have == nil {
		have = []any{}
	}
	got[name] = have
	for i := range have {
		one, _ := have[i].(map[string]any)
		if i >= len(list) {
			have[i] = short(name, one)
			continue
		}
		switch w := list[i].(type) {
		case string:
			have[i] = short(name, one)
		case map[string]any:
			if text, ok := one["body"].(string); ok && w["body"] != nil {
				if _, isText := w["body"].(string); !isText {
					one["body"] = value([]byte(text))
				}
			}
		}
	}
	return nil
}

// short is a line of the console as its text, a call as its method and URL.
func short(name string, one map[string]any) any {
	if name == "console" {
		return one["text"]
	}
	return fmt.Sprint(one["method"], " ", one["url"])
}

// shortenScripts lets scripts be wanted by their names.
func shortenScripts(want []any, got map[string]any) {
	have, _ := got["scripts"].([]any)
	for i := range have {
		if i < len(want) {
			if _, named := want[i].(string); named {
				have[i] = have[i].(map[string]any)["script"]
			}
		}
	}
}

// expressions puts what came in the place of a regular expression that it matches.
func expressions(want, got any) error {
	each := func(wanted any, have any, put func(any)) error {
		text, ok := wanted.(string)
		if !ok || !strings.HasPrefix(text, "re:") {
			return expressions(wanted, have)
		}
		re, err := expression(text)
		if err != nil {
			return fmt.Errorf("want: %w", err)
		}
		if have, ok := have.(string); ok && re.MatchString(have) {
			put(have)
		}
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		have, _ := got.(map[string]any)
		for name := range w {
			if err := each(w[name], have[name], func(v any) { w[name] = v }); err != nil {
				return err
			}
		}
	case []any:
		have, _ := got.([]any)
		for i := range w {
			if i < len(have) {
				if err := each(w[i], have[i], func(v any) { w[i] = v }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// expression is the regular expression of a wanted text that begins with "re:"; it must match the whole of what came.
func expression(text string) (*regexp.Regexp, error) {
	return regexp.Compile("^(?s:" + strings.TrimPrefix(text, "re:") + ")$")
}
