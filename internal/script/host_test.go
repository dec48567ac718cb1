//go:build unix

package script

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
)

func TestNoRules(t *testing.T) {
	h := newHost(t, Config{Command: []string{"/does/not/exist"}})
	out, err := h.Rules(t.Context(), Run{User: json.RawMessage(`{"a":1}`), Context: json.RawMessage(`{}`)})
	if err != nil || string(out.User) != `{"a":1}` {
		t.Error(out, err)
	}
	if _, err := h.Rules(t.Context(), simple("t", pass)); err == nil {
		t.Error("a worker that cannot be started was no error")
	}
	h = newHost(t, Config{})
	for _, user := range []string{``, `5`, `null`, `[]`, `{`, `{"a":1}{}`} {
		run := simple("t", pass)
		run.User = json.RawMessage(user)
		if _, err := h.Rules(t.Context(), run); err == nil {
			t.Errorf("user %q was taken", user)
		}
	}
}

func TestWorkerThatIsNone(t *testing.T) {
	h := newHost(t, Config{Command: []string{"/bin/true"}, Workers: 1})
	for range 3 {
		out, err := h.Rules(t.Context(), simple("t", pass))
		if err == nil && (out.Failure == nil || out.Failure.Kind != KindCrashed) {
			t.Errorf("%v %+v", err, out.Failure)
		}
	}
}

// A worker that the system lets compute too little to read what it is sent is a failure of the login, which says so, not of the server.
func TestWorkerThatStartsTooLate(t *testing.T) {
	h := newHost(t, Config{Command: []string{"/bin/sleep", "60"}, Workers: 1})
	run := simple("t", pass)
	run.User = json.RawMessage(`{"user_id":"` + strings.Repeat("x", 300<<10) + `"}`) // more than a pipe holds
	out, err := h.Rules(t.Context(), run)
	if err != nil || out.Failure == nil || out.Failure.Kind != KindBusy || out.Failure.Message != startsTooLate {
		t.Errorf("%v %+v", err, out.Failure)
	}
}

func TestKilledMidRun(t *testing.T) {
	h := newHost(t, Config{Workers: 2})
	must(t, h, simple("other", pass))
	pid := workers(h)["other"]
	var other sync.WaitGroup
	other.Go(func() {
		out, err := h.Rules(context.Background(), simple("other", `setTimeout(callback, 500, null, user, context);`))
		if err != nil || out.Failure != nil {
			t.Errorf("the other tenant: %v %+v", err, out.Failure)
		}
	})
	run := simple("t", `console.log('before'); auth0.users.updateUserMetadata('auth0|1', {}); setTimeout(callback, 10000);`)
	run.UpdateMetadata = func(context.Context, string, string, json.RawMessage) (json.RawMessage, error) {
		return nil, syscall.Kill(workers(h)["t"], syscall.SIGKILL)
	}
	began := time.Now()
	out, err := h.Rules(t.Context(), run)
	if err != nil || out.Failure == nil || out.Failure.Kind != KindCrashed || out.Failure.Code != "access_denied" || string(out.User) != `{"user_id":"auth0|1"}` {
		t.Errorf("%v %+v", err, out.Failure)
	}
	if len(out.Console) != 1 || time.Since(began) > 9*time.Second {
		t.Errorf("%+v after %v", out.Console, time.Since(began))
	}
	must(t, h, simple("t", pass))
	other.Wait()
	if workers(h)["other"] != pid {
		t.Error("the other tenant's worker was replaced")
	}
}

func TestCancel(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	for _, body := range []string{`for (;;) {}`, `setTimeout(callback, 15000);`} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		_, err := h.Rules(ctx, simple("t", body))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	}
	eventually(t, "the runs end", func() bool {
		h.pool.mu.Lock()
		defer h.pool.mu.Unlock()
		for p := range h.pool.processes {
			if p.lingering() > 0 {
				return false
			}
		}
		return true
	})
	must(t, h, simple("t", pass))
}

// TestTenantsShareWorkers: with fewer workers than tenants everybody is served, and no tenant takes the last free worker twice.
func TestTenantsShareWorkers(t *testing.T) {
	h := newHost(t, Config{Workers: 2})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 * perWorker { // a tenant that wants everything, always
		wg.Go(func() {
			for ctx.Err() == nil {
				if out, err := h.Rules(ctx, simple("greedy", `setTimeout(callback, 30, null, user, context);`)); err == nil && out.Failure != nil {
					t.Error(out.Failure)
				}
			}
		})
	}
	for _, tenant := range []string{"a", "b", "c"} {
		for range 5 {
			began := time.Now()
			out, err := h.Rules(t.Context(), simple(tenant, `user.t = global.t = global.t || '`+tenant+`'; callback(null, user, context);`))
			if err != nil || out.Failure != nil || !strings.Contains(string(out.User), `"t":"`+tenant+`"`) {
				t.Fatalf("%v %+v %s", err, out.Failure, out.User)
			}
			if took := time.Since(began); took > time.Minute { // it would wait as long as the other never rests
				t.Errorf("%s waited %v", tenant, took)
			}
		}
	}
	if w := workers(h); len(w) > 2 {
		t.Errorf("workers: %v", w)
	}
	stop()
	wg.Wait()
}

// TestOneWorkerManyTenants: the one worker is handed over even when its tenant never rests.
func TestOneWorkerManyTenants(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			tenant := string(rune('a' + i%3))
			out, err := h.Rules(t.Context(), simple(tenant, `user.t = global.t = global.t || '`+tenant+`'; setTimeout(callback, 5, null, user, context);`))
			if err != nil || out.Failure != nil || !strings.Contains(string(out.User), `"t":"`+tenant+`"`) {
				t.Errorf("%v %+v %s", err, out.Failure, out.User)
			}
		})
	}
	wg.Wait()
}

func TestBackgroundDoesNotHoldTheWorker(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	landed := make(chan string, 1)
	run := simple("a", `setTimeout(function () { auth0.users.updateAppMetadata('auth0|1', {late: 1}); }, 4000); callback(null, user, context);`)
	run.UpdateMetadata = func(_ context.Context, id, _ string, patch json.RawMessage) (json.RawMessage, error) {
		landed <- id + string(patch)
		return json.RawMessage(`{}`), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	if out, err := h.Rules(ctx, run); err != nil || out.Failure != nil {
		t.Fatal(err, out.Failure)
	}
	cancel() // the login is answered
	must(t, h, simple("b", pass))
	if len(landed) > 0 {
		t.Error("the next tenant waited")
	}
	select {
	case got := <-landed:
		if got != `auth0|1{"late":1}` {
			t.Error(got)
		}
	case <-time.After(time.Minute):
		t.Error("the write was lost")
	}
}

func TestCheck(t *testing.T) {
	h := newHost(t, Config{})
	for _, source := range []string{"function (user, context, callback) {}", "async (a, b, c) => {}", "function f(){};", "\ufefffunction () {} // x", "function () { for (;;) {} }"} {
		if err := h.Check(t.Context(), source); err != nil {
			t.Errorf("%q: %v", source, err)
		}
	}
	for source, text := range map[string]string{
		"function (user {": "SyntaxError: ", "": "SyntaxError: ", "function (a) {\n\n  var = 5;\n}": "(line 3)", "return 5": "SyntaxError: ", strings.Repeat("(", 100000): "",
	} {
		err := h.Check(t.Context(), source)
		var e *stagedoor.Error
		if !errors.As(err, &e) || e.Kind != stagedoor.Invalid || !strings.Contains(e.Message, text) {
			t.Errorf("%.20q: %v", source, err)
		}
	}
}

func TestClose(t *testing.T) {
	h := New(Config{Workers: 1})
	must(t, h, simple("t", pass))
	pid := workers(h)["t"]
	failed := make(chan Outcome, 1)
	go func() {
		out, _ := h.Rules(context.Background(), simple("t", `setTimeout(callback, 10000);`))
		failed <- out
	}()
	waiting := make(chan error, 1)
	time.Sleep(50 * time.Millisecond)
	go func() {
		_, err := h.Rules(context.Background(), simple("u", pass))
		waiting <- err
	}()
	time.Sleep(50 * time.Millisecond)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if out := <-failed; out.Failure == nil || out.Failure.Kind != KindCrashed {
		t.Errorf("%+v", out.Failure)
	}
	if err := <-waiting; err == nil {
		t.Error("a run began on a closed host")
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Error("the worker lives on:", err)
	}
	if _, err := h.Rules(t.Context(), simple("t", pass)); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	_ = h.Close()
}

// TestConfinement looks at a worker from outside: no environment, no descriptors but its own, limits in force.
func TestConfinement(t *testing.T) {
	if _, err := os.Stat("/proc/self/limits"); err != nil {
		if os.Getenv("CI") != "" && os.Getenv("RUNNER_OS") == "Linux" {
			t.Fatal(err)
		}
		t.Skip("no /proc")
	}
	t.Setenv("STAGEDOOR_SECRET", "must not be seen")
	h := newHost(t, Config{Workers: 1})
	must(t, h, simple("t", pass))
	proc := "/proc/" + strconv.Itoa(workers(h)["t"])
	if env, err := os.ReadFile(proc + "/environ"); err == nil && string(env) != "TZ=UTC\x00" {
		t.Errorf("environment %q", env)
	}
	limits, err := os.ReadFile(proc + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Max core file size        0 ", "Max file size             0 ", "Max open files            32 ", "Max data size             1073741824 ", "Max address space         8589934592 ", "Max cpu time              300 "} {
		if !strings.Contains(string(limits), want) {
			t.Errorf("no %q in\n%s", want, limits)
		}
	}
	if at, err := os.Readlink(proc + "/cwd"); err == nil && at != "/" {
		t.Errorf("it works in %s", at)
	}
	if entries, err := os.ReadDir(proc + "/fd"); err == nil {
		for _, e := range entries {
			to, _ := os.Readlink(proc + "/fd/" + e.Name())
			own := to == "/dev/null" || strings.HasPrefix(to, "pipe:") || strings.HasPrefix(to, "anon_inode:") || strings.HasPrefix(to, "/sys/fs/cgroup/") || strings.HasPrefix(to, "/proc/"+strconv.Itoa(workers(h)["t"]))
			if !own {
				t.Errorf("descriptor %s is %s", e.Name(), to)
			}
		}
	}
}

// TestAccessTokenIsLazy: the token is made when a script reads it, once, and only then.
func TestAccessTokenIsLazy(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	made := 0
	run := simple("t", pass)
	run.AccessToken = func(context.Context) (string, error) {
		made++
		return "secret", nil
	}
	must(t, h, run)
	if made != 0 {
		t.Error("a token was made for nobody")
	}
	run.Rules = rule(`user.t = [auth0.accessToken, auth0.accessToken]; callback(null, user, context);`)
	if out := must(t, h, run); made != 1 || !strings.Contains(string(out.User), `"t":["secret","secret"]`) {
		t.Errorf("%d tokens, %s", made, out.User)
	}
	run.AccessToken = nil
	run.Rules = rule(`user.t = typeof auth0.accessToken; callback(null, user, context);`)
	if out := must(t, h, run); !strings.Contains(string(out.User), `"t":"undefined"`) {
		t.Errorf("%s", out.User)
	}
	run.AccessToken = func(context.Context) (string, error) { return "", errors.New("the key store says: secret detail") }
	run.Rules = rule(`auth0.accessToken;`)
	out, err := h.Rules(t.Context(), run)
	if err != nil || out.Failure == nil || out.Failure.Message != "Internal error" {
		t.Errorf("%v %+v", err, out.Failure)
	}
}

// TestStoppedWorker: a worker that neither reads nor writes holds up its own tenant's login only, and not for ever.
func TestStoppedWorker(t *testing.T) {
	h := newHost(t, Config{Workers: 2, Limits: Limits{Wall: time.Second}})
	must(t, h, simple("t", pass))
	if err := syscall.Kill(workers(h)["t"], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, size := range []int{10, 1 << 20} { // the second does not fit the pipe
		wg.Go(func() {
			run := simple("t", pass)
			run.User = json.RawMessage(`{"user_id":"auth0|1","a":"` + strings.Repeat("x", size) + `"}`)
			began := time.Now()
			out, err := h.Rules(t.Context(), run)
			if err != nil {
				t.Error(err)
			}
			if f := out.Failure; f != nil && f.Kind != KindTimeout && f.Kind != KindCrashed || time.Since(began) > time.Minute {
				t.Errorf("%+v after %v", f, time.Since(began))
			}
		})
	}
	must(t, h, simple("other", pass))
	wg.Wait()
	must(t, h, simple("t", pass))
}
