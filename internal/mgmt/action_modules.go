package mgmt

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// resolve finds the versions of modules that an action names, by id or by name, the newest where it names none.
func (in *actionIn) resolve(c *call) error {
	in.uses = []stagedoor.ActionModuleUse{}
	if !in.Modules.Set || len(in.Modules.Value) == 0 {
		return nil
	}
	modules, err := store.ActionModules.All(c.ctx(), c.store)
	if err != nil {
		return err
	}
	versions, err := store.ActionModuleVersions.All(c.ctx(), c.store)
	if err != nil {
		return err
	}
	versions = slices.DeleteFunc(versions, func(v stagedoor.ActionModuleVersion) bool { // a deleted module's are kept for older versions of actions
		return !slices.ContainsFunc(modules, func(m stagedoor.ActionModule) bool { return m.ID == v.Module })
	})
	for i, use := range in.Modules.Value {
		var found *stagedoor.ActionModuleVersion
		for j := range versions {
			v := &versions[j]
			if use.ModuleID != "" && use.ModuleID != v.Module || use.ModuleName != "" && use.ModuleName != v.Name || use.ModuleID+use.ModuleName == "" ||
				use.VersionID != "" && use.VersionID != v.ID || use.VersionNumber.Has() && use.VersionNumber.Value != v.Number {
				continue
			}
			if found == nil || v.Number > found.Number {
				found = v
			}
		}
		if found == nil {
			return badProperty("modules["+itoa(i)+"]", "There is no such version of an action module")
		}
		in.uses = append(in.uses, stagedoor.ActionModuleUse{ModuleID: found.Module, ModuleName: found.Name, VersionID: found.ID, VersionNumber: found.Number})
	}
	return nil
}

type createModuleIn struct {
	Name         string         `json:"name" schema:"required,min=1,max=255" doc:"The name of the action module"`
	Code         string         `json:"code" schema:"required,max=65536" doc:"The source code of the action module"`
	Secrets      []secretIn     `json:"secrets" schema:"max=30" doc:"The secrets to associate with the action module"`
	Dependencies []dependencyIn `json:"dependencies" schema:"max=10" doc:"The npm dependencies of the action module"`
	APIVersion   string         `json:"api_version" doc:"The API version of the module"`
	Publish      bool           `json:"publish" doc:"Whether to publish the module immediately after creation"`
}

type updateModuleIn struct {
	_            struct{}                `schema:"min=1"`
	Code         web.Opt[string]         `json:"code" schema:"notnull,max=65536" doc:"The source code of the action module"`
	Secrets      web.Opt[[]secretIn]     `json:"secrets" schema:"notnull,max=30" doc:"The secrets to associate with the action module"`
	Dependencies web.Opt[[]dependencyIn] `json:"dependencies" schema:"notnull,max=10" doc:"The npm dependencies of the action module"`
}

func (a *API) listModules(c *call, in actionPaging) (any, error) {
	all, err := store.ActionModules.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	return paged(in, "modules", all, func(m *stagedoor.ActionModule) (any, error) { return showModule(c, m) })
}

func (a *API) readModule(c *call) (any, error) {
	m, err := store.ActionModules.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, err
	}
	return showModule(c, m)
}

func showModule(c *call, m *stagedoor.ActionModule) (any, error) {
	using, err := usersOf(c, m.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"id": m.ID, "name": m.Name, "code": m.Code, "dependencies": m.Dependencies, "secrets": showSecrets(m.Secrets), "actions_using_module_total": len(using),
		"all_changes_published": m.AllPublished, "latest_version_number": m.Last, "created_at": nano(m.CreatedAt), "updated_at": nano(m.UpdatedAt),
	}
	if m.Latest == "" {
		return out, nil
	}
	v, err := store.ActionModuleVersions.Get(c.ctx(), c.store, m.Latest)
	if err != nil {
		return nil, err
	}
	out["latest_version"] = showModuleVersion(v)
	return out, nil
}

func showModuleVersion(v *stagedoor.ActionModuleVersion) map[string]any {
	return map[string]any{
		"id": v.ID, "module_id": v.Module, "version_number": v.Number, "code": v.Code, "dependencies": v.Dependencies, "secrets": showSecrets(v.Secrets),
		"created_at": nano(v.CreatedAt),
	}
}

// usersOf returns the actions whose draft or version in force uses a module.
func usersOf(c *call, module string) ([]stagedoor.Action, error) {
	all, err := c.store.Actions(c.ctx())
	if err != nil {
		return nil, err
	}
	var out []stagedoor.Action
	for i := range all {
		act, used := &all[i], all[i].Draft.Uses(module)
		if !used && act.Deployed != "" {
			v, err := c.store.ActionVersion(c.ctx(), act.ID, act.Deployed)
			if err != nil {
				return nil, err
			}
			used = v.Body.Uses(module)
		}
		if used {
			out = append(out, *act)
		}
	}
	return out, nil
}

// checkModule refuses code that no action could load.
func (a *API) checkModule(c *call, m *stagedoor.ActionModule) error {
	d := script.Draft{Source: m.Code, Shared: true}
	for _, dep := range m.Dependencies {
		d.Modules = append(d.Modules, joinedVersion(dep))
	}
	wrong, err := a.whatIsWrong(c, d)
	if err == nil && len(wrong) > 0 {
		err = badProperty("code", strings.TrimSuffix(wrong[0].Message, "."))
	}
	return err
}

func (a *API) createModule(c *call, in createModuleIn) (any, error) {
	now := c.store.Clock().Now()
	m := &stagedoor.ActionModule{Name: in.Name, Code: in.Code, Dependencies: dependencies(in.Dependencies), APIVersion: in.APIVersion, CreatedAt: now, UpdatedAt: now}
	if err := setSecrets(c, in.Secrets, &m.Secrets, &m.Sealed); err != nil {
		return nil, err
	}
	if err := a.checkModule(c, m); err != nil {
		return nil, err
	}
	if err := store.ActionModules.Create(c.ctx(), c.store, m); err != nil {
		return nil, err
	}
	if in.Publish {
		var err error
		if m, _, err = c.store.PublishActionModule(c.ctx(), m.ID); err != nil {
			return nil, err
		}
	}
	return showModule(c, m)
}

func (a *API) updateModule(c *call, in updateModuleIn) (any, error) {
	m, err := store.ActionModules.Get(c.ctx(), c.store, c.id())
	if err == nil {
		if err = in.apply(c, m); err == nil { // looked at before anything is locked
			err = a.checkModule(c, m)
		}
	}
	if err != nil {
		return nil, err
	}
	m, err = store.ActionModules.Update(c.ctx(), c.store, c.id(), func(m *stagedoor.ActionModule) error { return in.apply(c, m) })
	if err != nil {
		return nil, err
	}
	return showModule(c, m)
}

func (in *updateModuleIn) apply(c *call, m *stagedoor.ActionModule) error {
	in.Code.Into(&m.Code)
	if in.Dependencies.Set {
		m.Dependencies = dependencies(in.Dependencies.Value)
	}
	m.AllPublished, m.UpdatedAt = false, c.store.Clock().Now()
	if in.Secrets.Set {
		return setSecrets(c, in.Secrets.Value, &m.Secrets, &m.Sealed)
	}
	return nil
}

func (a *API) deleteModule(c *call) (any, error) {
	if _, err := store.ActionModules.Get(c.ctx(), c.store, c.id()); err != nil {
		return nil, err
	}
	return nil, c.store.DeleteActionModule(c.ctx(), c.id(), false)
}

func (a *API) listModuleActions(c *call, in actionPaging) (any, error) {
	if _, err := store.ActionModules.Get(c.ctx(), c.store, c.id()); err != nil {
		return nil, err
	}
	using, err := usersOf(c, c.id())
	if err != nil {
		return nil, err
	}
	return paged(in, "actions", using, func(act *stagedoor.Action) (any, error) {
		at := slices.IndexFunc(act.Draft.Modules, func(u stagedoor.ActionModuleUse) bool { return u.ModuleID == c.id() })
		out := map[string]any{"action_id": act.ID, "action_name": act.Name, "supported_triggers": []stagedoor.ActionTrigger{act.Draft.Trigger}}
		if at >= 0 {
			out["module_version_id"], out["module_version_number"] = act.Draft.Modules[at].VersionID, act.Draft.Modules[at].VersionNumber
		}
		return out, nil
	})
}

func (a *API) listModuleVersions(c *call, in actionPaging) (any, error) {
	if _, err := store.ActionModules.Get(c.ctx(), c.store, c.id()); err != nil {
		return nil, err
	}
	all, err := store.ActionModuleVersions.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(v stagedoor.ActionModuleVersion) bool { return v.Module != c.id() })
	slices.Reverse(all)
	return paged(in, "versions", all, func(v *stagedoor.ActionModuleVersion) (any, error) { return showModuleVersion(v), nil })
}

func (a *API) publishModule(c *call) (any, error) {
	_, v, err := c.store.PublishActionModule(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return showModuleVersion(v), nil
}

// moduleVersion returns a version of the module in the path.
func moduleVersion(c *call, id string) (*stagedoor.ActionModuleVersion, error) {
	v, err := store.ActionModuleVersions.Get(c.ctx(), c.store, id)
	if err == nil && v.Module != c.id() {
		missing := *store.ActionModuleVersions.Missing
		return nil, &missing
	}
	return v, err
}

func (a *API) readModuleVersion(c *call) (any, error) {
	v, err := moduleVersion(c, c.r.PathValue("version_id"))
	if err != nil {
		return nil, err
	}
	return showModuleVersion(v), nil
}

type rollbackIn struct {
	VersionID string `json:"module_version_id" schema:"required,min=1" doc:"The unique ID of the module version to roll back to"`
}

// rollbackModule makes the draft what a version was.
func (a *API) rollbackModule(c *call, in rollbackIn) (any, error) {
	if _, err := store.ActionModules.Get(c.ctx(), c.store, c.id()); err != nil {
		return nil, err
	}
	v, err := moduleVersion(c, in.VersionID)
	if err != nil {
		return nil, err
	}
	m, err := store.ActionModules.Update(c.ctx(), c.store, c.id(), func(m *stagedoor.ActionModule) error {
		m.Code, m.Dependencies, m.Secrets, m.Sealed, m.AllPublished = v.Code, v.Dependencies, v.Secrets, v.Sealed, m.Latest == v.ID
		m.UpdatedAt = c.store.Clock().Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return showModule(c, m)
}
