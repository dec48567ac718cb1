package ui

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// makesMarkup are the ways by which texts become markup or code.
var makesMarkup = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\(|new Function|setTimeout\("|javascript:`)

// TestDashboardMakesNoMarkup: what people wrote about themselves is set as texts, everywhere.
func TestDashboardMakesNoMarkup(t *testing.T) {
	files, err := fs.Glob(os.DirFS("dashboard"), "*.js")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		text, err := os.ReadFile("dashboard/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if found := makesMarkup.FindString(string(text)); found != "" {
			t.Errorf("%s has %s", name, found)
		}
		if lines := strings.Count(string(text), "\n"); lines > 250 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
	for _, bad := range []string{`e.innerHTML = name`, `document.write(x)`, `href: "javascript:x"`} {
		if !makesMarkup.MatchString(bad) {
			t.Errorf("%s is not found", bad)
		}
	}
}
