package script

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// rested waits until no worker has anything to do.
func rested(t *testing.T, h *Host) {
	t.Helper()
	eventually(t, "the workers rest", func() bool {
		h.pool.mu.Lock()
		defer h.pool.mu.Unlock()
		for p := range h.pool.processes {
			if p.foreground > 0 || p.lingering() > 0 {
				return false
			}
		}
		return true
	})
}

// A worker that has nothing to do goes over to another tenant, and has forgotten the former one: what it left on `global`, and its scripts.
func TestAWorkerIsHandedOver(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	const look = `user.seen = [typeof global.secret, Object.keys(global).length]; global.secret = 'of ' + user.user_id; callback(null, user, context);`
	for i, tenant := range []string{"a", "b", "a", "b"} {
		before := workers(h)
		out := must(t, h, simple(tenant, look))
		if !strings.Contains(string(out.User), `"seen":["undefined",0]`) {
			t.Errorf("%d: %s", i, out.User)
		}
		if now := workers(h); i > 0 && (len(now) != 1 || len(before) != 1 || now[tenant] == 0 || now[tenant] != before[map[string]string{"a": "b", "b": "a"}[tenant]]) {
			t.Errorf("%d: another worker: %v, then %v", i, before, now)
		}
		rested(t, h)
	}
}

// A worker in which a tenant's scripts still do something goes to nobody else.
func TestABusyWorkerIsNotHandedOver(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	must(t, h, simple("a", `setTimeout(function () { global.late = 1; }, 3000); callback(null, user, context);`))
	was := workers(h)["a"]
	must(t, h, simple("b", pass))
	if is := workers(h)["b"]; is == 0 || is == was {
		t.Errorf("the worker %d, in which a's script goes on, is b's: %d", was, is)
	}
}

// A run that ends puts nothing back on `global` that another one has changed meanwhile.
func TestGlobalThatAnotherRunHasChanged(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	must(t, h, simple("t", `global.n = 1; callback(null, user, context);`))
	began, on, ended := make(chan bool), make(chan bool), make(chan string)
	slow := simple("t", `auth0.users.updateAppMetadata('auth0|1', {}).then(function () { user.n = global.n; callback(null, user, context); });`)
	slow.UpdateMetadata = func(context.Context, string, string, json.RawMessage) (json.RawMessage, error) {
		began <- true
		<-on
		return json.RawMessage(`{}`), nil
	}
	go func() {
		out, err := h.Rules(context.Background(), slow)
		if err != nil || out.Failure != nil {
			t.Error(err, out.Failure)
		}
		ended <- string(out.User)
	}()
	<-began
	must(t, h, simple("t", `global.n = 2; callback(null, user, context);`))
	on <- true
	if got := <-ended; !strings.Contains(got, `"n":1`) {
		t.Errorf("the run did not begin before: %s", got)
	}
	if out := must(t, h, simple("t", `user.n = global.n; callback(null, user, context);`)); !strings.Contains(string(out.User), `"n":2`) {
		t.Errorf("%s", out.User)
	}
}

// Who leaves more on `global` than is kept begins anew.
func TestGlobalIsBounded(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	must(t, h, simple("t", `global.small = 1; global.large = 'x'.repeat(3 << 20); callback(null, user, context);`))
	const look = `user.seen = [typeof global.small, typeof global.large]; global.more = 'y'.repeat(3 << 20); callback(null, user, context);`
	if out := must(t, h, simple("t", look)); !strings.Contains(string(out.User), `["number","string"]`) {
		t.Errorf("%s", out.User)
	}
	if out := must(t, h, simple("t", look)); !strings.Contains(string(out.User), `["undefined","undefined"]`) {
		t.Errorf("%s", out.User)
	}
}
