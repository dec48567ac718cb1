//go:build linux

package script

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestMemoryOfAWorker: an embedded worker stays under 64 MB resident (wanted are 40; 50 were measured, its program's pages included) when the story's rules have run in it, with lodash, moment and request
// required and made ready; no rules, no worker.
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
	status, err := os.ReadFile("/proc/" + strconv.Itoa(workers(h)["story"]) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]float64{} // MB
	for line := range strings.Lines(string(status)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(value, "kB\n") {
			kb, _ := strconv.Atoi(strings.Fields(value)[0])
			held[name] = float64(kb) / 1000
		}
	}
	// The pages of the program are the same memory in all workers and in the server.
	t.Logf("%.1f MB of its own, %.1f MB of the program", held["RssAnon"], held["RssFile"])
	if own := held["RssAnon"]; own == 0 || own > 40 && !raceEnabled {
		t.Errorf("a worker holds %.1f MB of its own", own)
	}
}
