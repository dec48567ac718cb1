package ui

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestDevice(t *testing.T) {
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                        "Firefox · Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Safari/604.1": "Safari · iPhone",
		strings.Repeat("x", 59) + "é": strings.Repeat("x", 59),
		"":                            "",
	} {
		if got := Device(userAgent); got != want {
			t.Errorf("%q: %q, want %q", userAgent, got, want)
		}
	}
}

// What a link says is in its name, in every language, so that who speaks to their device reaches it by what they see (WCAG 2.2, 2.5.3).
func TestLabelsInNames(t *testing.T) {
	for _, lang := range Languages() {
		page := sampleAccount(Frame{Lang: lang})
		walk(parse(t, render(t, page)), func(n *html.Node) {
			seen := strings.TrimSpace(textOf(n))
			if name, ok := attr(n, "aria-label"); ok && (n.Data == "a" || n.Data == "button") && !strings.Contains(strings.ToLower(name), strings.ToLower(seen)) {
				t.Errorf("%s: %q is called %q", lang, seen, name)
			}
		})
	}
}

// A field that is wrong says so, and says why, to who cannot see where the text stands (WCAG 2.2, 1.3.1).
func TestProblemsOfAccountForms(t *testing.T) {
	for kind, p := range map[string]Problem{
		"email": {Code: "invalid_email", Field: FieldEmail}, "metadata": {Code: "invalid_json", Field: FieldMetadata}, "delete": {Code: "missing_confirmation", Field: FieldConfirmed},
	} {
		page := AccountFormPage{Frame: Frame{Lang: "en"}, Form: sampleForm, Kind: kind, BackURL: "/account", Problems: Problems{p}}
		doc, said := parse(t, render(t, page)), ""
		walk(doc, func(n *html.Node) {
			if id, _ := attr(n, "id"); id == p.Field {
				if wrong, _ := attr(n, "aria-invalid"); wrong == "true" {
					said, _ = attr(n, "aria-describedby")
				}
			}
		})
		walk(doc, func(n *html.Node) {
			if id, _ := attr(n, "id"); id != "" && id == said && strings.Contains(textOf(n), page.ProblemText(p)) {
				said = "found"
			}
		})
		if said != "found" {
			t.Errorf("%s: the field does not tell what is wrong with it", kind)
		}
	}
}
