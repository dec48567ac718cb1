package stagedoor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIndexes: each guide, and each decision, has its line in the index of its folder.
func TestIndexes(t *testing.T) {
	for _, folder := range []string{"docs/guide", "docs/adr"} {
		index, err := os.ReadFile(filepath.Join(folder, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
		if err != nil || len(pages) < 2 {
			t.Fatalf("%s: %d pages, %v", folder, len(pages), err)
		}
		for _, page := range pages {
			if name := filepath.Base(page); name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
				t.Errorf("%s is not in the index of its folder", page)
			}
		}
	}
}
