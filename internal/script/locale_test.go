package script

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDatesOfPeople: what the embedded runtime writes for a locale is what Node.js does, or it is refused.
func TestDatesOfPeople(t *testing.T) {
	needNode(t)
	text, err := os.ReadFile("testdata/node/dates.js")
	if err != nil {
		t.Fatal(err)
	}
	var got [2]struct{ Out [][2]string }
	for i, runtime := range runtimes(t) {
		h := newHost(t, Config{Workers: 1, Node: installed().path, Runtime: always(runtime), Limits: Limits{CPU: 20 * time.Second}})
		run := simple("t", "")
		run.Rules[0].Source = string(text)
		if err := json.Unmarshal(must(t, h, run).User, &got[i]); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for i, one := range got[1].Out {
		switch embedded := got[0].Out[i]; {
		case embedded[1] == "":
			refused++
		case embedded != one:
			t.Errorf("%s: %q, on Node.js %q", one[0], embedded[1], one[1])
		}
	}
	if n := len(got[1].Out); n < 500 || refused > n*4/5 {
		t.Errorf("%d of %d are refused", refused, n)
	}
}

// TestRefusedLocales: what only Node.js does right is an error that says so, nothing wrong.
func TestRefusedLocales(t *testing.T) {
	h := newHost(t, Config{Workers: 1, Runtime: always(RuntimeEmbedded)})
	for _, call := range []string{
		`new Date(0).toLocaleString('de-DE')`, `new Date(0).toLocaleDateString('en-GB')`, `new Date(0).toLocaleTimeString('sv')`, `new Date(0).toLocaleString('en-US', {timeZoneName: 'short'})`,
		`new Date(0).toLocaleDateString('en-US', {month: 'narrow'})`, `new Date(0).toLocaleString('en-US', {weekday: 'short', hour: 'numeric'})`, `(1).toLocaleString('de')`,
		`(1).toLocaleString('en-US', {style: 'currency', currency: 'USD'})`, `(1).toLocaleString('en-US', {style: 'percent'})`, `(1).toLocaleString('en-US', {notation: 'compact'})`,
		`1n.toLocaleString('fr')`, `[1].toLocaleString('de')`, `'a'.localeCompare('b', 'sv')`, `'a'.localeCompare('b', undefined, {numeric: true})`, `'i'.toLocaleUpperCase('tr')`,
	} {
		out, err := h.Rules(t.Context(), simple("t", call+"; "+pass))
		if err != nil || out.Failure == nil || !strings.HasSuffix(out.Failure.Message, `is not available on the embedded runtime: set script_runtime of the tenant to "node"`) {
			t.Errorf("%s: %v %+v", call, err, out.Failure)
		}
	}
}
