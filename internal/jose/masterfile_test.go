package jose

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A running sealer follows its file.
func TestSealerFollowsItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := OpenSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	second.Log = slog.New(slog.NewTextHandler(&said, nil))
	old, place := first.Current(), Place("a")
	key, err := AddMasterKey(path, false)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookEvery)
	sealed := first.Seal([]byte("secret"), place)
	if first.Current() != key.ID() || !first.IsCurrent(sealed) || key.ID() == old {
		t.Errorf("%s seals, not %s", first.Current(), key.ID())
	}
	second.looked.Store(time.Now().Add(-lookAgain).UnixNano()) // it has looked a moment ago
	if plain, err := second.Open(sealed, place); err != nil || string(plain) != "secret" {
		t.Errorf("a server that has not noticed yet: %q, %v", plain, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := UseMasterKey(path, old); err != nil {
		t.Fatal(err)
	}
	if keys, err := LoadMasterKeys(path); err != nil || len(keys) != 2 || keys[0].ID() != old {
		t.Errorf("%v, %v", keys, err)
	}
	if err := UseMasterKey(path, "nothing"); err == nil {
		t.Error("a key that is not there is used")
	}
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	said.Reset()
	for range 3 {
		second.looked.Store(0)
		if _, err := second.Open(second.Seal([]byte("x"), place), place); err != nil {
			t.Errorf("with a file that is damaged: %v", err)
		}
	}
	if strings.Count(said.String(), "\n") != 1 || !strings.Contains(said.String(), "cannot be used: the keys from before are") || strings.Contains(said.String(), "rubbish") {
		t.Errorf("of a damaged file the log says %q", &said)
	}
	said.Reset()
	if err := WriteMasterKeys(path, []MasterKey{key}); err != nil {
		t.Fatal(err)
	}
	second.looked.Store(0)
	second.Seal([]byte("x"), place)
	if !strings.Contains(said.String(), "has changed\" seals="+key.ID()+" keys=1") {
		t.Errorf("of a good one it says %q", &said)
	}
}
