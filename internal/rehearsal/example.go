package rehearsal

import (
	"embed"
	"encoding/json"
	"strings"

	"github.com/stagedoor/stagedoor/internal/script"
)

//go:embed examples/*.json
var examples embed.FS

// Example returns what a play gets that does not say: "user", "context", "event-TRIGGER" for actions, "hook-TRIGGER" for hooks. It is nil
// for another name; a trigger without an example of its own has the one of all.
func Example(name string) json.RawMessage {
	b, err := examples.ReadFile("examples/" + name + ".json")
	if id, of := strings.CutPrefix(name, "event-"); of && err != nil && script.TriggerByID(id) != nil {
		b, err = examples.ReadFile("examples/event.json")
	}
	if err != nil {
		return nil
	}
	return b
}
