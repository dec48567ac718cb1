package script

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
)

// What goes over a connection is not in the recording, the password that goes there least of all, and a repetition connects to nobody: the
// script is told that its recorded run made no such call.
func TestReplayConnectsToNobody(t *testing.T) {
	for _, runtime := range runtimes(t) {
		t.Run(runtime, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			accepted := make(chan string, 10)
			go func() {
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					b := make([]byte, 100)
					n, _ := c.Read(b)
					accepted <- string(b[:n])
					_, _ = io.WriteString(c, "+OK hash-of-somebody\r\n")
					_ = c.Close()
				}
			}()
			_, port, _ := net.SplitHostPort(listener.Addr().String())
			var kept recordings
			h := newHost(t, Config{Workers: 1, Runtime: always(runtime), Net: Dialer{Dial: new(net.Dialer).DialContext}, Policy: kept.policy})
			out, err := h.Rules(t.Context(), simple("t", `const s = require('net').connect(`+port+`, '127.0.0.1');
				s.on('error', e => { user.error = e.code; callback(null, user, context); });
				s.on('connect', () => s.write('AUTH sesame-of-redis'));
				s.on('data', d => { user.length = d.length; callback(null, user, context); });`))
			if err != nil || out.Failure != nil || !strings.Contains(string(out.User), `"length":22`) || <-accepted != "AUTH sesame-of-redis" {
				t.Fatal(err, out.Failure, string(out.User))
			}
			rec := kept.take(t, 1)[0]
			text, _ := json.Marshal(rec)
			for _, secret := range []string{`"write"`, "QVVUSCBz", "hash-of-somebody", "K09LIGhhc2g"} {
				if strings.Contains(string(text), secret) {
					t.Error("bytes of the connection are in the recording:", string(text))
				}
			}
			again, err := h.Replay(t.Context(), &rec, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(accepted) > 0 || rec.Same(again) || !strings.Contains(string(again.Outcome), "ENOTRECORDED") {
				t.Errorf("%d connections, %s", len(accepted), again.Outcome)
			}
		})
	}
}
