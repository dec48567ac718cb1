package main

import (
	"context"
	"strings"
	"testing"
)

// TestStandInStaysHere: what lets anybody be anybody is for this machine alone.
func TestStandInStaysHere(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:80", "[::]:0", ":8090", "example.com:80", "127.0.0.1"} {
		if err := (&standInCommand{Address: address}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&standInCommand{Address: "127.0.0.1:0"}).Run(ctx); err != nil {
		t.Error(err)
	}
}
