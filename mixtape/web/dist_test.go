package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The committed files in dist/ were built from the sources beside them: dist.sum is the hash of what
// the build read. This needs no Node.
func TestDistIsCurrent(t *testing.T) {
	names := []string{"build.mjs", "package-lock.json", "package.json", "tsconfig.json"}
	err := filepath.WalkDir("src", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		one := sha256.Sum256(content)
		sum.Write([]byte(name + "\n" + hex.EncodeToString(one[:]) + "\n"))
	}
	recorded, err := os.ReadFile("dist.sum")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != strings.TrimSpace(string(recorded)) {
		t.Error("dist/ is not built from the present sources: run npm ci && npm run build in mixtape/web and commit dist and dist.sum")
	}
}

// Building again gives the committed files, byte for byte.
func TestDistIsReproducible(t *testing.T) {
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules/esbuild")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs node and npm ci in mixtape/web: %v", err)
		}
		t.Skipf("needs node and npm ci in mixtape/web: %v", err)
	}
	out := filepath.Join(t.TempDir(), "dist")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if text, err := exec.CommandContext(ctx, node, "build.mjs", out).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	built, committed := files(t, out), files(t, "dist")
	for name, content := range built {
		if !bytes.Equal(content, committed[name]) {
			t.Errorf("%s differs from what the build gives", name)
		}
	}
	for name := range committed {
		if _, ok := built[name]; !ok {
			t.Errorf("%s is committed, but the build does not make it", name)
		}
	}
}

// The type checker finds nothing.
func TestTypes(t *testing.T) {
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules/typescript")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs node and npm ci in mixtape/web: %v", err)
		}
		t.Skipf("needs node and npm ci in mixtape/web: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if text, err := exec.CommandContext(ctx, node, "node_modules/typescript/bin/tsc", "--noEmit").CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, text)
	}
}

func files(t *testing.T, root string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		relative, _ := filepath.Rel(root, name)
		found[filepath.ToSlash(relative)] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
