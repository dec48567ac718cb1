package storetest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Replicated starts a PostgreSQL of its own with a replica that follows it, and returns the addresses of both, migrated, until
// the test ends.
func Replicated(t testing.TB) (primary, replica string) {
	t.Helper()
	server(t) // skips where no PostgreSQL is to be used
	script, err := filepath.Abs("../../scripts/postgres")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(script, "--replica", "sh", "-c", `echo "$STAGEDOOR_TEST_POSTGRES"; echo "$STAGEDOOR_TEST_POSTGRES_REPLICA"; cat >/dev/null`) //nolint:noctx // ends with its input
	cmd.Stderr = os.Stderr
	end, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end.Close()
		cmd.Wait() //nolint:errcheck // it has nothing to say any more
	})
	lines := bufio.NewReader(out)
	for _, into := range []*string{&primary, &replica} {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal("a PostgreSQL with a replica does not start")
		}
		*into = strings.TrimSpace(line)
	}
	if err := migrate(primary); err != nil {
		t.Fatal(err)
	}
	return primary, replica
}
