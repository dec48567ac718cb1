package lucene

import (
	"errors"
	"strings"
	"testing"
)

func TestParseSCIM(t *testing.T) {
	schema := Schema{Known: []string{"name", "level", "on", "meta.*"}, Bare: []string{"name"}}
	values := map[string][]string{"name": {Text("Hello \"World\"*")}, "level": {Number("7")}, "on": {Bool(true)}, "meta.plan": {Text("gold")}}
	for q, want := range map[string]bool{
		"":                                     true,
		`name eq "Hello \"World\"*"`:           true,
		`name sw "Hel"`:                        true,
		`name ew "ld\"*"`:                      true,
		`name co "o \"W"`:                      true,
		`name co "xyz"`:                        false,
		`name ne "Hello"`:                      true,
		`level gt 6 and level le 7`:            true,
		`level lt 7`:                           false,
		`level eq 7 and on eq true`:            true,
		`on eq false or meta.plan eq "gold"`:   true,
		`not (meta.plan pr)`:                   false,
		`meta.other eq null`:                   true,
		`meta.plan ne null`:                    true,
		`meta.plan eq null or name ge "Hello"`: true,
	} {
		n, err := ParseSCIM(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		e, err := schema.Compile(n)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		if got := e.Match(func(path string) []string { return values[path] }); got != want {
			t.Errorf("%s: %v, want %v", q, got, want)
		}
	}
	for _, q := range []string{
		"name", `name eq`, `name zz "a"`, `name[a eq 1]`, `emails[type eq "work"].value eq "x"`, `level co 7`, `on gt null`, `color eq "red"`, `meta eq "x"`, `name co "lo"`, `name eq "\ud800"`,
		strings.Repeat("(", 60) + `name pr` + strings.Repeat(")", 60), strings.Repeat(`name pr and `, 1100) + `name pr`,
	} {
		n, err := ParseSCIM(q)
		if err == nil {
			_, err = schema.Compile(n)
		}
		var wrong *SyntaxError
		if !errors.As(err, &wrong) && q != `name eq "\ud800"` {
			t.Errorf("%.40s: %v, want a syntax error", q, err)
		}
	}
}

// Whatever is asked: an answer or an error.
func FuzzParseSCIM(f *testing.F) {
	for _, q := range []string{`name eq "a" and (x gt 2 or not (y pr))`, `a.b ne null`, `((((((`, `a[b eq "c"].d co "\u00e9"`, `a eq 1e400`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		n, err := ParseSCIM(q)
		if err != nil {
			return
		}
		if e, err := personSchema.Compile(n); err == nil {
			e.Match(func(string) []string { return nil })
		}
	})
}
