package mgmt

import (
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

const (
	maxHookSecrets = 20
	secretHidden   = "_VALUE_NOT_SHOWN_"
)

// listHookSecrets shows the names of a hook's secrets; values are never shown.
func (a *API) listHookSecrets(c *call) (any, error) {
	h, err := store.Hooks.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, name := range stagedoor.SecretNames(h.Sealed) {
		out[name] = secretHidden
	}
	return out, nil
}

type hookSecretsIn struct {
	_      struct{}                   `schema:"min=1"`
	Values map[string]json.RawMessage `schema:"rest"`
}

// setHookSecrets adds secrets or changes them: the wire has two operations for it that do the same.
func (a *API) setHookSecrets(c *call, in hookSecretsIn) (any, error) {
	_, err := store.Hooks.Update(c.ctx(), c.store, c.id(), func(h *stagedoor.Hook) error {
		values := stagedoor.SecretValues(h.Sealed)
		for _, name := range slices.Sorted(maps.Keys(in.Values)) {
			var value string
			if web.TypeOf(in.Values[name]) != "string" {
				return web.WrongType(name, "string", in.Values[name]).Body()
			}
			if err := json.Unmarshal(in.Values[name], &value); err != nil {
				return err
			}
			if utf8.RuneCountInString(name) > 128 || utf8.RuneCountInString(value) > 4096 {
				return badProperty(bounded(name, 100), "A name may have 128 characters and a value 4096")
			}
			values[name] = value
		}
		if len(values) > maxHookSecrets {
			return badProperty("", "Too many properties defined ("+itoa(len(values))+"), maximum "+itoa(maxHookSecrets))
		}
		h.Sealed = stagedoor.SealSecrets(values)
		return nil
	})
	return map[string]any{}, err
}

// deleteHookSecrets removes the secrets that the body, a bare array, names.
func (a *API) deleteHookSecrets(c *call, names []string) (any, error) {
	_, err := store.Hooks.Update(c.ctx(), c.store, c.id(), func(h *stagedoor.Hook) error {
		values := stagedoor.SecretValues(h.Sealed)
		for _, name := range names {
			delete(values, name)
		}
		h.Sealed = stagedoor.SealSecrets(values)
		return nil
	})
	return nil, err
}
