package jose

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func newInt(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

func sortedNames(m map[string]any) string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestSeal(t *testing.T) {
	s := must(NewSealer(MasterKey{1}))
	place := Place("tenant", "client", "abc")
	sealed := s.Seal([]byte("secret"), place)
	if plain, err := s.Open(sealed, place); err != nil || string(plain) != "secret" {
		t.Fatalf("%q %v", plain, err)
	}
	if s.Seal([]byte("secret"), place) == sealed {
		t.Error("two seals are equal")
	}
	if plain, err := s.Open(s.Seal(nil, nil), nil); err != nil || len(plain) != 0 {
		t.Errorf("empty: %q %v", plain, err)
	}
	for name, tt := range map[string]struct{ sealed, place string }{
		"other place":   {sealed, string(Place("tenant", "clienta", "bc"))},
		"no place":      {sealed, ""},
		"empty":         {"", string(place)},
		"cut":           {sealed[:len(sealed)-4], string(place)},
		"very short":    {sealed[:20], string(place)},
		"other version": {"s2" + sealed[2:], string(place)},
		"other key":     {must(NewSealer(MasterKey{2})).Seal([]byte("secret"), place), string(place)},
		"flipped":       {sealed[:30] + flip(sealed[30]) + sealed[31:], string(place)},
		"not base64":    {sealed[:30] + "!" + sealed[31:], string(place)},
	} {
		if plain, err := s.Open(tt.sealed, []byte(tt.place)); !errors.Is(err, ErrSealed) || plain != nil {
			t.Errorf("%s: %q %v", name, plain, err)
		}
	}
	if _, err := NewSealer(); err == nil {
		t.Error("a sealer without key")
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestSealRotation(t *testing.T) {
	old, key := MasterKey{1}, MasterKey{2}
	before, after := must(NewSealer(old)), must(NewSealer(key, old))
	sealed := before.Seal([]byte("x"), nil)
	if plain, err := after.Open(sealed, nil); err != nil || string(plain) != "x" {
		t.Errorf("%q %v", plain, err)
	}
	if after.IsCurrent(sealed) || !before.IsCurrent(sealed) || !after.IsCurrent(after.Seal(nil, nil)) {
		t.Error("IsCurrent is wrong")
	}
	if _, err := before.Open(after.Seal([]byte("x"), nil), nil); !errors.Is(err, ErrSealed) {
		t.Errorf("old server opens new seals: %v", err)
	}
}

func TestMasterKeyIsNotPrinted(t *testing.T) {
	key := MasterKey{171}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(format, key); strings.Contains(out, "171") || strings.Contains(out, "ab") {
			t.Errorf("%s prints %s", format, out)
		}
	}
}

func TestMasterKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "master.key")
	keys, err := LoadOrCreateMasterKeys(path)
	if err != nil || len(keys) != 1 || keys[0] == (MasterKey{}) {
		t.Fatal(keys, err)
	}
	if again := must(LoadOrCreateMasterKeys(path)); again[0] != keys[0] {
		t.Error("another key the second time")
	}
	if mode := must(os.Stat(path)).Mode(); mode.Perm() != 0o600 {
		t.Errorf("mode %o", mode)
	}
	if left := must(os.ReadDir(filepath.Dir(path))); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	line := strings.Repeat("A", 43) + "=\n"
	old := must(os.ReadFile(path))
	if err := os.WriteFile(path, append([]byte("# new\n"+line+"\n"), old...), 0o600); err != nil {
		t.Fatal(err)
	}
	if both := must(LoadOrCreateMasterKeys(path)); len(both) != 2 || both[0] != (MasterKey{}) || both[1] != keys[0] {
		t.Error("two lines are not two keys in order")
	}
}

func TestMasterKeyFileRefuses(t *testing.T) {
	good := strings.Repeat("A", 43) + "="
	for name, tt := range map[string]struct {
		data string
		mode os.FileMode
		want string
	}{
		"readable by others": {good, 0o604, "chmod 600"},
		"readable by group":  {good, 0o640, "chmod 600"},
		"empty":              {"", 0o600, "holds no key"},
		"short key":          {"AAAA", 0o600, "line 1"},
		"not base64":         {"# c\n" + strings.Repeat("!", 44), 0o600, "line 2"},
		"large":              {strings.Repeat("\n", 1<<17), 0o600, "not a small file"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := errors.Join(os.WriteFile(path, []byte(tt.data), 0o600), os.Chmod(path, tt.mode)); err != nil {
			t.Fatal(err)
		}
		_, err := LoadOrCreateMasterKeys(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "AAAA") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMasterKeyFileMadeByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var group sync.WaitGroup
	seen := make([]MasterKey, 16)
	for i := range seen {
		group.Go(func() {
			keys, err := LoadOrCreateMasterKeys(path)
			if err != nil {
				t.Error(err)
				return
			}
			seen[i] = keys[0]
		})
	}
	group.Wait()
	for _, key := range seen {
		if key != seen[0] || key == (MasterKey{}) {
			t.Fatal("different keys")
		}
	}
}
