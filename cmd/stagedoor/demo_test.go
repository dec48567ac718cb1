package main

import (
	"slices"
	"testing"
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
