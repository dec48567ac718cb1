package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/stagedoor/stagedoor/internal/standin"
)

type standInCommand struct {
	Address string `name:"http" default:"127.0.0.1:8090" help:"Address of plain http, on this machine only." placeholder:"ADDR"`
}

// Run plays other people's identity providers until a signal comes. It lets anybody be anybody, so that nobody but this machine gets to it.
func (c *standInCommand) Run(ctx context.Context) error {
	addr, err := netip.ParseAddrPort(c.Address)
	if err != nil || !addr.Addr().IsLoopback() {
		return fmt.Errorf("the stand-in listens on a loopback address such as 127.0.0.1:8090, not on %s", c.Address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return err
	}
	play := standin.New()
	s := &http.Server{Handler: play, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	fmt.Fprintf(os.Stdout, "Stand-in for identity providers: http://%s/\nclient_id %s, client_secret %q; let the server reach it with --outbound-allow %s\n", l.Addr(), play.ClientID, play.ClientSecret, l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
