package rehearsal

import (
	"os"
	"testing"

	"github.com/stagedoor/stagedoor/internal/script"
)

// TestMain lets the test binary serve as its own worker.
func TestMain(m *testing.M) {
	script.Serve()
	os.Exit(m.Run())
}
