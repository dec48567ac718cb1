package telemetry

import (
	"math"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Metrics count. It is safe for concurrent use; a nil one counts nothing.
type Metrics struct {
	began    time.Time
	version  string
	families [metrics]*counted // nil: not counted here

	mu      sync.RWMutex
	seen    map[string]map[string]bool // by label, of those without a list of values
	sources []Source
}

// A Source tells numbers that are read when somebody asks for them.
type Source func(tell func(m Metric, value float64, labels ...string))

// mostLabels is how many labels a family can have.
const mostLabels = 3

// counted are the series of a family by the values of their labels. What goes in is bounded before: see bounded.
type counted struct {
	family
	mu     sync.RWMutex
	series map[[mostLabels]string]*series
}

// series is one number, or the counts of one histogram.
type series struct {
	value  atomic.Uint64   // bits of a float64; of a histogram the sum
	counts []atomic.Uint64 // of a histogram: how many fell into each bucket, and at last into none
}

// NewMetrics makes metrics of a server of a version. With tenants there are numbers by tenant too.
func NewMetrics(version string, tenants bool) *Metrics {
	m := &Metrics{began: time.Now(), version: version, seen: map[string]map[string]bool{}}
	for i, f := range families {
		if !f.read && (!f.tenants || tenants) {
			m.families[i] = &counted{family: f, series: map[[mostLabels]string]*series{}}
		}
	}
	m.begin()
	m.Set(BuildInfo, 1, version, goruntime.Version())
	return m
}

// begin makes the series that are known beforehand: a rate needs a zero to grow from.
func (m *Metrics) begin() {
	for i, f := range m.families {
		if f == nil || f.kind == gauge && len(f.labels) > 0 {
			continue
		}
		for _, values := range f.known() {
			m.of(Metric(i), values)
		}
	}
}

// known returns all combinations of values if every label has a list of them.
func (f family) known() [][]string {
	all := [][]string{nil}
	for _, l := range f.labels {
		var next [][]string
		for _, before := range all {
			for _, v := range l.values {
				next = append(next, append(append([]string{}, before...), v))
			}
		}
		all = next
	}
	return all
}

func (f family) names() []string {
	names := make([]string, len(f.labels))
	for i, l := range f.labels {
		names[i] = l.name
	}
	return names
}

// of returns the series of a metric; nil if that is not counted here.
func (m *Metrics) of(what Metric, labels []string) *series {
	if m == nil || m.families[what] == nil {
		return nil
	}
	f := m.families[what]
	var key [mostLabels]string
	copy(key[:], m.bounded(what, labels))
	f.mu.RLock()
	s := f.series[key]
	f.mu.RUnlock()
	if s != nil {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s = f.series[key]; s == nil {
		s = &series{}
		if f.kind == histogram {
			s.counts = make([]atomic.Uint64, len(f.buckets)+1)
		}
		f.series[key] = s
	}
	return s
}

func (s *series) add(n float64) {
	for {
		old := s.value.Load()
		if s.value.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+n)) {
			return
		}
	}
}

// Add counts.
func (m *Metrics) Add(what Metric, n float64, labels ...string) {
	if s := m.of(what, labels); s != nil && s.counts == nil {
		s.add(n)
	}
}

// Set says how much there is.
func (m *Metrics) Set(what Metric, value float64, labels ...string) {
	if s := m.of(what, labels); s != nil && families[what].kind == gauge {
		s.value.Store(math.Float64bits(value))
	}
}

// Observe notes one of many values.
func (m *Metrics) Observe(what Metric, value float64, labels ...string) {
	if s := m.of(what, labels); s != nil && s.counts != nil {
		at, _ := slices.BinarySearch(families[what].buckets, value)
		s.counts[at].Add(1)
		s.add(value)
	}
}

// Since notes the time since start, in seconds.
func (m *Metrics) Since(what Metric, start time.Time, labels ...string) {
	if m != nil {
		m.Observe(what, time.Since(start).Seconds(), labels...)
	}
}

// Read lets a source tell its numbers whenever somebody asks.
func (m *Metrics) Read(s Source) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = append(m.sources, s)
}

// bounded replaces values that a label cannot take.
func (m *Metrics) bounded(what Metric, values []string) []string {
	out := values
	for i, l := range families[what].labels {
		if l.allows(values[i]) || len(l.values) == 0 && m.remembered(what, l, values[i]) {
			continue
		}
		if &out[0] == &values[0] {
			out = append([]string{}, values...)
		}
		out[i] = other
	}
	return out
}

// remembered tells whether a value is one of the first that came for a label.
func (m *Metrics) remembered(what Metric, l label, value string) bool {
	key := families[what].name + " " + l.name
	m.mu.RLock()
	known := m.seen[key][value]
	m.mu.RUnlock()
	if known {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[key] == nil {
		m.seen[key] = map[string]bool{}
	}
	if len(m.seen[key]) >= l.most {
		return false
	}
	m.seen[key][value] = true
	return true
}

// A Described is a metric as the guide and the dashboard know it.
type Described struct {
	Name, Kind, Help string
	Labels           []string
}

// All lists every metric of this program, in the order of the table.
func All() []Described {
	out := make([]Described, len(families))
	for i, f := range families {
		out[i] = Described{f.name, string(f.kind), f.help, f.names()}
	}
	return out
}
