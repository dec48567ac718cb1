package telemetry

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	nameForm    = regexp.MustCompile(`\b(stagedoor|go|process)_[a-z_]+\b`)
	matcherForm = regexp.MustCompile(`([a-z_]+)\s*(=~|=|!=)\s*"([^"]*)"`)
	byForm      = regexp.MustCompile(`\bby \(([^)]*)\)`)
	legendForm  = regexp.MustCompile(`{{(\w+)}}`)
	seriesForm  = regexp.MustCompile(`(stagedoor_[a-z_]+)\{([^}]*)\}`)
)

// ambient are the labels that Prometheus itself adds.
var ambient = []string{"le", "job", "instance"}

// exported are the names and labels that a server has.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, m := range All() {
		names := []string{m.Name}
		if m.Kind == "histogram" {
			names = []string{m.Name + "_bucket", m.Name + "_sum", m.Name + "_count"}
		}
		for _, name := range names {
			out[name] = append(slices.Clone(ambient), m.Labels...)
		}
	}
	gathered, err := NewMetrics("test", false).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range gathered {
		if name := f.GetName(); !strings.HasPrefix(name, "stagedoor_") {
			out[name] = ambient
		}
	}
	return out
}

// check holds an expression to what a server exports: names, labels, and the values that labels can take.
func check(t *testing.T, known map[string][]string, expr, legend string) (names []string) {
	t.Helper()
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		t.Errorf("unbalanced: %s", expr)
	}
	names = nameForm.FindAllString(expr, -1)
	if len(names) == 0 {
		t.Errorf("no metric: %s", expr)
	}
	for _, name := range names {
		labels, there := known[name]
		if !there {
			t.Errorf("%s is not exported: %s", name, expr)
			continue
		}
		var used []string
		for _, m := range byForm.FindAllStringSubmatch(expr, -1) {
			used = append(used, strings.Split(strings.ReplaceAll(m[1], " ", ""), ",")...)
		}
		for _, m := range legendForm.FindAllStringSubmatch(legend, -1) {
			used = append(used, m[1])
		}
		for _, label := range used {
			if !slices.Contains(labels, label) {
				t.Errorf("%s has no label %q: %s", name, label, expr)
			}
		}
	}
	for _, s := range seriesForm.FindAllStringSubmatch(expr, -1) {
		for _, m := range matcherForm.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(known[s[1]], m[1]) {
				t.Errorf("%s has no label %q: %s", s[1], m[1], expr)
			}
			if slices.Contains(ambient, m[1]) {
				continue
			}
			for _, value := range strings.Split(m[3], "|") {
				if !valueOf(s[1], m[1], value) {
					t.Errorf("%s has no %s=%q: %s", s[1], m[1], value, expr)
				}
			}
		}
	}
	return names
}

// valueOf tells whether a label of a series can have a value.
func valueOf(series, name, value string) bool {
	for _, f := range families {
		if series != f.name && !slices.Contains([]string{f.name + "_bucket", f.name + "_sum", f.name + "_count"}, series) {
			continue
		}
		for _, l := range f.labels {
			if l.name == name {
				return len(l.values) == 0 || l.allows(value)
			}
		}
	}
	return false
}

// TestDashboard: every panel asks for what a server exports, and everything that it exports is on some panel.
func TestDashboard(t *testing.T) {
	b, err := os.ReadFile("../../docs/grafana/stagedoor.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(b, &dashboard); err != nil {
		t.Fatal(err)
	}
	known, shown := exported(t), map[string]bool{}
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			for _, name := range check(t, known, target.Expr, target.LegendFormat) {
				shown[name] = true
			}
		}
	}
	for i, f := range families {
		if !f.tenants && !shown[f.name] && !shown[f.name+"_bucket"] && !shown[f.name+"_count"] {
			t.Errorf("no panel shows %s (%d)", f.name, i)
		}
	}
}

// TestAlerts: every rule asks for what a server exports, and says what is wrong.
func TestAlerts(t *testing.T) {
	b, err := os.ReadFile("../../docs/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	known := exported(t)
	rules := strings.Split(string(b), "- alert: ")[1:]
	if len(rules) < 10 {
		t.Fatalf("%d rules", len(rules))
	}
	for _, rule := range rules {
		_, expr, found := strings.Cut(rule, "expr: ")
		expr, _, _ = strings.Cut(expr, "\n")
		if !found || !strings.Contains(rule, "summary: ") || !strings.Contains(rule, "severity: ") {
			t.Errorf("incomplete: %s", rule)
			continue
		}
		check(t, known, expr, "")
	}
}

// TestGuideKnowsMetrics: the page names every metric, and none that is not there.
func TestGuideKnowsMetrics(t *testing.T) {
	b, err := os.ReadFile("../../docs/guide/observe.md")
	if err != nil {
		t.Fatal(err)
	}
	page, known := string(b), exported(t)
	for _, f := range families {
		if !strings.Contains(page, "`"+f.name+"`") {
			t.Errorf("docs/guide/observe.md does not name %s", f.name)
		}
	}
	for _, name := range nameForm.FindAllString(page, -1) {
		if _, there := known[name]; !there && known[name+"_sum"] == nil {
			t.Errorf("docs/guide/observe.md names %s, which is not exported", name)
		}
	}
}

// TestLabelsAreBounded: whatever comes, there are no more series than the table allows.
func TestLabelsAreBounded(t *testing.T) {
	m := NewMetrics("test", true)
	for i := range 20_000 {
		name := strings.Repeat("x", i%50) + string(rune('a'+i%26)) + strings.Repeat("y", i/50)
		m.Add(Requests, 1, name, name, name)
		m.Add(TenantRequests, 1, name, "2xx")
	}
	gathered, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range gathered {
		switch n := len(f.GetMetric()); f.GetName() {
		case "stagedoor_http_requests_total":
			if n != 601 {
				t.Errorf("%d routes", n)
			}
		case "stagedoor_tenant_requests_total":
			if n > 10_001 {
				t.Errorf("%d tenants", n)
			}
		}
	}
	var none *Metrics
	none.Add(Requests, 1, "a", "b", "c")
	none.LogEvent("t", "s")
	none.Cache("c", true)
	none.Read(nil)
}
