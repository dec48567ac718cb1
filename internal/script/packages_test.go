package script

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/script/npm"
)

// Whatever comes with the program can be required, in both runtimes.
func TestEveryPackageLoads(t *testing.T) {
	for n, runtime := range runtimes(t) {
		h := newHost(t, Config{Workers: 1, Runtime: always(runtime), Limits: Limits{CPU: 10 * time.Second, Wall: time.Minute}})
		for i, p := range npm.Packages() {
			if testing.Short() && i%2 == n {
				continue // it is loaded by the other runtime
			}
			load := simple("tenant", fmt.Sprintf("user.is = typeof require(%q); callback(null, user, context);", p.ID()))
			out, err := h.Rules(t.Context(), load)
			if err == nil && out.Failure != nil && out.Failure.Kind == KindMemory { // what the packages before it have left in the worker counts; a new one has nothing of it
				out, err = h.Rules(t.Context(), load)
			}
			if err != nil || out.Failure != nil {
				t.Errorf("%s: %s: %v %+v %v", runtime, p.ID(), err, out.Failure, out.Console)
			}
		}
	}
}
