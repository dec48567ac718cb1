package rehearsal

import (
	"embed"
	"encoding/json"
)

//go:embed examples/*.json
var examples embed.FS

// Example returns what a play gets that does not say: "user", "context", "event-TRIGGER" for actions, "hook-TRIGGER" for hooks. It is nil
// for another name.
func Example(name string) json.RawMessage {
	b, err := examples.ReadFile("examples/" + name + ".json")
	if err != nil {
		return nil
	}
	return b
}
