package stagedoortest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/stagedoor/stagedoor/stagedoortest"
)

// TestUnreadBodiesResetNothing: a request whose body nobody needs is answered whole over HTTP/2. Some clients take the reset of a stream that
// still sends for a failure, also behind the answer.
func TestUnreadBodiesResetNothing(t *testing.T) {
	s := stagedoortest.New(t)
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.HTTPSURL, "https://"), &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", s.Domain}, {":path", "/api/v2/users"}, {"content-type", "application/json"}} {
		encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	framer.WriteSettings()
	framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	time.Sleep(100 * time.Millisecond) // by now a server that does not wait has answered, without a token 401
	framer.WriteData(1, true, []byte(`{}`))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame:
			t.Fatalf("the stream was reset: %v", f.ErrCode)
		case *http2.DataFrame:
			if f.StreamEnded() {
				framer.WritePing(false, [8]byte{1}) // a reset would come before its answer
			}
		case *http2.PingFrame:
			return
		}
	}
}
