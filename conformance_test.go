package stagedoor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// conformance is the page that names a test, or a divergence, for each demand of the standards.
const conformance = "docs/conformance.md"

var (
	tableRow   = regexp.MustCompile(`^\|(.*)\|$`)
	heldBy     = regexp.MustCompile("`([a-z0-9/]+)` `(Test[A-Za-z0-9_]*|Fuzz[A-Za-z0-9_]*)((?:/[^`]*)?)`")
	differs    = regexp.MustCompile(`differs: \[([^\]]+)\]\(divergences\.md#([a-z-]+)\)`)
	sectionNo  = regexp.MustCompile(`^[0-9A-Z]+(\.[0-9]+)*$`)
	headingAny = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// conformanceRow is one demand of the page.
type conformanceRow struct {
	document, section, demand, held string
}

// TestConformanceGuard holds docs/conformance.md: no row is empty or there twice, each test that it names exists, and each difference
// that it names is explained among the divergences.
func TestConformanceGuard(t *testing.T) {
	divergences := read(t, "docs/divergences.md")
	anchors := map[string]bool{}
	for _, h := range headingAny.FindAllStringSubmatch(divergences, -1) {
		anchors[strings.ReplaceAll(strings.ToLower(h[1]), " ", "-")] = true
	}
	seen := map[conformanceRow]bool{}
	rows := conformanceRows(t)
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(read(t, conformance), -1) {
		if !slices.ContainsFunc(rows, func(r conformanceRow) bool { return r.document == m[1] }) {
			t.Errorf("%s has no row", m[1])
		}
	}
	for _, row := range rows {
		key := row
		key.held = ""
		if seen[key] {
			t.Errorf("%s %s: %q is there twice", row.document, row.section, row.demand)
		}
		seen[key] = true
		if row.section == "" || row.demand == "" || row.held == "" {
			t.Errorf("%s: an empty cell: %+v", row.document, row)
			continue
		}
		if !sectionNo.MatchString(row.section) {
			t.Errorf("%s: %q is no section", row.document, row.section)
		}
		tests, gaps := heldBy.FindAllStringSubmatch(row.held, -1), differs.FindAllStringSubmatch(row.held, -1)
		if len(tests)+len(gaps) == 0 {
			t.Errorf("%s %s: %q names neither a test nor a divergence", row.document, row.section, row.held)
		}
		for _, m := range tests {
			if why := testThere(t, m[1], m[2], strings.TrimPrefix(m[3], "/")); why != "" {
				t.Errorf("%s %s, %q: %s", row.document, row.section, row.demand, why)
			}
		}
		for _, m := range gaps {
			if !anchors[m[2]] || !strings.Contains(divergences, "\n| "+m[1]+" |") {
				t.Errorf("%s %s: docs/divergences.md has no row %q below #%s", row.document, row.section, m[1], m[2])
			}
		}
		if rest := strings.Trim(differs.ReplaceAllString(heldBy.ReplaceAllString(row.held, ""), ""), " ,·;"); rest != "" {
			t.Errorf("%s %s: %q is neither a test nor a divergence", row.document, row.section, rest)
		}
	}
	if len(rows) < 200 {
		t.Errorf("%d rows were read", len(rows))
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func conformanceRows(t *testing.T) (rows []conformanceRow) {
	t.Helper()
	document := ""
	for line := range strings.SplitSeq(read(t, conformance), "\n") {
		if after, is := strings.CutPrefix(line, "## "); is {
			document = after
			continue
		}
		m := tableRow.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| Section |") {
			continue
		}
		cells := strings.Split(m[1], " | ")
		if len(cells) != 3 {
			t.Errorf("%s: not three cells: %s", document, line)
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, conformanceRow{document, cells[0], cells[1], cells[2]})
	}
	return rows
}

var testSources = map[string]string{} // by directory: all of its tests

// testThere tells why a directory has no such test; empty if it has. A subtest is there if its name is written somewhere in the tests of the
// directory.
func testThere(t *testing.T, directory, name, sub string) string {
	t.Helper()
	source, known := testSources[directory]
	if !known {
		files, _ := filepath.Glob(filepath.Join(directory, "*_test.go"))
		for _, f := range files {
			source += read(t, f)
		}
		testSources[directory] = source
	}
	if !strings.Contains(source, "\nfunc "+name+"(") {
		return directory + " has no " + name
	}
	if sub != "" && !strings.Contains(source, `"`+sub+`"`) {
		return name + " in " + directory + " has no subtest " + sub
	}
	return ""
}
