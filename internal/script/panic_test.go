package script

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

type oddOutside struct{}

func (oddOutside) RoundTrip(*http.Request) (*http.Response, error) {
	panic("nobody has thought of it")
}

// TestPanicOfACall: a panic while the server does what a script asks for fails this call alone, and is in the log. The script is told, and the server goes on.
func TestPanicOfACall(t *testing.T) {
	var log bytes.Buffer
	h := newHost(t, Config{Workers: 1, HTTP: &http.Client{Transport: oddOutside{}}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	out, err := h.Call(t.Context(), CallRun{Tenant: "a", Operation: OperationNamed("get_user"), Arguments: []any{"x"}, Source: `async function (e, cb) {
		try { await fetch('https://odd.example/'); cb(null, 'an answer'); } catch (e) { cb(null, 'failed'); }
	}`})
	if err != nil || out.Failure != nil || string(out.Result) != `"failed"` {
		t.Errorf("%s %+v %v", out.Result, out.Failure, err)
	}
	if text := log.String(); !strings.Contains(text, "panic") || !strings.Contains(text, "nobody has thought of it") || !strings.Contains(text, "tenant=a") {
		t.Errorf("the log says %q", text)
	}
}
