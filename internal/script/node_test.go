package script

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// installed is the Node.js of the tests: the one that STAGEDOOR_TEST_NODE names, or that PATH has.
var installed = sync.OnceValue(func() node { return findNode(os.Getenv("STAGEDOOR_TEST_NODE")) })

// runtimes are those that cases are run under. Without Node.js it is one, but in CI that is a failure.
func runtimes(t testing.TB) []string {
	t.Helper()
	if err := installed().err; err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Logf("on the embedded runtime only: %v", err)
		return []string{RuntimeEmbedded}
	}
	return []string{RuntimeEmbedded, RuntimeNode}
}

// needNode skips a test where there is no Node.js.
func needNode(t testing.TB) {
	t.Helper()
	if len(runtimes(t)) < 2 {
		t.Skip("no Node.js")
	}
}

func always(runtime string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return runtime, nil }
}

// TestRuntimeOfATenant: the tenant's choice is kept; auto takes Node.js for those who need it.
func TestRuntimeOfATenant(t *testing.T) {
	needNode(t)
	chosen := map[string]string{"n": RuntimeNode, "e": RuntimeEmbedded, "a": RuntimeAuto, "none": ""}
	h := newHost(t, Config{Workers: 4, Node: installed().path, Runtime: func(_ context.Context, tenant string) (string, error) { return chosen[tenant], nil }})
	const plain, intl = `try { null.member; } catch (e) { user.v8 = e.message.startsWith('Cannot read properties'); }`, `user.v8 = typeof Intl.NumberFormat === 'function'`
	for _, c := range []struct {
		tenant, body string
		v8           bool
	}{
		{"n", plain, true},
		{"e", plain, false},
		{"a", plain, false},
		{"none", plain, false},
		{"a", intl, true},
		{"n", intl, true},
		{"none", intl, true},
		{"a", plain, false},
		{"a", `require("luxon"); user.v8 = true`, true},
		{"a", `require('aws-sdk@2.1693.0')`, true},
		{"a", `require('aws-sdk/clients/sns')`, true},
		{"a", `require('@hubspot/api-client'); `, true},
		{"a", `require('@aws-sdk/client-sns'); `, false},
		{"a", `new Date(0).toLocaleDateString('de-DE'); ` + plain, true},
		{"a", `new Date(0)?.toLocaleTimeString ( undefined, {hour: 'numeric'}); ` + plain, true},
		{"a", `(1).toLocaleString(); new Date(0).toLocaleDateString( ); ` + plain, false},
		{"a", `'a'.localeCompare(String('b'), 'de'); ` + plain, true},
		{"a", `'a'.localeCompare(['a', 'b'].join(', ')); ` + plain, false},
	} {
		out, err := h.Rules(t.Context(), simple(c.tenant, "try { "+c.body+"; } catch (e) { user.v8 = e.code === 'MODULE_NOT_FOUND' && typeof Intl === 'object'; } callback(null, user, context);"))
		if want := fmt.Sprintf(`{"user_id":"auth0|1","v8":%v}`, c.v8); err != nil || out.Failure != nil || string(out.User) != want {
			t.Errorf("%s: %s: %v %+v %s", c.tenant, c.body, err, out.Failure, out.User)
		}
	}
}

// TestNodeThatIsNotThere: a tenant that chose Node.js is told, and so is the operator; nothing else is put in its place.
func TestNodeThatIsNotThere(t *testing.T) {
	old := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho v16.20.2\n"), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	for path, why := range map[string]string{"/does/not/exist": "cannot be started", old: `is "v16.20.2": version 18 or later is needed`} {
		var said lockedBuffer
		runtime := RuntimeNode
		h := newHost(t, Config{Node: path, Log: slog.New(slog.NewTextHandler(&said, nil)), Runtime: func(context.Context, string) (string, error) { return runtime, nil }})
		out, err := h.Rules(t.Context(), simple("t", pass))
		if err != nil || out.Failure == nil || out.Failure.Kind != KindRuntime || !strings.Contains(out.Failure.Message, why) {
			t.Errorf("%v %+v", err, out.Failure)
		}
		if !strings.Contains(said.String(), "scripts of a tenant cannot run") || h.NodeError() == nil {
			t.Errorf("said: %s", &said)
		}
		runtime = RuntimeAuto
		must(t, h, simple("t", `typeof Intl; `+pass))
	}
}

// TestNodeRealm walks all that a script can get hold of on Node.js: nothing of it may be of the main realm.
func TestNodeRealm(t *testing.T) {
	needNode(t)
	text, err := os.ReadFile("testdata/node/walk.js")
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(RuntimeNode), Limits: Limits{CPU: 15 * time.Second}})
	run := simple("t", "")
	run.Rules[0].Source = string(text)
	out, err := h.Rules(t.Context(), run)
	if err != nil || out.Failure != nil {
		t.Fatal(err, out.Failure, out.Console)
	}
	var got struct {
		Foreign []string
		Walked  int
		Process []string
	}
	if err := json.Unmarshal(out.User, &got); err != nil {
		t.Fatal(err)
	}
	if installed().major < 20 { // there import() answers with a promise of the main realm, whose intrinsics are frozen and make no code
		got.Foreign = slices.DeleteFunc(got.Foreign, func(path string) bool { return strings.HasPrefix(path, "import") })
	}
	if len(got.Foreign) > 0 || got.Walked < 1000 {
		t.Errorf("walked %d, foreign: %q", got.Walked, got.Foreign[:min(len(got.Foreign), 40)])
	}
	t.Logf("walked %d, process %q", got.Walked, got.Process)
}

// TestNodeThatHangs: what V8 cannot interrupt is ended from outside, without waiting for the wall clock.
func TestNodeThatHangs(t *testing.T) {
	needNode(t)
	h := newHost(t, Config{Workers: 2, Node: installed().path, Runtime: always(RuntimeNode), Limits: Limits{CPU: 300 * time.Millisecond}})
	must(t, h, simple("t", pass))
	began := time.Now()
	out, err := h.Rules(t.Context(), simple("t", `require('crypto').pbkdf2Sync('a', 'b', 2147483647, 64, 'sha512'); callback();`))
	if err != nil || out.Failure == nil || out.Failure.Kind != KindTimeout || out.Failure.Message != textBlocked {
		t.Errorf("%v %+v", err, out.Failure)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("after %v", took)
	}
	must(t, h, simple("t", pass))
	must(t, h, simple("t", `setTimeout(callback, 2500, null, user, context);`)) // waiting is not hanging
}

// A worker of Node.js that holds much gets no further run: when its heap is used up, that run ends with it.
func TestFullNodeWorkerIsReplaced(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(RuntimeNode), Limits: Limits{CPU: 20 * time.Second, Wall: time.Minute}})
	fresh := func(megabytes string) bool {
		t.Helper()
		out, err := h.Rules(t.Context(), simple("tenant", `user.before = typeof global.kept; global.kept = 1; user.size = Buffer.alloc(`+megabytes+` << 20, 1).length; callback(null, user, context);`))
		if err != nil || out.Failure != nil {
			t.Fatal(err, out.Failure)
		}
		return strings.Contains(string(out.User), `"before":"undefined"`)
	}
	if !fresh("1") || fresh("1") {
		t.Fatal("a worker is replaced that holds little")
	}
	fresh("150")
	eventually(t, "another worker", func() bool { return fresh("1") })
}
