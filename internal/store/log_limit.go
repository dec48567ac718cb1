package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// How many events of one type that anybody can cause a server writes into a tenant's log in a minute: of one network, and of all. Whoever asks without end fills the disk
// otherwise, and where the log is bounded by its size they push out what was before. What is left out is counted, and told in an event once a minute.
const (
	unprovedOfNetwork = 100
	unprovedOfAll     = 1500
	leftOutTold       = time.Minute
	networksCounted   = 1000 // of a tenant in a minute; others are told as one
	networksTold      = 10
)

// logLimit leaves out what is too much.
type logLimit struct {
	mu      sync.Mutex
	minute  time.Time
	written map[unprovedKind]int
	leftOut map[string]*leftOut // by tenant
	timer   *time.Timer         // tells of it; nil: there is nothing to tell
}

// unprovedKind is what is counted; of no network it is of all of them.
type unprovedKind struct{ tenant, kind, network string }

// leftOut is what the log of a tenant lacks.
type leftOut struct {
	since           time.Time
	kinds, networks map[string]int
}

// takes tells whether there is room for an event. tell is called a while after the first that there was none for.
func (l *logLimit) takes(tenant string, e *stagedoor.LogEvent, now time.Time, tell func()) bool {
	if e.IP == "" || !e.Unproved() {
		return true
	}
	network := stagedoor.Network(e.IP)
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) || l.written == nil {
		l.minute, l.written = minute, map[unprovedKind]int{}
	}
	one, all := unprovedKind{tenant, e.Type, network}, unprovedKind{tenant, e.Type, ""}
	if l.written[one] < unprovedOfNetwork && l.written[all] < unprovedOfAll {
		l.written[one]++
		l.written[all]++
		return true
	}
	if l.leftOut == nil {
		l.leftOut = map[string]*leftOut{}
	}
	out := l.leftOut[tenant]
	if out == nil {
		out = &leftOut{since: now, kinds: map[string]int{}, networks: map[string]int{}}
		l.leftOut[tenant] = out
	}
	if len(out.networks) >= networksCounted && out.networks[network] == 0 {
		network = "others"
	}
	out.kinds[e.Type]++
	out.networks[network]++
	if l.timer == nil {
		l.timer = time.AfterFunc(leftOutTold, tell)
	}
	return false
}

// take returns what was left out until now, and forgets it.
func (l *logLimit) take() map[string]*leftOut {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	out := l.leftOut
	l.leftOut, l.timer = nil, nil
	return out
}

// takes tells whether the log has room for an event.
func (l *logQueue) takes(tenant string, e *stagedoor.LogEvent) bool {
	if l.limit.takes(tenant, e, l.db.clock.Now(), l.tellLeftOut) {
		return true
	}
	l.db.metrics.Add(telemetry.LogLeftOut, 1)
	return false
}

// tellLeftOut tells each tenant's log what it lacks.
func (l *logQueue) tellLeftOut() {
	all := l.limit.take()
	for _, tenant := range slices.Sorted(maps.Keys(all)) {
		e := all[tenant].event()
		e.Date = l.db.clock.Now()
		l.add(tenant, e)
	}
}

// event is what the log says in the place of what it lacks.
func (o *leftOut) event() stagedoor.LogEvent {
	total := 0
	for _, n := range o.kinds {
		total += n
	}
	most := slices.SortedFunc(maps.Keys(o.networks), func(a, b string) int {
		return cmp.Or(cmp.Compare(o.networks[b], o.networks[a]), strings.Compare(a, b))
	})
	networks := map[string]int{}
	for _, network := range most[:min(len(most), networksTold)] {
		networks[network] = o.networks[network]
	}
	return stagedoor.LogEvent{
		Type: "w", Description: fmt.Sprintf("%d events are not in the log, because there were too many that anybody can cause: most of them came from %s.", total, most[0]),
		Details: map[string]any{"left_out": map[string]any{"total": total, "since": stagedoor.FormatTime(o.since), "types": o.kinds, "networks": networks}},
	}
}

// How long the texts of an event may be, in bytes. Where anybody can cause it they are what a stranger wrote into an address, a form or a header, and what that is for is seen from its beginning.
const (
	longText        = 1 << 10
	longDescription = 4 << 10
	longScope       = 16 << 10
	longUnproved    = 16 << 10 // of all of it, before what is in its details is cut
)

// shortened bounds the members of an event.
func shortened(e stagedoor.LogEvent) stagedoor.LogEvent {
	for _, s := range []*string{
		&e.Connection, &e.ConnID, &e.ClientID, &e.ClientName, &e.IP, &e.UserAgent, &e.Hostname, &e.UserID, &e.UserName, &e.Audience, &e.Strategy, &e.OrgID, &e.OrgName,
	} {
		*s = stagedoor.Shorten(*s, longText)
	}
	e.Description = stagedoor.Shorten(e.Description, longDescription)
	if e.Scope = stagedoor.Shorten(e.Scope, longScope); e.Unproved() {
		e.Scope = stagedoor.Shorten(e.Scope, longText)
	}
	return e
}

// shorter is a part of an event's details with shorter texts.
func shorter(part any) any {
	switch part := part.(type) {
	case string:
		return stagedoor.Shorten(part, longText)
	case map[string]any:
		out := make(map[string]any, len(part))
		for name, value := range part {
			out[name] = shorter(value)
		}
		return out
	case []any:
		out := make([]any, len(part))
		for i, value := range part {
			out[i] = shorter(value)
		}
		return out
	case []map[string]any:
		out := make([]any, len(part))
		for i, value := range part {
			out[i] = shorter(value)
		}
		return out
	}
	return part
}
