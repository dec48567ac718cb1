package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// freeAddr returns a loopback address that nobody listened at a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func settings(t *testing.T) map[string]string {
	return map[string]string{
		"ISSUER_URL": "http://127.0.0.1:1", "CLIENT_ID": "spa", "MANAGEMENT_CLIENT_ID": "m", "MANAGEMENT_CLIENT_SECRET": "s",
		"MIXTAPE_ADDR": freeAddr(t), "MIXTAPE_API_ADDR": freeAddr(t), "MIXTAPE_DATA": t.TempDir(),
	}
}

func TestRun(t *testing.T) {
	env := settings(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, func(name string) string { return env[name] }, "../../tenant/listeners.json")
	}()
	for _, url := range []string{"http://" + env["MIXTAPE_API_ADDR"] + "/healthz", "http://" + env["MIXTAPE_ADDR"] + "/config.json"} {
		status := 0
		for deadline := time.Now().Add(time.Minute); status != 200 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if res, err := http.Get(url); err == nil {
				status = res.StatusCode
				res.Body.Close()
			}
		}
		if status != 200 {
			t.Errorf("%s: status %d", url, status)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for name, value := range map[string]string{"CLIENT_ID": "", "MIXTAPE_ADDR": busy.Addr().String(), "DATABASE_URL": "/nowhere/at/all.db"} {
		env := settings(t)
		env[name] = value
		err := run(t.Context(), func(name string) string { return env[name] }, "")
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
}
