package script

import (
	"fmt"
	"testing"
)

// What other runs of the tenant required takes little of a run's memory.
func TestModulesOfOthersLeaveMemory(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Runtime: always(RuntimeEmbedded)})
	run := func(body string) *Failure {
		t.Helper()
		out, err := h.Rules(t.Context(), simple("tenant", body+"; callback(null, user, context);"))
		if err != nil {
			t.Fatal(err)
		}
		return out.Failure
	}
	for _, name := range []string{"mongodb@3.1.4", "mongodb@3.6.3", "mongodb@5.1.0", "tedious@11.0.3"} {
		if f := run(fmt.Sprintf("require(%q)", name)); f != nil {
			t.Fatalf("%s: %+v", name, f)
		}
	}
	for range 2 * (spareRealms + 1) { // the realms that were ready before are used up
		if f := run("user.size = new ArrayBuffer(36 << 20).byteLength"); f != nil {
			t.Fatalf("%+v", f)
		}
	}
}
