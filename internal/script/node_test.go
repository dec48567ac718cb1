package script

import (
	"context"
	"os"
	"sync"
	"testing"
)

// installed is the Node.js of the tests: the one that STAGEDOOR_TEST_NODE names, or that PATH has.
var installed = sync.OnceValue(func() node { return findNode(os.Getenv("STAGEDOOR_TEST_NODE")) })

// runtimes are those that cases are run under. Without Node.js it is one, but in CI that is a failure.
func runtimes(t testing.TB) []string {
	t.Helper()
	if err := installed().err; err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Logf("on the embedded runtime only: %v", err)
		return []string{RuntimeEmbedded}
	}
	return []string{RuntimeEmbedded, RuntimeNode}
}

// needNode skips a test where there is no Node.js.
func needNode(t testing.TB) {
	t.Helper()
	if len(runtimes(t)) < 2 {
		t.Skip("no Node.js")
	}
}

func always(runtime string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return runtime, nil }
}
