package ui

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestAccessible checks on every sample what a machine can check of WCAG 2.2 and of the promises
// in CSP: labels, references, headings, nothing inline.
func TestAccessible(t *testing.T) {
	for name, page := range samples() {
		t.Run(name, func(t *testing.T) {
			doc := parse(t, render(t, page))
			ids, labelled, count := map[string]int{}, map[string]bool{}, map[string]int{}
			walk(doc, func(n *html.Node) {
				count[n.Data]++
				if id, ok := attr(n, "id"); ok {
					ids[id]++
				}
				if id, ok := attr(n, "for"); ok && n.Data == "label" && strings.TrimSpace(textOf(n)) != "" {
					labelled[id] = true
				}
				if _, ok := attr(n, "autofocus"); ok {
					count["autofocus"]++
				}
			})
			for _, one := range []string{"h1", "main", "title", "footer"} {
				if count[one] != 1 {
					t.Errorf("%d elements %s, want 1", count[one], one)
				}
			}
			if count["autofocus"] > 1 {
				t.Errorf("%d elements want the focus", count["autofocus"])
			}
			for id, n := range ids {
				if n > 1 {
					t.Errorf("id %q is used %d times", id, n)
				}
			}
			walk(doc, func(n *html.Node) { checkElement(t, n, ids, labelled) })
		})
	}
}

func checkElement(t *testing.T, n *html.Node, ids map[string]int, labelled map[string]bool) {
	t.Helper()
	get := func(name string) string { v, _ := attr(n, name); return v }
	for _, a := range n.Attr {
		switch a.Key {
		case "aria-describedby", "aria-labelledby", "aria-controls":
			for _, id := range strings.Fields(a.Val) {
				if ids[id] == 0 {
					t.Errorf("%s points to %q, which is not there", a.Key, id)
				}
			}
		case "style":
			t.Errorf("inline style on %s", n.Data)
		}
		if strings.HasPrefix(a.Key, "on") {
			t.Errorf("inline script on %s", n.Data)
		}
	}
	switch n.Data {
	case "html":
		if !Speaks(get("lang")) || get("dir") != "ltr" {
			t.Errorf("language %q, direction %q", get("lang"), get("dir"))
		}
	case "input":
		if _, hidden := attr(n, "hidden"); hidden || get("type") == "hidden" {
			return
		}
		if !labelled[get("id")] {
			t.Errorf("input %q has no label", get("name"))
		}
		if get("autocomplete") == "" {
			t.Errorf("input %q tells password managers nothing", get("name"))
		}
		if get("type") == "password" && get("value") != "" {
			t.Error("a password was sent back to the browser")
		}
	case "button", "a":
		if strings.TrimSpace(textOf(n)) == "" && get("aria-label") == "" {
			t.Errorf("%s without a name", n.Data)
		}
		if href, ok := strings.CutPrefix(get("href"), "#"); ok && ids[href] == 0 {
			t.Errorf("link to %q, which is not there", href)
		}
	case "img":
		if _, ok := attr(n, "alt"); !ok {
			t.Error("picture without alt")
		}
	case "svg":
		if get("aria-hidden") != "true" && (get("role") != "img" || get("aria-label") == "") {
			t.Error("drawing that screen readers would read")
		}
	case "iframe":
		if get("title") == "" || strings.Contains(get("sandbox"), "script") {
			t.Error("frame without title or sandbox")
		}
		if _, ok := attr(n, "sandbox"); !ok {
			t.Error("frame without sandbox")
		}
	case "form":
		if get("method") != "post" || get("action") == "" {
			t.Errorf("form %v", n.Attr)
		}
	case "style":
		t.Error("inline style sheet")
	case "script":
		if !strings.HasPrefix(get("src"), AssetPrefix) || n.FirstChild != nil {
			t.Error("inline or foreign script")
		}
	}
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c))
	}
	return b.String()
}

// What browsers and password managers are told, per page and field.
func TestAutocomplete(t *testing.T) {
	want := map[string]string{
		"login": "username:email:username password:password:current-password", "login-wrong": "username:text:username password:password:current-password",
		"signup": "email:email:email password:password:new-password", "signup-wrong": "email:email:email username:text:username password:password:new-password",
		"forgot": "email:email:email", "password": "username:text:username password:password:new-password",
	}
	pages := samples()
	for name, fields := range want {
		var got []string
		walk(parse(t, render(t, pages[name])), func(n *html.Node) {
			if fill, ok := attr(n, "autocomplete"); ok {
				field, _ := attr(n, "name")
				kind, _ := attr(n, "type")
				got = append(got, field+":"+kind+":"+fill)
			}
		})
		if strings.Join(got, " ") != fields {
			t.Errorf("%s: %q, want %q", name, got, fields)
		}
	}
}

// Hidden fields and the action reach the form as they were given.
func TestHiddenFields(t *testing.T) {
	for name, page := range samples() {
		doc := render(t, page)
		if _, many := page.(AccountPage); many || !strings.Contains(doc, "<form") {
			continue // an account page has forms of its own
		}
		for _, want := range []string{`<input type="hidden" name="state" value="hKFo2SB">`, `<input type="hidden" name="_csrf" value="b3f1">`, `action="/u/form?state=hKFo2SB"`} {
			if !strings.Contains(doc, want) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
	}
}
