package server_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/server"
)

// No key is made beside a database that was sealed under one, nor beside one that cannot be asked.
func TestNoKeyBesideASealedDatabase(t *testing.T) {
	keys := func(url string) (string, error) {
		cfg := config.Config{DataDir: filepath.Join(t.TempDir(), "nk"), Database: url, HTTP: "127.0.0.1:0", Mail: config.Mail{Port: 587}}
		if err := cfg.Complete(); err != nil {
			t.Fatal(err)
		}
		db, err := server.OpenDatabase(t.Context(), cfg, server.Deps{})
		if err == nil {
			err = db.Close()
		}
		return cfg.MasterKeyFile, err
	}
	none := func(file string) {
		t.Helper()
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want %v", file, err, fs.ErrNotExist)
		}
	}
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url := storetest.Migrated(t, kind)
			if _, err := server.CreateTenant(t.Context(), storetest.OpenURL(t, url), "acme", []string{"acme.test"}); err != nil {
				t.Fatal(err)
			}
			file, err := keys(url)
			if err == nil || !strings.Contains(err.Error(), "its master key file "+file+" is missing") {
				t.Errorf("error %v", err)
			}
			none(file)
		})
	}
	url := storetest.URL(t, storetest.Postgres)
	if file, err := keys(url); err != nil {
		t.Error(err)
	} else if _, err := os.Stat(file); err != nil {
		t.Error("a new database has no key:", err)
	}
	if _, err := keys(storetest.Migrated(t, storetest.Postgres)); err != nil {
		t.Error("a migrated database in which nothing is sealed:", err)
	}
	p := storetest.NewProxy(t, url)
	p.Down()
	file, err := keys(p.URL)
	if err == nil || !strings.Contains(err.Error(), "reaching the database") || strings.Count(err.Error(), "failed to receive message") > 1 {
		t.Errorf("error %v", err)
	}
	none(file)
}
