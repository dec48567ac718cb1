package logstream

import (
	"maps"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// take tells whether the stream is the caller's to serve, until it is released.
func (d *Deliverer) take(key streamKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy == nil {
		d.busy, d.late = map[streamKey]time.Duration{}, map[streamKey]time.Duration{}
	}
	if _, is := d.busy[key]; is {
		return false
	}
	d.busy[key] = 0
	return true
}

func (d *Deliverer) release(key streamKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late[key] = d.busy[key]
	delete(d.busy, key)
}

// note takes down how far a stream is behind that is being served.
func (d *Deliverer) note(key streamKey, late time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[key] = max(d.busy[key], late)
	d.late[key] = max(d.late[key], late)
}

// keep forgets how far streams were behind that are no longer there.
func (d *Deliverer) keep(there map[streamKey]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.late, func(key streamKey, _ time.Duration) bool { return !there[key] })
}

// measure tells how far the slowest stream is behind.
func (d *Deliverer) measure() {
	d.mu.Lock()
	defer d.mu.Unlock()
	longest := time.Duration(0)
	for _, late := range d.late {
		longest = max(longest, late)
	}
	d.Metrics.Set(telemetry.StreamLag, longest.Seconds())
}
