package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/outbound"
)

type readyCommand struct{ config.Config }

// Run asks the server that was started with the same settings on this machine whether it is ready, as the health checks of containers do.
func (c *readyCommand) Run(ctx context.Context) error {
	addr := c.Admin
	if addr == "" {
		addr = c.HTTP
	}
	if addr == "" {
		return errors.New("there is no address to ask at: --admin-addr and --http are empty")
	}
	addr, err := reachable(addr)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := outbound.New(outbound.Config{AllowHosts: []string{addr}, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		return fmt.Errorf("the server does not answer at %s: %w", addr, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("the server at %s is not ready: %s", addr, strings.TrimSpace(string(why)))
	}
	fmt.Println("ready")
	return nil
}

// reachable is where a server that listens on an address is asked from its own machine.
func reachable(listens string) (string, error) {
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
