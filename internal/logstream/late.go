package logstream

import (
	"maps"
	"time"

	"github.com/stagedoor/stagedoor/internal/telemetry"
)

// raise takes down how far a stream is behind that is being served.
func (d *Deliverer) raise(key streamKey, late time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(key, max(d.late[key], late))
}

// note takes down how far a stream was behind when its turn is over.
func (d *Deliverer) note(key streamKey, late time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(key, late)
}

func (d *Deliverer) put(key streamKey, late time.Duration) {
	if d.late == nil {
		d.late = map[streamKey]time.Duration{}
	}
	d.late[key] = late
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
