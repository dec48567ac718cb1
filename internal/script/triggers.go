package script

// Triggers are the places of the server at which tenants' own code may run, in the order in which the Management API lists them
// (Management API fact sheet 3.3; extensibility fact sheet 3.1). A trigger that runs has a file of its own, trigger_NAME.go, which tells
// what its scripts can ask for, one in js/triggers, which is their api, and a call at its place. mcp-tool has none here: there is no such tool to call.
// Drafts of it are kept, as tools send them, and cannot be deployed or bound.
var Triggers = []*Trigger{
	PostLogin, CredentialsExchange, PreUserRegistration, PostUserRegistration, PostChangePassword,
	SendPhoneMessage,
	PasswordResetPostChallenge,
	CustomEmailProvider, CustomPhoneProvider,
	CustomTokenExchange,
	EventStream,
	PasswordHashMigration,
	{ID: "mcp-tool", Versions: versions("v1"), Handler: "onExecuteMcpTool", EntityBound: true},
	LoginPostIdentifier,
	SignupPostIdentifier,
}

// Trigger is one of them.
type Trigger struct {
	ID          string
	Versions    []TriggerVersion // oldest first; the last one is current
	Handler     string           // the function that an action exports
	Continue    string           // the one for when the person comes back whom it sent elsewhere; empty: it cannot do that
	EntityBound bool             // actions are bound to a profile or a stream, not to the trigger
	Runs        bool             // false: actions can be written, and are refused when somebody wants to put them in force
	Unrecorded  bool             // what its scripts work with is a secret as a whole: there would be nothing to repeat
	Most        int              // of actions that may be bound; 0: as many as to any
	Hook        *Hook            // nil: hooks of the older kind do not have this trigger
}

// Hook is how hooks, the older kind of script, see a trigger (extensibility fact sheet 4).
type Hook struct {
	Errors []string // error classes of its scripts
}

// TriggerVersion is one shape of a trigger's event and api. Only the current one is given to scripts, whatever they ask for: the ones
// before it differ in details that were never documented.
type TriggerVersion struct {
	Version    string
	Status     string // CURRENT or DEPRECATED
	Compatible []string
}

// Runtimes are what an action may name as its runtime, the default first. All of them mean the one engine that there is.
var Runtimes = []string{"node22", "node18", "node16", "node12"}

// TriggerByID returns a trigger, nil if there is none.
func TriggerByID(id string) *Trigger {
	for _, t := range Triggers {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// Current returns the version that an action gets which names none.
func (t *Trigger) Current() string { return t.Versions[len(t.Versions)-1].Version }

// Has tells whether the trigger has a version.
func (t *Trigger) Has(version string) bool {
	for _, v := range t.Versions {
		if v.Version == version {
			return true
		}
	}
	return false
}

func versions(names ...string) []TriggerVersion {
	out := make([]TriggerVersion, len(names))
	for i, name := range names {
		out[i] = TriggerVersion{Version: name, Status: "DEPRECATED"}
	}
	out[len(out)-1].Status = "CURRENT"
	return out
}
