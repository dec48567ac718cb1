package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor/stagedoor/internal/ca"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Limits of one connection. An answer may take as long as the scripts of a login.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 120 * time.Second
	maxHeader     = 64 << 10
)

// Listeners are the sockets that a server answers on.
type Listeners struct {
	HTTP, HTTPS []net.Listener
	Admin       []net.Listener // what operators read of the server
	CAFile      string         // the local authority's certificate; empty where another one is used
}

// Listen opens the configured addresses, so that a port in use is found before anything else happens.
func (s *Server) Listen() (*Listeners, error) {
	l := &Listeners{}
	if s.cfg.Admin != "" {
		open, err := ListenLoopback(s.cfg.Admin, "admin-addr")
		if err != nil {
			return nil, err
		}
		l.Admin = open
	}
	if s.cfg.HTTP != "" {
		open, err := ListenLoopback(s.cfg.HTTP, "http")
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.HTTP = open
	}
	if s.cfg.HTTPS == "" {
		return l, nil
	}
	tlsConfig, caFile, err := s.tls()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	open, err := ListenLoopback(s.cfg.HTTPS, "https")
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	tlsConfig = fingerprinted(s.askForCertificates(tlsConfig))
	for _, one := range open {
		l.HTTPS = append(l.HTTPS, tls.NewListener(one, tlsConfig))
	}
	l.CAFile = caFile
	return l, nil
}

// Close closes the sockets.
func (l *Listeners) Close() error {
	var err error
	for _, one := range slices.Concat(l.HTTP, l.HTTPS, l.Admin) {
		err = errors.Join(err, one.Close())
	}
	return err
}

// ListenLoopback opens an address. For 127.0.0.1 it also opens [::1], where there is one: programs look up localhost
// and some try that first. Setting is the name of the flag that says the address.
func ListenLoopback(addr, setting string) ([]net.Listener, error) {
	first, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w: --%s names another address", addr, err, setting)
	}
	out := []net.Listener{first}
	if tcp, ok := first.Addr().(*net.TCPAddr); ok && tcp.IP.Equal(net.IPv4(127, 0, 0, 1)) {
		if second, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", tcp.Port)); err == nil {
			out = append(out, second)
		}
	}
	return out, nil
}

// tls chooses the certificates: files, ACME, or the local authority's.
func (s *Server) tls() (*tls.Config, string, error) {
	switch {
	case s.cfg.TLSCert != "":
		files, err := openCertificate(s.cfg.TLSCert, s.cfg.TLSKey, s.log)
		if err != nil {
			return nil, "", err
		}
		s.files.Store(files)
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get, NextProtos: []string{"h2", "http/1.1"}}, "", nil
	case len(s.cfg.ACMEHosts) > 0:
		return s.acme(), "", nil
	}
	authority, err := ca.Open(CADir(s.cfg.DataDir), time.Now)
	if err != nil {
		return nil, "", err
	}
	return authority.TLSConfig(), authority.CAFile(), nil
}

// CADir is where the local authority keeps its files.
func CADir(dataDir string) string { return filepath.Join(dataDir, "ca") }

// Serve answers until the context ends, then lets running requests finish within the grace of the configuration.
func (s *Server) Serve(ctx context.Context, l *Listeners) error {
	hs := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: quiet(s.log), ConnContext: remember,
	}
	hs.RegisterOnShutdown(s.stopping)
	admin := &http.Server{
		Handler: s.admin(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: profileTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: quiet(s.log),
	}
	defer admin.Close()
	background, stop := context.WithCancel(web.WithEvent(ctx, &web.Event{Log: s.log}))
	defer stop()
	var working sync.WaitGroup
	for _, work := range []func(context.Context){s.sweep, s.renewPlaces, s.streams.Run, s.events.Run, s.logouts.Run, s.jobs.Run} {
		working.Go(func() { work(background) })
	}
	defer func() { // what is under way is given back before the database is closed
		stop()
		working.Wait()
	}()
	go s.scripts.Check(background, "function(){}") // starts a worker, so that the first login need not
	failed := make(chan error, 8)
	for _, one := range l.Admin {
		go func() { failed <- admin.Serve(one) }()
	}
	for _, one := range append(append([]net.Listener{}, l.HTTP...), l.HTTPS...) {
		go func() { failed <- hs.Serve(one) }()
	}
	select {
	case err := <-failed:
		hs.Close()
		return err
	case <-ctx.Done():
	}
	if err := s.leave(failed); err != nil {
		hs.Close()
		return err
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownGrace)
	defer cancel()
	if err := hs.Shutdown(grace); err != nil {
		hs.Close()
		return fmt.Errorf("some requests did not end in time: %w", err)
	}
	return nil
}
