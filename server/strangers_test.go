package server_test

import (
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stagedoor/stagedoor/internal/config"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestStrangersReachNothingWithin: what the operator lets connections and scripts reach is not open to whoever names a client by an address (SSRF).
func TestStrangersReachNothingWithin(t *testing.T) {
	within, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer within.Close()
	var reached atomic.Int32
	go func() {
		for {
			c, err := within.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			c.Close()
		}
	}()
	s := stagedoortest.New(t, stagedoortest.Options{Configure: func(c *config.Config) {
		c.Outbound.AllowPrivate, c.Outbound.Allow = true, []string{"127.0.0.0/8", within.Addr().String()}
	}})
	if status := s.JSON(t, http.MethodPatch, s.HTTPURL+"/api/v2/tenants/settings", s.ManagementToken(t), `{"client_id_metadata_document_supported":true}`, nil); status != http.StatusOK {
		t.Fatal(status)
	}
	resp, err := s.Client.Get(s.HTTPSURL + "/authorize?" + url.Values{"client_id": {"https://" + within.Addr().String() + "/client.json"}, "response_type": {"code"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n := reached.Load(); n != 0 || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%d, and %d connections within", resp.StatusCode, n)
	}
}
