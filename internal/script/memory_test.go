//go:build linux

package script

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMemoryOfAWorker: an embedded worker holds 40 MB of its own at most when the story's rules have run in it, with lodash, moment and request
// required and made ready, and it has nothing left to prepare; no rules, no worker.
func TestMemoryOfAWorker(t *testing.T) {
	h := newHost(t, Config{})
	run := storyRun(t)
	run.Rules = nil
	must(t, h, run)
	if n := len(workers(h)); n != 0 {
		t.Errorf("%d workers for no rule", n)
	}
	run = storyRun(t)
	run.Rules = append(run.Rules, Rule{Name: "modules", Source: `function (user, context, callback) {
		const _ = require('lodash'), moment = require('moment'), request = require('request');
		context.idToken['https://example.com/x'] = [_.size(user), moment(0).unix(), typeof request.get].join();
		callback(null, user, context);
	}`})
	for range 30 {
		must(t, h, run)
	}
	var held map[string]float64
	eventually(t, "a worker that has come to rest holds 40 MB of its own at most", func() bool {
		var err error
		if held, err = memoryOf(workers(h)["story"]); err != nil || held["RssAnon"] == 0 {
			t.Fatal(held, err)
		}
		return held["RssAnon"] <= 40 || slowEngine
	})
	// The pages of the program are the same memory in all workers and in the server.
	t.Logf("%.1f MB of its own, %.1f MB of the program", held["RssAnon"], held["RssFile"])
}

// TestMemoryForModules: a package for which there is no memory left is no package that is not there. Where there is none for an error either, the engine throws null.
func TestMemoryForModules(t *testing.T) {
	h := newHost(t, Config{Runtime: always(RuntimeEmbedded), Limits: Limits{Memory: 24 << 20, CPU: 30 * time.Second, Wall: time.Minute}})
	const all = `'tedious', 'mssql', 'mongodb@5.1.0', 'mongodb@3.6.3', 'auth0@5', 'auth0@4', 'auth0@2', 'mysql2', 'mysql', 'ioredis', 'redis', 'joi'`
	out, err := h.Rules(t.Context(), simple("t", `for (const m of [`+all+`]) try { require(m); } catch (e) { console.log(e ? e.code || e.message : 'out of memory'); } callback(null, user, context);`))
	said := fmt.Sprint(out.Console)
	if err != nil || out.Failure != nil && out.Failure.Kind != KindMemory || strings.Contains(said, "MODULE_NOT_FOUND") || !strings.Contains(said, "out of memory") {
		t.Errorf("%v %+v %s", err, out.Failure, said) // what is left may not do for the outcome
	}
	out, err = h.Rules(t.Context(), simple("t", `for (const m of [`+all+`]) require(m); callback(null, user, context);`))
	if err != nil || out.Failure == nil || out.Failure.Kind != KindMemory {
		t.Errorf("%v %+v", err, out.Failure)
	}
}

// TestMemoryAfterABurst: what runs took that needed much is given back when there are no more.
func TestMemoryAfterABurst(t *testing.T) {
	h := newHost(t, Config{Workers: 1})
	must(t, h, simple("story", pass))
	for _, body := range []string{
		`let a = []; for (let i = 0; i < 3e5; i++) a.push('element ' + i); user.n = JSON.parse(JSON.stringify(a)).length; callback(null, user, context);`,
		`user.big = 'y'.repeat(3 << 20); callback(null, user, context);`,
	} {
		for range 5 {
			_, err := h.Rules(t.Context(), simple("story", body)) // it may be refused: what it took counts
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "a worker that nobody needs holds 40 MB of its own at most", func() bool {
		held, err := memoryOf(workers(h)["story"])
		if err != nil || held["RssAnon"] == 0 {
			t.Fatal(held, err)
		}
		return held["RssAnon"] <= 40 || slowEngine
	})
}

// memoryOf is what the system says about the memory of a process, in MB.
func memoryOf(pid int) (map[string]float64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return nil, err
	}
	held := map[string]float64{}
	for line := range strings.Lines(string(status)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(value, "kB\n") {
			kb, _ := strconv.Atoi(strings.Fields(value)[0])
			held[name] = float64(kb) / 1000
		}
	}
	return held, nil
}

// A thousand tenants have scripts, ten of them all the time: workers change hands, so that all of it fits into 1.5 GB. When nobody comes any
// more, no worker is left.
func TestThousandTenants(t *testing.T) {
	h := newHost(t, Config{Workers: 10}) // as many as the server has, unless it is told otherwise
	many := 1000
	if testing.Short() {
		many = 100
	}
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for i := range 10 {
		busy.Go(func() {
			for ctx.Err() == nil {
				run := storyRun(t)
				run.Tenant = fmt.Sprint("busy ", i)
				if out, err := h.Rules(ctx, run); ctx.Err() == nil && (err != nil || out.Failure != nil) {
					t.Error(err, out.Failure)
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	most := 0.0
	for i := range many {
		run := storyRun(t)
		run.Tenant = fmt.Sprint("tenant ", i)
		must(t, h, run)
		if i%(many/20) != 0 {
			continue
		}
		own, err := memoryOf(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		sum := own["VmRSS"]
		h.pool.mu.Lock()
		for p := range h.pool.processes {
			if held, err := memoryOf(p.pid); err == nil { // it may have ended
				sum += held["RssAnon"]
			}
		}
		h.pool.mu.Unlock()
		most = max(most, sum)
	}
	stop()
	busy.Wait()
	t.Logf("%d tenants, %.0f MB at the most, this program included", many, most)
	if most == 0 || most > 1500 && !raceEnabled {
		t.Errorf("%.0f MB", most)
	}
	eventually(t, "idle workers are ended", func() bool {
		h.pool.reap(time.Now().Add(idleFor + time.Second))
		h.pool.mu.Lock()
		defer h.pool.mu.Unlock()
		return len(h.pool.processes) == 0
	})
}
