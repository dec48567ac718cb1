package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/bundle"
)

// licenses gathers who is to be named under which text: packages by text.
type licenses map[string][]string

func (l licenses) add(in bundle.Included) {
	text := in.Text
	if text == "" {
		text = "(no text is shipped with these; their license is named beside them)\n"
	}
	name := fmt.Sprintf("%s %s (%s)", in.Name, in.Version, cmp.Or(in.License, "none named"))
	if !slices.Contains(l[text], name) {
		l[text] = append(l[text], name)
	}
}

func (l licenses) text() string {
	var b strings.Builder
	b.WriteString("Packages of the npm registry in the bundles, and the licenses under which they may be passed on.\n")
	texts := slices.Collect(maps.Keys(l))
	for _, text := range texts {
		slices.Sort(l[text])
	}
	slices.SortFunc(texts, func(x, y string) int { return strings.Compare(l[x][0], l[y][0]) })
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s", strings.Repeat("=", 80), strings.Join(l[text], "\n"), text)
	}
	return b.String()
}
