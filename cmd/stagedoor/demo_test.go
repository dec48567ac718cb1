package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stagedoor/stagedoor/server"
)

// TestDemoReaches: who tries providers, log streams or databases on their own machine lets the demo reach them.
func TestDemoReaches(t *testing.T) {
	c := demoCommand{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", MixtapeAPI: "127.0.0.1:3001", Allow: []string{"127.0.0.1:8090", "10.1.0.0/16"}, LogLevel: "warn"}
	cfg, err := c.config()
	if want := []string{"localhost:3001", "127.0.0.1:8090", "10.1.0.0/16"}; err != nil || !slices.Equal(cfg.Outbound.Allow, want) {
		t.Errorf("%v %v", cfg.Outbound.Allow, err)
	}
	c.Allow = []string{"a b"}
	if _, err := c.config(); err == nil {
		t.Error("what is no network and no host was taken")
	}
}

// TestDemoBeginsAnew: --fresh deletes what is the demo's, and no other tenant of a database that a server of one's own keeps in the same place, as ./data is the usual one of both.
func TestDemoBeginsAnew(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	c := demoCommand{DataDir: dir, Fresh: true, HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", MixtapeAPI: "127.0.0.1:3001", LogLevel: "warn"}
	cfg, err := c.config()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	db, err := server.OpenDatabase(ctx, cfg, server.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acme", demoTenant} {
		if _, err := server.CreateTenant(ctx, db, name, []string{name + ".example"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	kept, gone := filepath.Join(dir, "stagedoor.db.before-20260101T000000Z"), filepath.Join(dir, "mixtape.db")
	for _, name := range []string{kept, gone} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.prepare(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	if db, err = server.OpenDatabase(ctx, cfg, server.Deps{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if all, err := db.Tenants(ctx); err != nil || len(all) != 1 || all[0].ID != "acme" {
		t.Errorf("%v %v", all, err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("what `stagedoor restore` has set aside: %v", err)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("Mixtape's data are there")
	}
}
