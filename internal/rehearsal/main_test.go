package rehearsal

import (
	"context"
	"os"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

// TestMain lets the test binary serve as its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "script-worker" {
		if err := script.WorkerMain(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
