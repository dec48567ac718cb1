package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What comes back over HTTP is bounded, as are the redirects that are followed, whatever a worker asks for; and the length of a body is not the script's to say.
func TestAnswersAreBounded(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/echo":
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v %d", body, r.TransferEncoding, r.ContentLength)
		default:
			_, _ = w.Write(make([]byte, map[string]int{"/fits": 1000, "/over": 1001}[r.URL.Path]))
		}
	}))
	defer server.Close()
	h := newHost(t, Config{Workers: 1, HTTP: server.Client(), Limits: Limits{ResponseBytes: 1000}})
	get := func(options string) string {
		t.Helper()
		out := must(t, h, simple("t", `request(`+options+`, function (err, res, body) { user.r = err ? String(err.code || err.message) : typeof body === 'string' && body.length < 100 ? body : body.length; callback(null, user, context); });`))
		var user struct{ R any }
		if err := json.Unmarshal(out.User, &user); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(user.R)
	}
	for options, want := range map[string]string{
		`'` + server.URL + `/fits'`: "1000",
		`'` + server.URL + `/over'`: "ERESPONSETOOLARGE",
		`{url: '` + server.URL + `/echo', method: 'POST', body: 'four', headers: {'content-length': '2', 'transfer-encoding': 'chunked'}}`: "four [] 4",
	} {
		if got := get(options); got != want {
			t.Errorf("%s: %s, want %s", options, got, want)
		}
	}
	asked.Store(0)
	j := newJob(h, t.Context(), KindRules, simple("t", pass))
	defer j.cancel()
	for params, want := range map[string]string{
		`{"method":"GET","url":"` + server.URL + `/round","redirects":100}`: "Exceeded maxRedirects",
		`{"method":"GET","url":"` + server.URL + `/round","redirects":2}`:   "Exceeded maxRedirects",
		`{"method":"GET","url":"gopher://127.0.0.1/x"}`:                     "Invalid URI",
	} {
		before := asked.Load()
		if _, err := j.http(json.RawMessage(params)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", params, err)
		}
		if most := map[bool]int64{true: 3, false: 21}[strings.Contains(params, ":2}")]; asked.Load()-before > most {
			t.Errorf("%s: %d requests", params, asked.Load()-before)
		}
	}
}

// A run has so many connections at a time, and they end with it, whatever it leaves open.
func TestConnectionsAreBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 2*maxSockets)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, err := c.Read(make([]byte, 1))
				ended <- err
			}()
		}
	}()
	h := newHost(t, Config{Workers: 1, Net: Dialer{Dial: (&net.Dialer{}).DialContext}})
	out := must(t, h, simple("t", fmt.Sprintf(`
		const net = require('net'), codes = [];
		let left = %d;
		const over = code => { codes.push(code); if (--left === 0) { user.codes = codes.filter(c => c !== 'open'); callback(null, user, context); } };
		for (let i = left; i > 0; i--) net.connect(%s, '127.0.0.1').once('connect', () => over('open')).on('error', e => over(e.code));`, maxSockets+2, l.Addr().String()[len("127.0.0.1:"):])))
	if !strings.Contains(string(out.User), `"codes":["EMFILE","EMFILE"]`) {
		t.Errorf("%s", out.User)
	}
	for range maxSockets {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("something was sent")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a connection outlives its run")
		}
	}
}

// What goes wrong in the house is not told to scripts, and of a user they change the metadata alone.
func TestErrorsOfTheHouseStayThere(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	run := simple("t", `auth0.users.updateAppMetadata('auth0|1', {}).then(() => callback(null, user, context), e => { user.e = e.message; callback(null, user, context); });`)
	run.UpdateMetadata = func(context.Context, string, string, json.RawMessage) (json.RawMessage, error) {
		return nil, errors.New("dial tcp 10.1.2.3:5432: password of the database")
	}
	if out := must(t, h, run); !strings.Contains(string(out.User), `"e":"Internal error"`) {
		t.Errorf("%s", out.User)
	}
}

// The worker is not trusted: what it asks for is looked at again.
func TestAWorkerAsksForNonsense(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Limits: Limits{Calls: 2}})
	called := 0
	run := simple("t", pass)
	run.UpdateMetadata = func(context.Context, string, string, json.RawMessage) (json.RawMessage, error) {
		called++
		return json.RawMessage(`{}`), nil
	}
	for params, want := range map[string]int{
		`{"user_id":"a","kind":"password","patch":{"x":1}}`:      0,
		`{"user_id":"a","kind":"app_metadata","patch":[1]}`:      0,
		`{"user_id":"a","kind":"app_metadata","patch":{"x":1}}`:  1,
		`{"user_id":"a","kind":"user_metadata","patch":{"x":1}}`: 1,
	} {
		called = 0
		j := newJob(h, t.Context(), KindRules, run)
		_, err := j.do(message{Method: "metadata", Params: json.RawMessage(params)}, false, &message{})
		if called != want || (err == nil) != (want == 1) {
			t.Errorf("%s: called %d times, %v", params, called, err)
		}
		if _, err := j.do(message{Method: "metadata", Params: json.RawMessage(params)}, true, &message{}); err == nil {
			t.Errorf("%s: done though it is one too many", params)
		}
		j.cancel()
	}
}
