package bench

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var writePages = flag.Bool("pages", false, "write the tables and charts of the pages from the figures")

// measuredOn reads figures that save kept, and returns where and when they were taken.
func measuredOn(t *testing.T, name string, into any) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(*figuresDir, filepath.Base(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var kept struct {
		Machine, Date string
		Figures       json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err == nil {
		err = json.Unmarshal(kept.Figures, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return kept.Date + ", " + kept.Machine
}

var section = regexp.MustCompile(`(?s)(<!-- figures ([a-z-]+) -->\n).*?(<!-- end -->)`)

// The tables and charts of the pages are made from the figures that were measured last.
func TestPages(t *testing.T) {
	charts := map[string]string{}
	sections := map[string]string{}
	for _, kind := range []string{"sqlite", "postgres"} {
		var all []grown
		if on := measuredOn(t, "scale-"+kind+".json", &all); on != "" {
			sections["scale-"+kind] = on + ". Milliseconds: median · 99th percentile.\n\n" + scaleTable(kind, all, true)
			charts["scale-"+kind+".svg"] = growthChart(kind, all)
		}
	}
	var many []crowded
	for _, kind := range []string{"sqlite", "postgres"} {
		var of []crowded
		if on := measuredOn(t, "tenants-"+kind+".json", &of); on != "" {
			many = append(many, of...)
			sections["tenants"] = on + ".\n\n" + tenantsTable(many)
		}
	}
	var ratios []ratio
	if on := measuredOn(t, "ratios.json", &ratios); on != "" {
		sections["ratios"] = on + ".\n\n" + ratioTable(ratios)
		charts["ratios.svg"] = ratioChart(ratios)
	}
	sections["capacity"] = capacity(t)
	for name, chart := range charts {
		if err := wellFormed(chart); err != nil || !strings.Contains(chart, "<title id=") || !strings.Contains(chart, "prefers-color-scheme:dark") {
			t.Errorf("%s is no accessible picture: %v", name, err)
		}
		current(t, "../docs/images/"+name, chart)
	}
	seen := 0
	for _, page := range []string{"../docs/performance.md", "../docs/capacity.md"} {
		b, err := os.ReadFile(filepath.Clean(page))
		if err != nil {
			t.Fatal(err)
		}
		current(t, page, section.ReplaceAllStringFunc(string(b), func(text string) string {
			parts := section.FindStringSubmatch(text)
			body := sections[parts[2]]
			if seen++; body == "" {
				body = "Not measured yet.\n"
			}
			return parts[1] + strings.TrimSpace(body) + "\n" + parts[3]
		}))
	}
	if seen < 5 {
		t.Errorf("the pages have %d sections of figures", seen)
	}
}

// current fails unless a file is as it should be, or makes it so.
func current(t *testing.T, path, text string) {
	t.Helper()
	if *writePages {
		if err := os.WriteFile(filepath.Clean(path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if b, err := os.ReadFile(filepath.Clean(path)); err != nil || string(b) != text {
		t.Errorf("%s is not made from the figures: go test ./bench -run TestPages -pages (%v)", path, err)
	}
}

func wellFormed(text string) error {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// growthChart shows the operations and the slowest of the shapes that an index serves.
func growthChart(kind string, all []grown) string {
	var out []curve
	worst := curve{name: "slowest indexed shape, 99th percentile"}
	for _, name := range operations {
		c := curve{name: name + ", median"}
		for _, g := range all {
			c.x, c.y = append(c.x, float64(g.Users)), append(c.y, g.Operations[name].P50)
		}
		out = append(out, c)
	}
	for _, g := range all {
		slowest := slices.MaxFunc(g.Shapes, func(a, b shaped) int {
			value := func(s shaped) float64 {
				if s.Indexed {
					return s.Page.P99
				}
				return 0
			}
			return int(1000 * (value(a) - value(b)))
		})
		worst.x, worst.y = append(worst.x, float64(g.Users)), append(worst.y, slowest.Page.P99)
	}
	return curves(fmt.Sprintf("How long calls take as the number of users grows, %s", kind), append(out, worst))
}
