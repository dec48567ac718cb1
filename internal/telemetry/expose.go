package telemetry

import (
	"bytes"
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// exposed is a family as it is told.
type exposed struct {
	name    string
	kind    kind
	help    string
	samples []sample
}

// sample is one line: a number, with its labels as they are written, {a="1",b="2"}, or none.
type sample struct {
	name   string
	labels string
	value  float64
}

// Handler serves the numbers in the text format of Prometheus, version 0.0.4, which every collector reads.
func (m *Metrics) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		for _, f := range m.gather() {
			b.WriteString("# HELP " + f.name + " " + escapeHelp.Replace(f.help) + "\n# TYPE " + f.name + " " + string(f.kind) + "\n")
			for _, s := range f.samples {
				b.WriteString(s.name + s.labels + " " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
			}
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(b.Bytes())
	})
}

// gather returns all families that have numbers, by name.
func (m *Metrics) gather() []exposed {
	out := m.ambient()
	for _, f := range m.families {
		if f != nil {
			out = append(out, f.expose())
		}
	}
	out = append(out, m.read()...)
	out = slices.DeleteFunc(out, func(f exposed) bool { return len(f.samples) == 0 })
	slices.SortFunc(out, func(a, b exposed) int { return strings.Compare(a.name, b.name) })
	return out
}

// read asks all sources.
func (m *Metrics) read() []exposed {
	m.mu.RLock()
	all := m.sources
	m.mu.RUnlock()
	var told [metrics]exposed
	for _, source := range all {
		source(func(what Metric, value float64, labels ...string) {
			f := families[what]
			told[what].name, told[what].kind, told[what].help = f.name, f.kind, f.help
			told[what].samples = append(told[what].samples, sample{f.name, f.written(m.bounded(what, labels), ""), value})
		})
	}
	return slices.DeleteFunc(told[:], func(f exposed) bool { return f.name == "" })
}

// expose tells what was counted.
func (f *counted) expose() exposed {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := exposed{name: f.name, kind: f.kind, help: f.help}
	type keyed struct {
		key [mostLabels]string
		*series
	}
	var all []keyed
	for key, s := range f.series {
		all = append(all, keyed{key, s})
	}
	slices.SortFunc(all, func(a, b keyed) int { return slices.Compare(a.key[:], b.key[:]) })
	for _, s := range all {
		values, value := s.key[:len(f.labels)], math.Float64frombits(s.value.Load())
		if f.kind != histogram {
			out.samples = append(out.samples, sample{f.name, f.written(values, ""), value})
			continue
		}
		var n uint64
		for i := range s.counts {
			n += s.counts[i].Load()
			le := "+Inf"
			if i < len(f.buckets) {
				le = strconv.FormatFloat(f.buckets[i], 'g', -1, 64)
			}
			out.samples = append(out.samples, sample{f.name + "_bucket", f.written(values, le), float64(n)})
		}
		out.samples = append(out.samples, sample{f.name + "_sum", f.written(values, ""), value}, sample{f.name + "_count", f.written(values, ""), float64(n)})
	}
	return out
}

// written are labels as they stand in a line, by name; le is that of a bucket, or empty.
func (f family) written(values []string, le string) string {
	var pairs [][2]string
	for i, l := range f.labels {
		pairs = append(pairs, [2]string{l.name, values[i]})
	}
	if le != "" {
		pairs = append(pairs, [2]string{"le", le})
	}
	return written(pairs...)
}

func written(pairs ...[2]string) string {
	if len(pairs) == 0 {
		return ""
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	all := make([]string, len(pairs))
	for i, p := range pairs {
		all[i] = p[0] + `="` + escapeValue.Replace(p[1]) + `"`
	}
	return "{" + strings.Join(all, ",") + "}"
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
