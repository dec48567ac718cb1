package npm

import (
	"fmt"
	"strings"
)

// PageMark begins the part of docs/guide/modules.md that is made of the index. It is the last part of the page.
const PageMark = "<!-- packages: written by go generate ./internal/script/npm -->\n"

// Page is the table of packages for people, in Markdown.
func Page(all []Package) string {
	var b strings.Builder
	b.WriteString("| package | version | license | size | with it |\n|---|---|---|---|---|\n")
	for _, p := range all {
		with := ""
		if n := len(p.Contains); n > 0 {
			with = fmt.Sprintf("%d others", n)
		}
		if n := len(p.Contains); n > 0 && n <= 3 {
			with = strings.Join(p.Contains, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d KB | %s |\n", p.Name, p.Version, p.License, (p.Size+1023)>>10, with)
	}
	return b.String()
}
