package carry_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

func TestMain(m *testing.M) { stagedoortest.Main(m) }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unpacked writes the files of an archive into a folder of the test.
func unpacked(t testing.TB, name string) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name))
	ok(t, err)
	dir := t.TempDir()
	for _, f := range archive.Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	return dir
}

func write(t testing.TB, name, text string) {
	t.Helper()
	ok(t, os.MkdirAll(filepath.Dir(name), 0o700))
	ok(t, os.WriteFile(name, []byte(text), 0o600))
}

// onEach runs a test on a server with each of the two databases.
func onEach(t *testing.T, fn func(t *testing.T, s *stagedoortest.Server)) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			fn(t, stagedoortest.New(t, stagedoortest.Options{Database: storetest.Migrated(t, kind)}))
		})
	}
}

// told prints a plan as a few lines, to be compared.
func told(p *carry.Plan) []string {
	var out []string
	for _, o := range p.Objects {
		line := o.Action + " " + o.Kind + " " + o.Name
		if len(o.Changes) > 0 {
			line += " [" + strings.Join(o.Changes, " ") + "]"
		}
		for _, l := range o.Lost {
			line += " !" + l.Path + ": " + l.Reason
		}
		if len(o.Unset) > 0 {
			line += " ?" + strings.Join(o.Unset, ",")
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func read(t testing.TB, dir string, c carry.Config) *carry.Assets {
	t.Helper()
	a, err := carry.Read(dir, c)
	ok(t, err)
	return a
}
