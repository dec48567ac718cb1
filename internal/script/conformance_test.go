package script

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// elsewhere are the tests of other rooms that hold what an item of the checklist says about logins, tokens and connections. They run there;
// here it is seen to that they are there.
var elsewhere = map[int][]string{
	3: {"oauth TestConformance03Codes"}, 6: {"oauth TestConformance06Legacy"}, 7: {"oauth TestConformance07Claims"}, 8: {"oauth TestConformance08Scope"},
	9: {"oauth TestConformance09Redirect"}, 10: {"oauth TestConformance10SilentRedirect"}, 11: {"login TestConformance11RememberedBrowser"},
	18: {"oauth TestConformance18Deny"}, 19: {"oauth TestConformance19Event"}, 20: {"oauth TestConformance20ActionRedirect"},
	21: {"oauth TestConformance21Cache"}, 22: {"oauth TestConformance22TokenEndpoint"}, 23: {"oauth TestConformance23HookScope"},
	24: {"login TestConformance24DatabaseOfScripts", "login TestConformance24Context", "mgmt TestConformance24UsersOfScripts"},
	25: {"login TestConformance25LazyMigration"},
}

// cases are those of the corpora that hold an item.
var cases = map[int][]string{
	1: {"throw-after-callback", "rule-callback-in-then"}, 2: {"callback-replaces"}, 3: {"unauthorized", "error-validation", "error-object", "error-string", "throw-sync", "throw-timer", "rule-error-shapes"},
	4: {"reject-async", "never-calls-back"}, 5: {"wall-clock"}, 7: {"namespace"}, 8: {"rule-scopes-replaced"}, 9: {"rule-redirect-asked", "rule-redirect-came-back"},
	12: {"metadata-callback", "rule-roles-by-domain", "rule-metadata-refused"}, 13: {"require", "jwt"}, 14: {"request-forms", "request-timeout", "rule-webhook-not-waited-for"},
	15: {"background"}, 17: {"js-implicit-globals", "rule-console-levels"}, 18: {"triggers/deny"}, 19: {"triggers/action-first-login", "triggers/event-is-a-copy"},
	20: {"triggers/redirect"}, 21: {"triggers/cache", "triggers/cache-again"}, 22: {"triggers/revoke-token", "triggers/pre-registration"}, 23: {"triggers/hook-drops-scopes"},
}

// TestConformance is the conformance checklist (extensibility fact sheet 6.6), item by item, under both runtimes.
func TestConformance(t *testing.T) {
	share(t)
	for item := 1; item <= 25; item++ {
		t.Run(fmt.Sprintf("%02d", item), func(t *testing.T) {
			held := 0
			for _, test := range elsewhere[item] {
				room, name, _ := strings.Cut(test, " ")
				if !testExists(t, room, name) {
					t.Errorf("there is no %s in internal/%s", name, room)
				}
				held++
			}
			for _, runtime := range runtimes(t) {
				for _, name := range cases[item] {
					held++
					t.Run(runtime+" "+name, func(t *testing.T) {
						t.Parallel()
						if file := "testdata/" + name + ".txtar"; strings.HasPrefix(name, "triggers/") {
							runTriggerCase(t, file, runtime)
						} else {
							runCase(t, file, runtime)
						}
					})
				}
				if own := items[item]; own != nil {
					held++
					t.Run(runtime, func(t *testing.T) {
						t.Parallel()
						own(t, runtime)
					})
				}
			}
			if held == 0 {
				t.Error("nothing holds this item")
			}
		})
	}
}

// testExists looks for a test in the sources of a room.
func testExists(t *testing.T, room, name string) bool {
	t.Helper()
	files, err := filepath.Glob("../" + room + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^func ` + name + `\(t \*testing\.T\) \{$`)
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && declared.Match(text) {
			return true
		}
	}
	return false
}

// items are what the corpora cannot say of an item.
var items = map[int]func(*testing.T, string){
	// All rules have one time together, and an endless loop does not hold up others.
	5: func(t *testing.T, runtime string) {
		h := newHost(t, Config{Workers: 2, Runtime: always(runtime), Node: installed().path, Limits: Limits{CPU: time.Second}})
		must(t, h, simple("other", pass))
		var loop sync.WaitGroup
		loop.Go(func() {
			out, err := h.Rules(context.WithoutCancel(t.Context()), simple("loops", `for (;;) {}`))
			if err != nil || out.Failure == nil || out.Failure.Kind != KindTimeout || out.Failure.Message != textBlocked {
				t.Errorf("%v %+v", err, out.Failure)
			}
		})
		for range 20 {
			must(t, h, simple("other", `setTimeout(callback, 5, null, user, context);`))
		}
		loop.Wait()
	},
	// Modules of other versions, modules that are not there, the old jwt, all shapes of uuid, mysql as a function.
	13: func(t *testing.T, runtime string) {
		// Loading packages takes the embedded runtime long under the race detector.
		h := newHost(t, Config{Workers: 1, Runtime: always(runtime), Node: installed().path, Limits: Limits{CPU: 20 * time.Second, Wall: 2 * time.Minute}})
		out, err := h.Rules(t.Context(), simple("corpus", `
			var before = Math.floor(Date.now() / 1000), claims = {a: 1}, token = jwt.sign(claims, 's', {expiresInMinutes: 10, unknown: 1}), decoded = jwt.verify(token, 's');
			try { require('no-such-module@1.0.0'); } catch (e) { var missing = [e.code, e.message.indexOf('Cannot find module')]; }
			user.r = [typeof require('lodash@4.17.4').get, typeof require('request@2.9.1').get, typeof require('moment@2.10.6')().unix(), missing, decoded.exp - decoded.iat, claims.exp === decoded.exp, decoded.iat >= before,
				/^[0-9a-f-]{36}$/.test(uuid()), /^[0-9a-f-]{36}$/.test(uuid.v4()), typeof mysql, typeof require('mysql'), typeof mysql({host: 'db.invalid'}).query, typeof require('mysql').createConnection];
			callback(null, user, context);`))
		if err != nil || out.Failure != nil {
			t.Fatal(err, out.Failure, out.Console)
		}
		const want = `{"user_id":"auth0|1","r":["function","function","number",["MODULE_NOT_FOUND",0],600,true,true,true,true,"function","function","function","function"]}`
		if string(out.User) != want {
			t.Errorf("got %s\nwant %s", out.User, want)
		}
	},
	// What a run leaves on global is seen by the tenant's next run, and by no other tenant's.
	16: func(t *testing.T, runtime string) {
		h := newHost(t, Config{Workers: 2, Runtime: always(runtime), Node: installed().path})
		see := func(tenant string) string {
			t.Helper()
			var user struct{ R any }
			if err := json.Unmarshal(must(t, h, simple(tenant, `user.r = typeof global.kept + (global.kept && global.kept.n); callback(null, user, context);`)).User, &user); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(user.R)
		}
		must(t, h, simple("a", `global.kept = {n: 1, when: new Date(0)}; callback(null, user, context);`))
		if got := see("a") + " " + see("b") + " " + see("a"); got != "object1 undefinedundefined object1" {
			t.Error(got)
		}
	},
	// Globals that nobody declared and circles on the console break nothing, nor does any other rule see them as its own.
	17: func(t *testing.T, runtime string) {
		out := must(t, shared[runtime], Run{
			Tenant: "corpus", User: json.RawMessage(`{"user_id":"auth0|1"}`), Context: json.RawMessage(`{}`),
			Rules: []Rule{
				{Name: "one", Source: `function (user, context, callback) { leaked17 = {}; leaked17.self = leaked17; console.log(leaked17, context, global.process && 1); callback(null, user, context); }`},
				{Name: "two", Source: `function (user, context, callback) { user.seen = leaked17 === leaked17.self; delete global.leaked17; callback(null, user, context); }`},
			},
		})
		if string(out.User) != `{"user_id":"auth0|1","seen":true}` || len(out.Console) != 1 || !strings.Contains(out.Console[0].Text, "Circular") {
			t.Errorf("%s %+v", out.User, out.Console)
		}
	},
}
