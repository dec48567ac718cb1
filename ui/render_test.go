package ui

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func render(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := Render(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares got with testdata/name, or rewrites it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file) //nolint:gosec // our own test data
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; if that is meant, run go test ./ui -update and read the change.\n%s", file, got)
	}
}

// unversioned takes the content hash out of asset addresses, so that a change of the stylesheet does
// not touch every golden.
func unversioned(page string) string {
	for name, public := range assets().names {
		page = strings.ReplaceAll(page, public, name)
	}
	return page
}

func TestGolden(t *testing.T) {
	for name, page := range samples() {
		golden(t, name+".html", unversioned(render(t, page)))
	}
}

// Every page of the package must be among the samples, since all other tests walk those.
func TestSamplesCoverEveryTemplate(t *testing.T) {
	seen := map[string]bool{}
	for _, page := range samples() {
		seen[page.template()] = true
	}
	set, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	for name := range set {
		if !seen[name] {
			t.Errorf("no sample for template %q", name)
		}
	}
}

type brokenPage struct{ LoginPage }

// Inputs hides the real ones and makes the template fail after the head of the page.
func (brokenPage) Inputs() (int, error) { return 0, os.ErrInvalid }

func TestErrorLeavesNoHalfPage(t *testing.T) {
	var b bytes.Buffer
	if err := Render(&b, brokenPage{}); err == nil {
		t.Error("a failing template gave no error")
	}
	if b.Len() > 0 {
		t.Errorf("wrote %d bytes before failing", b.Len())
	}
}

// walk calls visit for every element of a document.
func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// taint sets every string inside v to s and grows empty lists to one element.
func taint(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				taint(v.Field(i), s)
			}
		}
	case reflect.Slice:
		list := reflect.MakeSlice(v.Type(), 1, 1)
		if v.Len() > 0 {
			list.Index(0).Set(v.Index(0))
		}
		if v.Type().Elem().Kind() == reflect.Interface {
			list.Index(0).Set(reflect.ValueOf(s))
		} else if v.Type().Elem() != reflect.TypeFor[Rule]() { // a Rule holds Rules
			taint(list.Index(0), s)
		} else {
			list.Index(0).Set(reflect.ValueOf(Rule{Code: s, Args: []any{s}, Items: []Rule{{Code: "identicalChars", Args: []any{s, s}}}}))
		}
		v.Set(list)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// hostile returns a copy of p with s in every string.
func hostile(p Page, s string) Page {
	v := reflect.New(reflect.TypeOf(p)).Elem()
	v.Set(reflect.ValueOf(p))
	taint(v, s)
	return v.Interface().(Page)
}

func TestHostileText(t *testing.T) {
	for _, payload := range []string{
		`"><script>alert(1)</script>`,
		`'><img src=x onerror=alert(1)>`,
		`</title><svg onload=alert(1)>`,
		`javascript:alert(1)`,
		`data:text/html,<script>alert(1)</script>`,
		`//evil.example/x`,
		`/\evil.example/x`,
		`" onfocus=alert(1) autofocus="`,
		"\u202ereversed\u0000",
		`{{.Tenant}}`,
	} {
		for name, page := range samples() {
			got := render(t, hostile(page, payload))
			if strings.ContainsAny(payload, `<>"`) && strings.Contains(got, payload) {
				t.Errorf("%s: %q came out as it is", name, payload)
			}
			walk(parse(t, got), func(n *html.Node) {
				switch n.Data {
				case "script", "link":
					address, ok := attr(n, "src")
					if !ok {
						address, ok = attr(n, "href")
					}
					if !ok || !strings.HasPrefix(address, AssetPrefix) || n.FirstChild != nil {
						t.Errorf("%s: %q made a %s element", name, payload, n.Data)
					}
				case "img":
					t.Errorf("%s: %q made a picture", name, payload)
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
						t.Errorf("%s: %q made the attribute %s", name, payload, a.Key)
					}
					switch a.Key {
					case "href", "src", "action", "formaction":
						if a.Val == payload && !strings.HasPrefix(payload, "{{") && !(a.Key == "action" && strings.HasPrefix(payload, "/")) {
							t.Errorf("%s: %s leads to %q", name, a.Key, payload)
						}
					}
				}
			})
		}
	}
}

func TestLinks(t *testing.T) {
	var f Frame
	for address, want := range map[string]bool{
		"https://example.com/a?b=c": true, "http://127.0.0.1:3000/": true, "mailto:help@example.com": true, "/u/login?state=x": true,
		"": false, "javascript:alert(1)": false, "JaVaScRiPt:alert(1)": false, "data:text/html,x": false, "//evil.example": false,
		"///evil.example": false, `/\evil.example`: false, "u/login": false, "https:evil": false, "mailto:": false, "/\tx": false, "com.app://x": false,
	} {
		if got := f.Link(address) != ""; got != want {
			t.Errorf("Link(%q) passes: %v", address, got)
		}
	}
	for address, want := range map[string]bool{
		"https://cdn.example.com/logo.png": true, "data:image/png;base64,AAAA": true, "/logo.png": true, mixtapeLogo: true,
		"http://cdn.example.com/logo.png": false, "data:text/html,x": false, "javascript:alert(1)": false, "//evil.example/l.png": false, "": false,
	} {
		if got := f.Image(address) != ""; got != want {
			t.Errorf("Image(%q) passes: %v", address, got)
		}
	}
}
