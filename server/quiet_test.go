package server

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fullListener is that of a process that may open no more files, and then may again.
type fullListener struct {
	net.Listener // nil: nobody asks for an address
	left         int
}

func (l *fullListener) Accept() (net.Conn, error) {
	if l.left--; l.left < 0 {
		return nil, net.ErrClosed
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
}

func (l *fullListener) Close() error { return nil }

// Operators read that nobody can connect, and are not flooded with it; what strangers cause is for debugging.
func TestConnectionsCannotBeTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		hs := &http.Server{ErrorLog: quiet(slog.New(slog.NewTextHandler(&lines, nil))), ReadHeaderTimeout: time.Second}
		hs.ErrorLog.Print("http: TLS handshake error from 192.0.2.1:1: EOF")
		start := time.Now()
		_ = hs.Serve(&fullListener{left: 40})
		n := strings.Count(lines.String(), "connections cannot be taken")
		if took := time.Since(start); n != int(took/refusals)+1 || !strings.Contains(lines.String(), "too many open files") || strings.Contains(lines.String(), "handshake") {
			t.Errorf("%d times in %v: %s", n, took, lines.String())
		}
	})
}
