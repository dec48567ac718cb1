package mgmt

import (
	"encoding/json"
	"slices"

	"github.com/stagedoor/stagedoor/internal/web"
)

// settings is a group of a tenant's settings that exists once. What is shown is what holds where nothing was set, with what was set
// in its place, member by member, also within members that are objects.
type settings struct {
	name     string
	defaults any      // how the group looks to who never set it
	hidden   []string // members that are never shown again, at any depth
}

// show reads the group.
func (g settings) show(c *call) (any, error) {
	kept := map[string]any{}
	if err := c.store.Setting(c.ctx(), g.name, &kept); err != nil {
		return nil, err
	}
	encoded, err := web.Encode(g.defaults)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(encoded, &out); err != nil {
		return nil, err
	}
	overlay(out, kept)
	hide(out, g.hidden)
	return out, nil
}

// merge sets the members of a body that In takes; null unsets one.
func merge[In any](g settings) func(*call, In) (any, error) {
	return func(c *call, _ In) (any, error) { return g.change(c, false) }
}

// replace puts a body that In takes in the place of the whole group.
func replace[In any](g settings) func(*call, In) (any, error) {
	return func(c *call, _ In) (any, error) { return g.change(c, true) }
}

func (g settings) change(c *call, whole bool) (any, error) {
	members := map[string]any{}
	if err := json.Unmarshal(c.body, &members); err != nil {
		return nil, err
	}
	err := c.store.ChangeSetting(c.ctx(), g.name, func(kept map[string]any) error {
		if whole {
			clear(kept)
		}
		overlay(kept, members)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.show(c)
}

// overlay puts the members of over on those of under: null removes one, objects are overlaid in turn.
func overlay(under, over map[string]any) {
	for name, value := range over {
		below, isObject := under[name].(map[string]any)
		above, stays := value.(map[string]any)
		switch {
		case value == nil:
			delete(under, name)
		case isObject && stays:
			overlay(below, above)
		default:
			under[name] = value
		}
	}
}

// hide removes the named members at any depth.
func hide(object map[string]any, names []string) {
	for name, value := range object {
		if slices.Contains(names, name) {
			delete(object, name)
		} else if inner, isObject := value.(map[string]any); isObject {
			hide(inner, names)
		}
	}
}
