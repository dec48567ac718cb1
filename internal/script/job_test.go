package script

import (
	"errors"
	"testing"
	"time"
)

// A run that has waited for a worker has the time of any other: it begins when the run goes there.
func TestTimeOfRunsThatWait(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	j := newJob(h, t.Context(), KindRules, Run{Tenant: "a"})
	if _, bounded := j.ctx.Deadline(); bounded || j.life != nil {
		t.Error("its time passes while it waits")
	}
	j.lives()
	j.life.Reset(time.Millisecond)
	select {
	case <-j.ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("it has no end")
	}
	j.lives()
	j.cancel()
	if j.life.Stop() {
		t.Error("its time goes on when it is over")
	}
}

// Whoever watches a run that could not begin is told that it is over, at once.
func TestRunsThatDoNotBeginAreOver(t *testing.T) {
	over := make(chan struct{}, 2)
	run := Run{Tenant: "a", Rules: []Rule{{Name: "r", Source: `function (u, c, cb) { cb(); }`}}, User: []byte(`{}`), Context: []byte(`{}`), Watch: Watch{Done: func() { over <- struct{}{} }}}
	h := newHost(t, Config{Workers: 1, Node: "/nowhere/node", Runtime: always(RuntimeNode)})
	if out, err := h.Rules(t.Context(), run); err != nil || out.Failure == nil || out.Failure.Kind != KindRuntime {
		t.Fatal(out, err)
	}
	closed := newHost(t, Config{Workers: 1})
	_ = closed.Close()
	if _, err := closed.Rules(t.Context(), run); !errors.Is(err, errClosed) {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case <-over:
		case <-time.After(30 * time.Second):
			t.Fatal("nobody was told")
		}
	}
}
