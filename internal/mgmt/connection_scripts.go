package mgmt

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
	"github.com/stagedoor/stagedoor/internal/script"
)

// checkScripts refuses scripts that are no JavaScript, of a database that uses its own and of custom social connections. It runs before
// anything is written.
func (a *API) checkScripts(ctx context.Context, strategy string, options freeObject) error {
	member := "scripts"
	if strategy == connection.StrategyDatabase {
		if member = "customScripts"; string(options["enabledDatabaseCustomization"]) != "true" {
			return nil // what is switched off may be half done
		}
	}
	var sources map[string]json.RawMessage
	if a.CheckCall == nil || json.Unmarshal(options[member], &sources) != nil {
		return nil // the shape of options is looked at elsewhere
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		var source string
		if json.Unmarshal(sources[name], &source) != nil || source == "" || script.OperationNamed(name) == nil {
			continue
		}
		if err := a.CheckCall(ctx, source); stagedoor.IsKind(err, stagedoor.Invalid) {
			return badProperty("options."+member+"."+name, stagedoor.AsError(err).Message)
		} else if err != nil {
			return err
		}
	}
	return nil
}
