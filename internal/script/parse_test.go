package script

import (
	"strings"
	"testing"
)

func TestParser(t *testing.T) {
	p, err := NewParser()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, c := range []struct{ source, form, wrong string }{
		{"function (user, context, callback) { callback(); }", "rule", ""},
		{"function r(user, context, callback) { callback(); };\n // end", "program", ""},
		{"/* a */ async (u, c, cb) => { for await (const x of u?.y ?? []) cb(null, 1n, x ||= /(?<a>\\p{L})/u); };  ", "program", ""},
		{"\ufeffexports.f = async function* () { yield* class { #x = 1; static { } } };", "program", ""},
		{"if (1) return;", "module", ""},
		{"const a = 'ü';\nconst b = ;", "", "Unexpected token"},
	} {
		s, err := p.Parse(c.source, "program", "rule", "module")
		got := ""
		if s.Error != nil {
			got = s.Error.Message
		}
		if err != nil || s.Form != c.form || (got == "") != (c.wrong == "") || got != c.wrong || got != "" && s.Error.At != 25 {
			t.Errorf("%s: %v %s %+v", c.source, err, s.Form, s.Error)
		}
	}
	for specifier, want := range map[string]string{
		"lodash": "true ", "request": "true ", "crypto": "true ", "node:crypto": "true ", "no-such-thing-at-all@1.0.0": "false ", "lodash@0.0.1": "true used",
	} {
		found, instead := p.Resolve(specifier)
		got := map[bool]string{true: "true ", false: "false "}[found]
		if instead != "" {
			got += "used"
		}
		if got != want {
			t.Errorf("%s: %s (%s)", specifier, got, instead)
		}
	}
	if s, err := p.Parse(strings.Repeat("[", 1<<20), "program"); err == nil && s.Error == nil {
		t.Error("nothing is wrong with a million brackets")
	}
	if s, err := p.Parse("function (a) {}", "rule"); err != nil || s.Error != nil {
		t.Errorf("after that: %v %+v", err, s.Error)
	}
}
