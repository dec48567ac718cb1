package stagedoortest_test

import (
	"net"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A mail server that speaks TLS from the first byte says nothing before its client has: on any port the operator can have the server speak first.
func TestMailServerWithImplicitTLS(t *testing.T) {
	relay, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	first := make(chan byte, 1)
	go func() {
		conn, err := relay.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		one := make([]byte, 1)
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		_, _ = conn.Read(one)
		first <- one[0]
	}()
	w := newWorld(t, storetest.SQLite, func(o *stagedoortest.Options) {
		o.Configure = func(c *config.Config) {
			c.Mail.Host, c.Mail.Port, c.Mail.ImplicitTLS = "127.0.0.1", relay.Addr().(*net.TCPAddr).Port, true
		}
	})
	w.a.settings(map[string]any{"stagedoor": map[string]any{"development_inbox": false}})
	w.a.want(201, w.a.api("POST", "/jobs/verification-email", map[string]any{"user_id": w.a.create("users", map[string]any{
		"connection": connection, "email": "implicit@example.com", "password": w.a.pwd, "verify_email": false,
	})["user_id"]}, nil))
	const handshake = 22 // RFC 8446 section 5.1
	select {
	case got := <-first:
		if got != handshake {
			t.Errorf("the mail server was sent %#x first, want a handshake", got)
		}
	case <-time.After(time.Minute):
		t.Error("nobody came to the mail server")
	}
}
