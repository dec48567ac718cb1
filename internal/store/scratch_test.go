package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// What a command left beside its file that was killed goes when the next one runs; what one that still runs needs, or what is no such thing, stays.
func TestLeftByTheKilled(t *testing.T) {
	path := storetest.Migrated(t, storetest.SQLite)
	storetest.Tenant(t, storetest.OpenURL(t, path), "acme")
	saved := filepath.Join(t.TempDir(), "saved.db")
	if _, err := store.Backup(t.Context(), path, saved, store.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	for purpose, run := range map[string]func(to string) error{
		"backup": func(to string) error {
			_, err := store.Backup(t.Context(), path, to, store.BackupOptions{})
			return err
		},
		"copy": func(to string) error {
			_, err := store.Copy(t.Context(), path, to, nil)
			return err
		},
		"restore": func(to string) error {
			_, err := store.Restore(t.Context(), saved, to, store.RestoreOptions{Sealer: storetest.Sealer(t)})
			return err
		},
	} {
		t.Run(purpose, func(t *testing.T) {
			dir := t.TempDir()
			to := filepath.Join(dir, "to.db")
			running, remove, err := store.Scratch(to, purpose)
			if err != nil {
				t.Fatal(err)
			}
			for name, files := range map[string][]string{
				".stagedoor-" + purpose + "-1": {"lock", "half", "half-journal"}, ".stagedoor-" + purpose + "-mine": {"notes"}, ".stagedoor-other-1": {"lock"},
			} {
				if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
					t.Fatal(err)
				}
				for _, file := range files {
					if err := os.WriteFile(filepath.Join(dir, name, file), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := run(to); err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{filepath.Base(running): true, ".stagedoor-" + purpose + "-mine": true, ".stagedoor-other-1": true, "to.db": true}
			there, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range there {
				if !want[e.Name()] {
					t.Errorf("%s is left", e.Name())
				}
				delete(want, e.Name())
			}
			for name := range want {
				t.Errorf("%s is gone", name)
			}
			remove()
			if _, err := os.Stat(running); err == nil {
				t.Error("what was made is left")
			}
		})
	}
}
