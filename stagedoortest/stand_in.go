package stagedoortest

import (
	"net/http/httptest"
	"testing"

	"github.com/stagedoor/stagedoor/internal/standin"
)

// StandIn plays other people's identity providers: OpenID Connect, and social ones in the form that they document.
type StandIn struct {
	*standin.Server
	URL string
}

// Person is somebody whom a StandIn knows.
type Person = standin.Person

// NewStandIn starts a stand-in that stops with the test.
func NewStandIn(t testing.TB) *StandIn {
	play := standin.New()
	server := httptest.NewServer(play)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return &StandIn{Server: play, URL: server.URL}
}

// Host is host:port, for Options.Allow.
func (s *StandIn) Host() string { return s.URL[len("http://"):] }
