package password

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func hashOf(secret string) string {
	sum := sha1.Sum([]byte(secret))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// TestLeaked: each kind of collection knows what is in it, and nothing else.
func TestLeaked(t *testing.T) {
	dir := t.TempDir()
	var hashes, plain []string
	ranges := filepath.Join(dir, "ranges")
	must(t, os.Mkdir(ranges, 0o755))
	for i := range 2000 {
		secret := fmt.Sprintf("leaked %d", i)
		plain = append(plain, secret)
		hashes = append(hashes, hashOf(secret)+fmt.Sprintf(":%d", i+1))
		f, err := os.OpenFile(filepath.Join(ranges, hashOf(secret)[:5]+".txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		must(t, err)
		fmt.Fprintf(f, "%s:%d\r\n", hashOf(secret)[5:], i+1)
		must(t, f.Close())
	}
	f, err := os.OpenFile(filepath.Join(ranges, hashOf("padding")[:5]+".txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	must(t, err)
	fmt.Fprintf(f, "%s:0\r\n", hashOf("padding")[5:])
	must(t, f.Close())
	slices.Sort(hashes)
	list, unterminated := filepath.Join(dir, "list"), filepath.Join(dir, "unterminated")
	must(t, os.WriteFile(list, []byte(strings.Join(hashes, "\r\n")+"\r\n"), 0o644))
	must(t, os.WriteFile(unterminated, []byte(strings.Join(hashes, "\n")), 0o644))
	filter := func(name, of string) string {
		var b bytes.Buffer
		count, size, err := BuildLeaked(strings.NewReader(of), &b, 0.001)
		must(t, err)
		if count != 2000 || size != int64(b.Len()) || b.Len() > 2000*2 {
			t.Errorf("%s: %d passwords in %d bytes, of %d", name, count, size, b.Len())
		}
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, b.Bytes(), 0o644))
		return path
	}
	for _, path := range []string{ranges, list, unterminated, filter("filter-hashes", strings.Join(hashes, "\n")), filter("filter-plain", strings.Join(plain, "\n")+"\n\n")} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			l, err := OpenLeaked(path)
			must(t, err)
			defer l.Close()
			wrong := 0
			for i := range 2000 {
				if found, err := l.Has(fmt.Sprintf("leaked %d", i)); err != nil || !found {
					t.Fatalf("%d: %v %v", i, found, err)
				}
				if found, err := l.Has(fmt.Sprintf("other %d", i)); err != nil {
					t.Fatal(err)
				} else if found {
					wrong++
				}
			}
			if found, _ := l.Has("padding"); found {
				t.Error("padding was taken for a password")
			}
			if wrong > 0 && !strings.HasPrefix(filepath.Base(path), "filter") || wrong > 12 {
				t.Errorf("%d of 2000 others are said to be in it", wrong)
			}
		})
	}
	bad := filepath.Join(dir, "bad")
	must(t, os.WriteFile(bad, []byte("not a list\n"), 0o644))
	cut := filepath.Join(dir, "cut")
	b, err := os.ReadFile(filepath.Join(dir, "filter-plain"))
	must(t, err)
	must(t, os.WriteFile(cut, b[:len(b)-1], 0o644))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	for _, path := range []string{bad, cut, filepath.Join(dir, "empty"), filepath.Join(dir, "nothing")} {
		if l, err := OpenLeaked(path); err == nil {
			l.Close()
			t.Errorf("%s was opened", path)
		}
	}
	for _, rate := range []float64{0, 1, -1} {
		if _, _, err := BuildLeaked(strings.NewReader("x\n"), &bytes.Buffer{}, rate); err == nil {
			t.Errorf("rate %v was taken", rate)
		}
	}
	if _, _, err := BuildLeaked(strings.NewReader("\n"), &bytes.Buffer{}, 0.1); err == nil {
		t.Error("an empty list was taken")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
