package liquid

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
)

var someone = map[string]any{
	"user": map[string]any{"name": `<b>"O'Brien" & co</b>`, "email": "ada@example.com", "user_metadata": map[string]any{"lang": "de"}},
	"url":  "https://x.test/?a=1&b=2", "list": []any{"a", "b", "c"}, "none": nil, "on": true, "widget": Raw("<form>&</form>"),
	"options": Object{"min_length": 12, "deep": map[string]any{"a": "<"}}, "nothing": Object{},
	"sly": "a\\`${b}$",
}

func TestRender(t *testing.T) {
	for _, row := range []struct{ source, text, html string }{
		{`Hi {{ user.name }}!`, `Hi <b>"O'Brien" & co</b>!`, `Hi &lt;b&gt;&#34;O&#39;Brien&#34; &amp; co&lt;/b&gt;!`},
		{`{{ user.name | escape }}`, `&lt;b&gt;&#34;O&#39;Brien&#34; &amp; co&lt;/b&gt;`, `&lt;b&gt;&#34;O&#39;Brien&#34; &amp; co&lt;/b&gt;`},
		{`<a href="{{ url }}">`, `<a href="https://x.test/?a=1&b=2">`, `<a href="https://x.test/?a=1&amp;b=2">`},
		{`{{ url | url_encode }}`, `https%3A%2F%2Fx.test%2F%3Fa%3D1%26b%3D2`, `https%3A%2F%2Fx.test%2F%3Fa%3D1%26b%3D2`},
		{`{{ widget }}`, ``, `<form>&</form>`},
		{`{{ options }} {{ options.min_length }} {{nothing}}`, `{"deep":{"a":"\u003c"},"min_length":12} 12 {}`, `{"deep":{"a":"\u0026lt;"},"min_length":12} 12 {}`},
		{`"{{ sly }}" '{{ sly | escape }}'`, "\"a\\`${b}$\" 'a\\`${b}$'", `"a&#92;&#96;&#36;{b}$" 'a&#92;&#96;&#36;{b}$'`},
		{`{{ options | json }}{% if nothing.min_length %}x{% endif %}{{ nothing.min_length | default: 1 }}`, `{"deep":{"a":"\u003c"},"min_length":12}1`, `{"deep":{"a":"\u0026lt;"},"min_length":12}1`},
		{`{% if user.user_metadata.lang == 'de' %}Hallo{% elsif on %}x{% else %}Hello{% endif %}`, "Hallo", "Hallo"},
		{`{% unless on %}a{% else %}b{% endunless %}{% if none %}c{% endif %}`, "b", "b"},
		{`{% case user.user_metadata.lang %}{% when 'fr', 'de' %}1{% when 'en' %}2{% else %}3{% endcase %}`, "1", "1"},
		{`{% for x in list reversed %}{{ forloop.index }}{{ x }}{% unless forloop.last %},{% endunless %}{% endfor %}`, "1c,2b,3a", "1c,2b,3a"},
		{`{% for x in (1..9) limit:2 offset:1 %}{{ x }}{% cycle 'a','b' %}{% endfor %}`, "2a3b", "2a3b"},
		{`{% for x in list %}{% if x == 'b' %}{% continue %}{% endif %}{{ x }}{% endfor %}`, "ac", "ac"},
		{`{% for x in (1..1000000000) %}{{ x }}{% if x == 3 %}{% break %}{% endif %}{% endfor %}`, "123", "123"},
		{`{% for x in none %}x{% else %}empty{% endfor %}`, "empty", "empty"},
		{`{% assign a = 'x' | append: 'y' %}{% capture b %}{{ a }}!{% endcapture %}{{ b | upcase }}`, "XY!", "XY!"},
		{`{{ 'a,b' | split: ',' | join: '-' }}{{ none | default: "d" }}{{ "ab..c" | replace: "b..", "" }}`, "a-bdac", "a-bdac"},
		{`{% comment %}{% if %}{% endcomment %}{% raw %}{{ x }}{% endraw %}  {%- if on -%}  y  {%- endif -%}`, "{{ x }}y", "{{ x }}y"},
		{`{{ "ömer" | capitalize }} {{ "eins zwei  drei vier" | truncatewords: 3 }} {{ "Donaudampfschiff" | truncatewords: 3 }}`, "Ömer eins zwei  drei... Donaudampfschiff", "Ömer eins zwei  drei... Donaudampfschiff"},
		{`{{ "Größenordnung" | truncate: 8 }} {{ "kurz" | truncate: 4 }} {{ "ab cd" | truncate: 3, "" }} {{ "abc" | truncate: 1 }}`, "Größe... kurz ab  ...", "Größe... kurz ab  ..."},
		{`{{ "a,b,a,c,b" | split: "," | uniq | join: "" }}{{ list | reverse | first }}{{ list | size }}{{ "b,a" | split: "," | sort | join: "" }}`, "abcc3ab", "abcc3ab"},
		{`{{ "2026-11-26" | date: "%d.%m.%Y" }}{{ missing.deep.er }}`, "26.11.2026", "26.11.2026"},
		{`{{ missing | date: "%Y" }}[{{ "soon" | date: "%Y" }}]{{ 86400 | date: "%Y-%m-%d" }}{{ "now" | date: "%Y" | size }}{{ "today" | date: "%Y" | size }}`, "[soon]1970-01-0244", "[soon]1970-01-0244"},
		{`{% case user.user_metadata.lang %}{% when "fr" or "de" %}1{% else %}3{% endcase %}{% case "this or that" %}{% when 'this or that' %}2{% endcase %}`, "12", "12"},
		{`{{ 3 | at_least: 5 }} {{ 7.5 | at_least: 5 }} {{ 7 | at_most: 5 }} {{ "3" | at_most: 5 }} {{ missing | at_least: 1 }}`, "5 7.5 5 3 1", "5 7.5 5 3 1"},
		{`{% increment n %}{% increment n %}{% decrement m %}{% decrement m %}{% assign n = "x" %}{% increment n %}{{ n }}`, "01-1-22x", "01-1-22x"},
		{`{% if user.name != blank and user.user_metadata["lang"] != empty %}1{% endif %}{% if missing.deep == blank or none %}2{% endif %}{% if none == empty %}x{% else %}3{% endif %}`, "123", "123"},
		{`{% unless blank == user.email %}1{% endunless %}{% assign s = "  " %}{% if s == blank %}2{% endif %}{% if s == empty %}x{% elsif nothing == empty and list <> blank %}3{% endif %}`, "123", "123"},
		{`{% if "user.name != blank" == "user.name != blank" %}1{% endif %}{% if user.blank_name == user.empty %}2{% endif %}{% if list.first != blank %}3{% endif %}{% if on == blank %}x{% endif %}`, "123", "123"},
		{
			`{% tablerow x in list cols:2 %}{{ x }}{% if x == "c" %}{% break %}{% endif %}!{% endtablerow %}{% tablerow x in (1..3) limit:1 %}{{ x }}{% endtablerow %}`,
			`<tr class="row1"><td class="col1">a!</td><td class="col2">b!</td></tr><tr class="row2"><td class="col1">c</td></tr><tr class="row1"><td class="col1">1</td></tr>`,
			`<tr class="row1"><td class="col1">a!</td><td class="col2">b!</td></tr><tr class="row2"><td class="col1">c</td></tr><tr class="row1"><td class="col1">1</td></tr>`,
		},
	} {
		text, err := Text(context.Background(), row.source, someone, DefaultLimits)
		if row.text != "" && (err != nil || text != row.text) {
			t.Errorf("%s as text: %q %v", row.source, text, err)
		}
		html, err := HTML(context.Background(), row.source, someone, DefaultLimits)
		if err != nil || html != row.html {
			t.Errorf("%s as HTML: %q %v", row.source, html, err)
		}
	}
	if someone["user"].(map[string]any)["email"] != "ada@example.com" {
		t.Error("the variables were changed")
	}
}

func TestBroken(t *testing.T) {
	for _, source := range []string{
		`{% if a %}`, `{% endif %}`, `{% for %}{% endfor %}`, `{% include "/etc/passwd" %}`, `{% layout "page" %}`, `{% tablerow x %}{% endtablerow %}`, `{% increment %}`, `{% decrement 1 %}`, `{% nonsense %}`,
		`{{ (1..1000000000) }}`, `{{ (1..1000000000) | join: "" }}`, `{% assign x = (1..1000000000) %}`, `{% if (1..5) == (1..5) %}{% endif %}`,
		`{% for x in (1..1000000000) | reverse %}{% endfor %}`, `{% case (1..5) %}{% when 1 %}{% endcase %}`,
		strings.Repeat("{% if a %}", 60) + strings.Repeat("{% endif %}", 60), strings.Repeat("x", maxSource+1), strings.Repeat("{{x}}", maxTags+1),
	} {
		if err := Check(source); err == nil {
			t.Errorf("accepted %.80s", source)
		}
		if _, err := Text(context.Background(), source, nil, DefaultLimits); err == nil {
			t.Errorf("rendered %.80s", source)
		}
	}
}

// TestHostile gives templates that would use up the machine. Each must end with one of our errors.
func TestHostile(t *testing.T) {
	double := `{% assign a = "0123456789" %}`
	for name, source := range map[string]string{
		"endless loop":       `{% for i in (1..1000000000) %}{% endfor %}`,
		"endless rows":       `{% tablerow i in (1..1000000000) %}{% endtablerow %}`,
		"all variables":      double + strings.Repeat(`{% assign a = a | append: a %}`, 12) + strings.Repeat(`{% debug %}`, 2000),
		"nested loops":       strings.Repeat(`{% for i in (1..1000) %}`, 9) + strings.Repeat(`{% endfor %}`, 9),
		"huge output":        `{% for i in (1..20000) %}` + strings.Repeat("x", 1000) + `{% endfor %}`,
		"doubling":           double + strings.Repeat(`{% assign a = a | append: a %}`, 60),
		"doubling in chains": double + `{{ a ` + strings.Repeat(`| append: a `, 20) + strings.Repeat(`| replace: "0", "`+strings.Repeat("0", 500)+`"`, 5) + `}}`,
		"replace of nothing": double + strings.Repeat(`{% assign a = a | append: a %}`, 14) + `{{ a | replace: "", a }}`,
		"captures":           double + strings.Repeat(`{% capture a %}{{ a }}{{ a }}{{ a }}{{ a }}{% endcapture %}`, 30),
		"lists":              `{% assign a = "a,b,c,d" | split: "," %}` + strings.Repeat(`{% assign a = a | concat: a %}`, 60),
		"split":              double + strings.Repeat(`{% assign a = a | append: a %}`, 14) + `{% assign b = a | split: "" %}`,
		"join":               double + strings.Repeat(`{% assign a = a | append: a %}`, 14) + `{{ "a,b,c,d,e,f,g,h" | split: "," | join: a }}`,
		"date":               `{{ "2026-11-26" | date: "%999999999d" }}`,
		"many filters":       `{% for i in (1..6) %}` + strings.Repeat(`{{ "x" | upcase }}`, 1000) + `{% endfor %}`,
		"many tags":          strings.Repeat(`{{x}}`, maxTags+1),
		"many large values":  double + strings.Repeat(`{% assign a = a | append: a %}`, 15) + numbered(4000, `{% assign aN = a | append: "N" %}`),
		"many captures":      double + strings.Repeat(`{% assign a = a | append: a %}`, 15) + numbered(1500, `{% capture aN %}{{ a }}{% endcapture %}`),
		"one text in a list": double + strings.Repeat(`{% assign a = a | append: a %}`, 15) + `{% assign l = a | split: "|" %}` + strings.Repeat(`{% assign l = l | concat: l %}`, 10) + `{{ l | json }}{{ l | append: "" }}`,
		"words":              double + strings.Repeat(`{% assign a = a | append: a %}`, 15) + strings.Repeat(`{% assign b = a | truncatewords: 1000 %}`, 200),
		"shortened":          double + strings.Repeat(`{% assign a = a | append: a %}`, 15) + strings.Repeat(`{% assign b = a | truncate: 900 %}`, 200),
		"chains of sorting":  double + strings.Repeat(`{% assign a = a | append: a %}`, 7) + `{% assign l = a | split: "" %}{{ l` + strings.Repeat(` | sort | reverse | uniq`, 8000) + ` | size }}`,
		"chains of slices":   double + strings.Repeat(`{% assign a = a | append: a %}`, 15) + `{{ a` + strings.Repeat(` | slice: 0, 400000`, 8000) + ` | size }}`,
	} {
		begun := time.Now()
		_, err := Text(context.Background(), source, nil, Limits{Output: DefaultLimits.Output, Steps: 5000, Time: time.Second})
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// numbered repeats a text with another number in the place of each N.
func numbered(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "N", strconv.Itoa(i)))
	}
	return b.String()
}

func FuzzRender(f *testing.F) {
	f.Add(`{% for x in list %}{{ x | append: user.name }}{% endfor %}`)
	f.Add(`{% assign a = "x" %}{% capture b %}{{ a }}{% endcapture %}{% case b %}{% when "x" %}{% endcase %}`)
	f.Fuzz(func(t *testing.T, source string) {
		out, err := HTML(context.Background(), source, someone, DefaultLimits)
		if err == nil && len(out) > DefaultLimits.Output {
			t.Errorf("%d bytes", len(out))
		}
	})
}

// TestDebug is the tag that tells what a template may name.
func TestDebug(t *testing.T) {
	vars := map[string]any{"user": map[string]any{"name": "<b>"}, "on": true, "widget": Raw("<form>")}
	html, err := HTML(context.Background(), `{% increment n %}{% debug %}`, vars, DefaultLimits)
	if want := `0<pre>{"on":true,"user":{"name":"&amp;lt;b&amp;gt;"},"widget":"&lt;form&gt;"}</pre>`; err != nil || strings.Join(strings.Fields(html), "") != strings.ReplaceAll(want, `"`, "&#34;") {
		t.Errorf("%s %v", html, err)
	}
	text, err := Text(context.Background(), `{% debug %}`, map[string]any{"a": "<"}, DefaultLimits)
	if want := "{\n  \"a\": \"<\"\n}"; err != nil || text != want {
		t.Errorf("%s %v", text, err)
	}
}
