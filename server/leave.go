package server

import (
	"net/http"
	"time"
)

// leave serves on for the delay of the configuration, so that those who send requests here notice that they should not: a balancer, or an
// orchestrator that tells its balancers, may take seconds, and what it sends meanwhile would be refused. The server says that it is not ready, and
// ends connections with the next answer, so that few are left on which a request may be on its way when they are closed.
func (s *Server) leave(failed <-chan error) error {
	if s.cfg.ShutdownDelay <= 0 {
		return nil
	}
	s.leaving.Store(true)
	s.log.Info("leaving: no longer ready, and ends in " + s.cfg.ShutdownDelay.String())
	select {
	case err := <-failed:
		return err
	case <-time.After(s.cfg.ShutdownDelay):
		return nil
	}
}

// lastOfConnection has the connection of an answer end with it while the server leaves; HTTP/2 has it as GOAWAY.
func (s *Server) lastOfConnection(h http.Header) {
	if s.leaving.Load() {
		h.Set("Connection", "close")
	}
}
