package stagedoor

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Action is code of a tenant that runs at a trigger (Management API fact sheet 3.3): a draft that may change, and versions of it that
// were deployed and never do.
type Action struct {
	ID       string
	Name     string
	Draft    ActionCode
	Status   string // of the draft: one of the constants below
	Revision int    // of the draft; it grows with each change
	Errors   []ActionError

	AllDeployed bool   // the version in force is what the draft says
	Deployed    string // id of the version in force; empty before the first
	Last        int    // number of the newest version
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Sealed      string `json:"-"` // the draft's secret values, by name, as JSON
}

// What a draft may be.
const (
	ActionPending = "pending" // not looked at yet
	ActionBuilt   = "built"
	ActionFailed  = "failed"
)

// ActionCode is what a draft and a version consist of.
type ActionCode struct {
	Trigger      ActionTrigger
	Code         string
	Dependencies []ActionDependency
	Runtime      string
	Secrets      []ActionSecret
	Modules      []ActionModuleUse
}

// Uses tells whether the code uses a version of a module.
func (c *ActionCode) Uses(module string) bool {
	return slices.ContainsFunc(c.Modules, func(u ActionModuleUse) bool { return u.ModuleID == module })
}

// ActionTrigger names a trigger and a version of it.
type ActionTrigger struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// ActionDependency is an npm module that an action requires.
type ActionDependency struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	RegistryURL string `json:"registry_url,omitempty"`
}

// DependencyVersions are the versions by name.
func DependencyVersions(all []ActionDependency) map[string]string {
	if len(all) == 0 {
		return nil
	}
	out := make(map[string]string, len(all))
	for _, d := range all {
		out[d.Name] = d.Version
	}
	return out
}

// ActionSecret is the name of a secret; its value is sealed apart.
type ActionSecret struct {
	Name      string
	UpdatedAt time.Time
}

// ActionModuleUse pins a version of a shared module.
type ActionModuleUse struct {
	ModuleID      string `json:"module_id"`
	ModuleName    string `json:"module_name"`
	VersionID     string `json:"module_version_id"`
	VersionNumber int    `json:"module_version_number"`
}

// ActionError is why a draft cannot be built, or why a run of it failed.
type ActionError struct {
	ID      string `json:"id"`
	Message string `json:"msg"`
	URL     string `json:"url"`
}

// ActionVersion is a draft that was deployed.
type ActionVersion struct {
	ID        string
	Action    string // id
	Number    int    // from 1
	Body      ActionCode
	CreatedAt time.Time
	Sealed    string `json:"-"`
}

// ActionBinding makes an action run at a trigger.
type ActionBinding struct {
	ID          string
	Trigger     string
	Action      string // id
	DisplayName string
	Secrets     []ActionSecret
	CreatedAt   time.Time
	Sealed      string `json:"-"`
}

// BoundAction is what runs: a binding and the version in force of its action.
type BoundAction struct {
	Binding ActionBinding
	Name    string // of the action
	Version ActionVersion
}

// ActionExecution is the record of one run of a trigger's actions.
type ActionExecution struct {
	ID        string                  `json:"id"`
	Trigger   string                  `json:"trigger_id"`
	Status    string                  `json:"status"` // final; partial when an action failed
	Results   []ActionExecutionResult `json:"results"`
	CreatedAt time.Time               `json:"created_at"`
	UpdatedAt time.Time               `json:"updated_at"`
}

// ActionExecutionResult tells how one action of it ended.
type ActionExecutionResult struct {
	Name      string       `json:"action_name"`
	Error     *ActionError `json:"error"`
	StartedAt time.Time    `json:"started_at"`
	EndedAt   time.Time    `json:"ended_at"`
}

// ActionModule is code that actions share as require('actions:NAME'): a draft, and published versions of it.
type ActionModule struct {
	ID           string
	Name         string // never changes
	Code         string
	Dependencies []ActionDependency
	Secrets      []ActionSecret
	APIVersion   string
	Last         int // number of the newest version
	Latest       string
	AllPublished bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Sealed       string `json:"-"`
}

// ActionModuleVersion is one that was published.
type ActionModuleVersion struct {
	ID           string
	Module       string // id
	Name         string
	Number       int
	Code         string
	Dependencies []ActionDependency
	Secrets      []ActionSecret
	APIVersion   string
	CreatedAt    time.Time
	Sealed       string `json:"-"`
}

// Hook is a script of the older kind (Management API fact sheet 3.2).
type Hook struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Script       string            `json:"script"`
	Dependencies map[string]string `json:"dependencies"`
	Trigger      string            `json:"triggerId"`
	Enabled      bool              `json:"enabled"`
	Sealed       string            `json:"-"` // secret values, by name, as JSON
}

// SecretValues reads values that are sealed together.
func SecretValues(sealed string) map[string]string {
	values := map[string]string{}
	if sealed != "" {
		_ = json.Unmarshal([]byte(sealed), &values) // written by SealSecrets alone
	}
	return values
}

// SealSecrets makes one text of values, for sealing; of none an empty one.
func SealSecrets(values map[string]string) string {
	if len(values) == 0 {
		return ""
	}
	b, _ := json.Marshal(values) // strings only
	return string(b)
}

// SecretNames returns the names of values that are sealed together, sorted.
func SecretNames(sealed string) []string { return slices.Sorted(maps.Keys(SecretValues(sealed))) }
