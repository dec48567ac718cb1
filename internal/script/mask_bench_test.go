package script

import (
	"strings"
	"testing"
)

// BenchmarkVeil is what it costs to mask what a run says: one line, and as much as is kept.
func BenchmarkVeil(b *testing.B) {
	run := storyRun(b)
	s := start{User: run.User, Context: run.Context, Configuration: maskedSettings, Seed: newSeed()}
	for name, text := range map[string]string{"line": "calling for auth0|6543210", "256KiB": strings.Repeat("calling { headers: { 'x-request': 'abcdef' } } for https://api.example/?page=1 ", 256<<10/78)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				v := veil{start: s}
				v.text(text)
			}
		})
	}
}
