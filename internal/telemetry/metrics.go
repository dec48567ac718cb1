package telemetry

import (
	"net/http"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics count. It is safe for concurrent use; a nil one counts nothing.
type Metrics struct {
	registry   *prometheus.Registry
	counters   [metrics]*prometheus.CounterVec
	gauges     [metrics]*prometheus.GaugeVec
	histograms [metrics]*prometheus.HistogramVec
	tenants    bool

	series [metrics]seriesOf

	mu      sync.RWMutex
	seen    map[string]map[string]bool // by label, of those without a list of values
	sources []Source
}

// seriesOf are the series of a metric that there are already, by the values of their labels: to have the library find one anew costs more
// than to count. There are no more of them than the table of metrics allows.
type seriesOf struct {
	mu sync.RWMutex
	by map[labelValues]any // a prometheus.Counter, Gauge or Observer
}

// labelValues are as many as a metric has labels at most.
type labelValues [3]string

// of returns the series of a metric with labels; nil if the metric is not kept.
func (m *Metrics) of(what Metric, labels []string) any {
	if m.counters[what] == nil && m.gauges[what] == nil && m.histograms[what] == nil {
		return nil
	}
	k := &m.series[what]
	var key labelValues
	copy(key[:], labels)
	k.mu.RLock()
	one := k.by[key]
	k.mu.RUnlock()
	if one != nil {
		return one
	}
	asked := slices.Clone(labels) // which the library keeps; the caller's stay on its stack
	allowed := m.bounded(what, asked)
	switch {
	case m.counters[what] != nil:
		one = m.counters[what].WithLabelValues(allowed...)
	case m.gauges[what] != nil:
		one = m.gauges[what].WithLabelValues(allowed...)
	default:
		one = m.histograms[what].WithLabelValues(allowed...)
	}
	if slices.Equal(allowed, asked) && len(labels) <= len(key) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.by == nil {
			k.by = map[labelValues]any{}
		}
		k.by[key] = one
	}
	return one
}

// A Source tells numbers that are read when somebody asks for them.
type Source func(tell func(m Metric, value float64, labels ...string))

// NewMetrics makes metrics of a server of a version. With tenants there are numbers by tenant too.
func NewMetrics(version string, tenants bool) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), tenants: tenants, seen: map[string]map[string]bool{}}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), sources{m})
	for i, f := range families {
		if f.read || f.tenants && !tenants {
			continue
		}
		names := f.names()
		switch f.kind {
		case counter:
			m.counters[i] = prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.name, Help: f.help}, names)
			m.registry.MustRegister(m.counters[i])
		case gauge:
			m.gauges[i] = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.name, Help: f.help}, names)
			m.registry.MustRegister(m.gauges[i])
		case histogram:
			m.histograms[i] = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.name, Help: f.help, Buckets: f.buckets}, names)
			m.registry.MustRegister(m.histograms[i])
		}
	}
	m.begin()
	m.Set(BuildInfo, 1, version, goruntime.Version())
	return m
}

// begin makes the series that are known beforehand: a rate needs a zero to grow from.
func (m *Metrics) begin() {
	for i, f := range families {
		if f.read || f.kind == gauge && len(f.labels) > 0 {
			continue
		}
		for _, values := range f.known() {
			switch {
			case m.counters[i] != nil:
				m.counters[i].WithLabelValues(values...)
			case m.gauges[i] != nil:
				m.gauges[i].WithLabelValues(values...)
			case m.histograms[i] != nil:
				m.histograms[i].WithLabelValues(values...)
			}
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
	out := make([]string, len(f.labels))
	for i, l := range f.labels {
		out[i] = l.name
	}
	return out
}

// Add counts n more.
func (m *Metrics) Add(what Metric, n float64, labels ...string) {
	if m == nil {
		return
	}
	if one, is := m.of(what, labels).(interface{ Add(float64) }); is {
		one.Add(n)
	}
}

// Set says how much there is.
func (m *Metrics) Set(what Metric, value float64, labels ...string) {
	if m == nil {
		return
	}
	if one, is := m.of(what, labels).(prometheus.Gauge); is {
		one.Set(value)
	}
}

// Observe notes one of many values.
func (m *Metrics) Observe(what Metric, value float64, labels ...string) {
	if m == nil {
		return
	}
	if one, is := m.of(what, labels).(prometheus.Observer); is {
		one.Observe(value)
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

// Handler serves the numbers in the form that the asker prefers.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// sources is the collector of what is read.
type sources struct{ *Metrics }

// Describe says nothing beforehand: what there is depends on the database.
func (sources) Describe(chan<- *prometheus.Desc) {}

// Collect asks all sources.
func (s sources) Collect(out chan<- prometheus.Metric) {
	s.mu.RLock()
	all := s.sources
	s.mu.RUnlock()
	for _, source := range all {
		source(func(what Metric, value float64, labels ...string) {
			f := families[what]
			t := prometheus.GaugeValue
			if f.kind == counter {
				t = prometheus.CounterValue
			}
			if m, err := prometheus.NewConstMetric(prometheus.NewDesc(f.name, f.help, f.names(), nil), t, value, s.bounded(what, labels)...); err == nil {
				out <- m
			}
		})
	}
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
