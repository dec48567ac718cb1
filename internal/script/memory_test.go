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
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(kb)/1000)
	if kb > 64000 && !raceEnabled {
		t.Errorf("a worker holds %d kB", kb)
	}
}
