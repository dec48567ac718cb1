package server

import (
	"testing"
	"time"
)

func TestPacing(t *testing.T) {
	const mb = 1 << 20
	start := time.Unix(1_700_000_000, 0)
	p := &pacer{most: 96 * mb, percent: 100, last: start}
	for i, c := range []struct {
		after   time.Duration
		live    int64
		percent int
		changed bool
	}{
		{time.Minute, 10 * mb, 100, false},            // at rest
		{10 * time.Millisecond, 8 * mb, 1200, true},   // by 96 MB
		{100 * time.Millisecond, 8 * mb, 1200, false}, // as before
		{3 * time.Second, 12 * mb, 800, true},         // neither busy nor idle: as it was
		{100 * time.Millisecond, 200 * mb, 100, true}, // Go's own measure is larger
		{100 * time.Millisecond, 10 * mb, 960, true},  // and again
		{11 * time.Second, 10 * mb, 100, true},        // no more work
		{2 * time.Second, 10 * mb, 100, false},        // still
		{time.Millisecond, 100, 9600, true},           // next to nothing in use
		{time.Millisecond, 0, 9600, false},            // nothing at all
		{time.Millisecond, 10_000 * mb, 100, true},    // very much
		{time.Millisecond, 96*mb + 1, 100, false},     // just more than there is room for
	} {
		start = start.Add(c.after)
		if percent, changed := p.collected(start, c.live); percent != c.percent || changed != c.changed {
			t.Errorf("%d: %d percent, changed %v; want %d, %v", i, percent, changed, c.percent, c.changed)
		}
	}
}
