package server

import (
	"testing"
	"time"
)

func TestPacing(t *testing.T) {
	const mb = 1 << 20
	start := time.Unix(1_700_000_000, 0)
	p := &pacer{most: 96 * mb, percent: 100, last: start}
	allocated := int64(0)
	for i, c := range []struct {
		after   time.Duration
		took    int64 // allocated in that time
		live    int64
		percent int
		changed bool
	}{
		{time.Minute, 10 * mb, 10 * mb, 100, false},             // at rest
		{10 * time.Millisecond, 100 * mb, 8 * mb, 1200, true},   // by 96 MB
		{100 * time.Millisecond, 100 * mb, 8 * mb, 1200, false}, // as before
		{3 * time.Second, 720 * mb, 12 * mb, 800, true},         // neither busy nor idle: as it was
		{100 * time.Millisecond, 100 * mb, 200 * mb, 100, true}, // Go's own measure is larger
		{100 * time.Millisecond, 100 * mb, 10 * mb, 960, true},  // and again
		{800 * time.Millisecond, 96 * mb, 12 * mb, 400, true},   // work that allocates slowly: what it takes in 400 ms
		{400 * time.Millisecond, 48 * mb, 12 * mb, 400, false},  // still
		{400 * time.Millisecond, 4 * mb, 12 * mb, 100, true},    // next to nothing
		{400 * time.Millisecond, 400 * mb, 12 * mb, 800, true},  // and fast again
		{11 * time.Second, 100 * mb, 10 * mb, 100, true},        // no more work
		{2 * time.Second, 100 * mb, 10 * mb, 100, false},        // still
		{time.Millisecond, 100 * mb, 100, 9600, true},           // next to nothing in use
		{0, 100 * mb, 0, 9600, false},                           // nothing at all, and no time
		{time.Millisecond, 100 * mb, 10_000 * mb, 100, true},    // very much
		{time.Millisecond, 100 * mb, 96*mb + 1, 100, false},     // just more than there is room for
	} {
		start, allocated = start.Add(c.after), allocated+c.took
		if percent, changed := p.collected(start, c.live, allocated); percent != c.percent || changed != c.changed {
			t.Errorf("%d: %d percent, changed %v; want %d, %v", i, percent, changed, c.percent, c.changed)
		}
	}
}
