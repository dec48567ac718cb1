package mgmt

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listHooksIn struct {
	web.Paging
	web.Fields
	Enabled   web.Opt[bool] `json:"enabled" schema:"notnull" doc:"Optional filter on whether a hook is enabled (true) or disabled (false)"`
	TriggerID string        `json:"triggerId" schema:"enum=credentials-exchange|pre-user-registration|post-user-registration|post-change-password|send-phone-message" doc:"Retrieves hooks that match the trigger"`
}

func (a *API) listHooks(c *call, in listHooksIn) (any, error) {
	all, err := store.Hooks.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(h stagedoor.Hook) bool {
		return in.Enabled.Set && h.Enabled != in.Enabled.Value || in.TriggerID != "" && h.Trigger != in.TriggerID
	})
	return listed(c, in.Paging, web.Checkpoint{}, "hooks", all, func(h stagedoor.Hook) string { return h.ID },
		func(h stagedoor.Hook) (any, error) { return in.Pick(h) })
}

func (a *API) readHook(c *call, in web.Fields) (any, error) {
	h, err := store.Hooks.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	return in.Pick(h)
}

type createHookIn struct {
	Name         string            `json:"name" schema:"required,min=1" pattern:"^[^-\\s]([^<>]*[^-\\s])?$" doc:"Name of this hook"`
	Script       string            `json:"script" schema:"required,min=1" doc:"Code to be executed when this hook runs"`
	Trigger      string            `json:"triggerId" schema:"required,enum=credentials-exchange|pre-user-registration|post-user-registration|post-change-password|send-phone-message" doc:"Execution stage of this hook"`
	Enabled      bool              `json:"enabled" doc:"Whether this hook will be executed (true) or ignored (false)"`
	Dependencies map[string]string `json:"dependencies" doc:"Dependencies of this hook used by webtask server"`
}

// slugs are what a hook's name keeps; anything else becomes a hyphen.
var slugs = regexp.MustCompile(`[^a-z0-9]+`)

func slug(name string) string {
	return strings.Trim(slugs.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

func (a *API) createHook(c *call, in createHookIn) (any, error) {
	h := &stagedoor.Hook{Name: slug(in.Name), Script: in.Script, Trigger: in.Trigger, Dependencies: in.Dependencies}
	if h.Dependencies == nil {
		h.Dependencies = map[string]string{}
	}
	if err := a.checkHook(c, h); err != nil {
		return nil, err
	}
	if err := store.Hooks.Create(c.ctx(), c.store, h); err != nil {
		return nil, err
	}
	return enabledHook(c, h, in.Enabled)
}

// enabledHook enables a hook that was not until now, if that is wanted: so two of a trigger are never enabled, whatever happens in between.
func enabledHook(c *call, h *stagedoor.Hook, wanted bool) (any, error) {
	if !wanted {
		return h, nil
	}
	err := c.store.EnableHook(c.ctx(), h)
	h.Enabled = err == nil
	return h, err
}

// checkHook refuses what would fail whenever it runs.
func (a *API) checkHook(c *call, h *stagedoor.Hook) error {
	d := script.Draft{Source: h.Script, Hook: true}
	for name, version := range h.Dependencies {
		d.Modules = append(d.Modules, joinedVersion(stagedoor.ActionDependency{Name: name, Version: version}))
	}
	slices.Sort(d.Modules)
	wrong, err := a.whatIsWrong(c, d)
	if err == nil && len(wrong) > 0 {
		property := "script"
		if wrong[0].ID == "unknown_module" {
			property = "dependencies"
		}
		err = badProperty(property, strings.TrimSuffix(wrong[0].Message, "."))
	}
	return err
}

type updateHookIn struct {
	_            struct{}                   `schema:"min=1"`
	Name         web.Opt[string]            `json:"name" schema:"notnull,min=1" pattern:"^[^-\\s]([^<>]*[^-\\s])?$" doc:"Name of this hook"`
	Script       web.Opt[string]            `json:"script" schema:"notnull,min=1" doc:"Code to be executed when this hook runs"`
	Enabled      web.Opt[bool]              `json:"enabled" schema:"notnull" doc:"Whether this hook will be executed (true) or ignored (false)"`
	Dependencies web.Opt[map[string]string] `json:"dependencies" schema:"notnull" doc:"Dependencies of this hook used by webtask server"`
}

func (a *API) updateHook(c *call, in updateHookIn) (any, error) {
	h, err := store.Hooks.Get(c.ctx(), c.store, c.id())
	if err == nil {
		in.apply(h)
		err = a.checkHook(c, h) // looked at before anything is locked
	}
	if err != nil {
		return nil, err
	}
	h, err = store.Hooks.Update(c.ctx(), c.store, c.id(), func(h *stagedoor.Hook) error {
		before := h.Enabled
		if in.apply(h); in.Enabled.Value {
			h.Enabled = before
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return enabledHook(c, h, in.Enabled.Value)
}

func (in *updateHookIn) apply(h *stagedoor.Hook) {
	if in.Name.Set {
		h.Name = slug(in.Name.Value)
	}
	in.Script.Into(&h.Script)
	in.Enabled.Into(&h.Enabled)
	in.Dependencies.Into(&h.Dependencies)
}

func (a *API) deleteHook(c *call) (any, error) {
	found, err := store.Hooks.Delete(c.ctx(), c.store, c.id())
	if err == nil && !found {
		missing := *store.Hooks.Missing
		err = &missing
	}
	return nil, err
}
