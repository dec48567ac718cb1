package mgmt

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/stagedoor/stagedoor/internal/web"
)

// checkStored looks at members that have no field of their own: each must be in known, which gives its JSON type, and have that
// type or be null.
func checkStored(rest map[string]json.RawMessage, known map[string]string) error {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		wanted, found := known[name]
		switch is := web.TypeOf(rest[name]); {
		case !found:
			unknown = append(unknown, name)
		case is != wanted && is != "null" && !(wanted == "number" && is == "integer"):
			return web.WrongType(name, wanted, rest[name]).Body()
		}
	}
	if len(unknown) > 0 {
		return web.Unknown("", unknown...).Body()
	}
	return nil
}

// keepStored merges rest into the first level of *stored; null removes a member.
func keepStored(stored *map[string]json.RawMessage, rest map[string]json.RawMessage) {
	for name, value := range rest {
		if web.TypeOf(value) == "null" {
			delete(*stored, name)
			continue
		}
		if *stored == nil {
			*stored = map[string]json.RawMessage{}
		}
		(*stored)[name] = value
	}
}

// mergeObjects returns old with the members of patch: null removes one.
func mergeObjects(old, patch json.RawMessage) json.RawMessage {
	var merged, changes map[string]json.RawMessage
	if json.Unmarshal(old, &merged) != nil || merged == nil || json.Unmarshal(patch, &changes) != nil {
		return patch
	}
	keepStored(&merged, changes)
	out, err := json.Marshal(merged)
	if err != nil {
		return patch
	}
	return out
}
