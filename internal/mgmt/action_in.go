package mgmt

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Runtimes may be sent with the suffix that reads of older actions show.
const runtimeSuffix = "-actions"

type triggerIn struct {
	ID      string `json:"id" schema:"required" doc:"An actions extensibility point"`
	Version string `json:"version" doc:"The version of a trigger"`
	// Tools send back what they have read.
	Status             string      `json:"status"`
	Runtimes           []string    `json:"runtimes"`
	DefaultRuntime     string      `json:"default_runtime"`
	CompatibleTriggers []triggerID `json:"compatible_triggers"`
	BindingPolicy      string      `json:"binding_policy"`
}

type triggerID struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

type dependencyIn struct {
	Name        string `json:"name" schema:"required,min=1" doc:"The name of the npm module"`
	Version     string `json:"version" doc:"The npm module version"`
	RegistryURL string `json:"registry_url" doc:"An optional value used primarily for private npm registries"`
}

type secretIn struct {
	Name      string          `json:"name" schema:"required,min=1,max=255" doc:"The name of the particular secret"`
	Value     web.Opt[string] `json:"value" schema:"notnull,max=4096" doc:"The value of the particular secret"`
	UpdatedAt string          `json:"updated_at" doc:"The time when the secret was last updated"`
}

type moduleUseIn struct {
	ModuleID      string       `json:"module_id" doc:"The unique ID of the module"`
	ModuleName    string       `json:"module_name" doc:"The name of the module"`
	VersionID     string       `json:"module_version_id" doc:"The ID of the specific module version"`
	VersionNumber web.Opt[int] `json:"module_version_number" doc:"The version number of the module"`
}

// actionIn is what both creating and changing an action take.
type actionIn struct {
	Code         web.Opt[string]         `json:"code" schema:"notnull" doc:"The source code of the action"`
	Dependencies web.Opt[[]dependencyIn] `json:"dependencies" schema:"notnull,max=10" doc:"The list of third party npm modules that this action depends on"`
	Runtime      web.Opt[string]         `json:"runtime" schema:"notnull" doc:"The Node runtime"`
	Secrets      web.Opt[[]secretIn]     `json:"secrets" schema:"notnull,max=30" doc:"The list of secrets that are included in an action or a version of an action"`
	Modules      web.Opt[[]moduleUseIn]  `json:"modules" schema:"notnull" doc:"The list of action modules and their versions used by this action"`

	uses []stagedoor.ActionModuleUse // Modules, resolved
}

type createActionIn struct {
	Name     string      `json:"name" schema:"required,min=1,max=255" doc:"The name of an action"`
	Triggers []triggerIn `json:"supported_triggers" schema:"required,min=1,max=1" doc:"The list of triggers that this action supports"`
	actionIn
	Deploy bool `json:"deploy" doc:"True if the action should be deployed after creation"`
}

type updateActionIn struct {
	_        struct{}             `schema:"min=1"`
	Name     web.Opt[string]      `json:"name" schema:"notnull,min=1,max=255" doc:"The name of an action"`
	Triggers web.Opt[[]triggerIn] `json:"supported_triggers" schema:"notnull,min=1,max=1" doc:"The list of triggers that this action supports"`
	actionIn
}

// trigger returns the one trigger that an action has.
func trigger(in []triggerIn) (stagedoor.ActionTrigger, error) {
	t := script.TriggerByID(in[0].ID)
	if t == nil {
		return stagedoor.ActionTrigger{}, badProperty("supported_triggers[0].id", "No enum match for: "+bounded(in[0].ID, 100))
	}
	out := stagedoor.ActionTrigger{ID: t.ID, Version: in[0].Version}
	if out.Version == "" {
		out.Version = t.Current()
	}
	if !t.Has(out.Version) {
		return out, badProperty("supported_triggers[0].version", "No enum match for: "+bounded(out.Version, 100))
	}
	return out, nil
}

// apply changes a draft and the secrets that are sealed with it.
func (in *actionIn) apply(c *call, code *stagedoor.ActionCode, sealed *string) error {
	in.Code.Into(&code.Code)
	if in.Runtime.Value != "" { // the vendor's command line tool sends an empty one for the default
		if !slices.Contains(script.Runtimes, strings.TrimSuffix(in.Runtime.Value, runtimeSuffix)) {
			return badProperty("runtime", "No enum match for: "+bounded(in.Runtime.Value, 100))
		}
		code.Runtime = in.Runtime.Value
	}
	if in.Dependencies.Set {
		code.Dependencies = dependencies(in.Dependencies.Value)
	}
	if in.Modules.Set {
		code.Modules = in.uses
	}
	if in.Secrets.Set {
		return setSecrets(c, in.Secrets.Value, &code.Secrets, sealed)
	}
	return nil
}

func dependencies(in []dependencyIn) []stagedoor.ActionDependency {
	out := []stagedoor.ActionDependency{}
	for _, d := range in {
		out = append(out, stagedoor.ActionDependency{Name: d.Name, Version: d.Version, RegistryURL: d.RegistryURL})
	}
	return out
}

// setSecrets replaces a list of secrets. One that comes without a value keeps the one it has.
func setSecrets(c *call, in []secretIn, secrets *[]stagedoor.ActionSecret, sealed *string) error {
	old, was, values := stagedoor.SecretValues(*sealed), *secrets, map[string]string{}
	next := []stagedoor.ActionSecret{}
	for i, s := range in {
		if slices.ContainsFunc(next, func(n stagedoor.ActionSecret) bool { return n.Name == s.Name }) {
			return badProperty("secrets["+itoa(i)+"].name", "There is another secret with the name "+bounded(s.Name, 128))
		}
		secret := stagedoor.ActionSecret{Name: s.Name, UpdatedAt: c.store.Clock().Now()}
		value, known := old[s.Name]
		if s.Value.Has() {
			value, known = s.Value.Value, true
		} else if at := slices.IndexFunc(was, func(w stagedoor.ActionSecret) bool { return w.Name == s.Name }); at >= 0 {
			secret.UpdatedAt = was[at].UpdatedAt
		}
		if known {
			values[s.Name] = value
		}
		next = append(next, secret)
	}
	*secrets, *sealed = next, stagedoor.SealSecrets(values)
	return nil
}
