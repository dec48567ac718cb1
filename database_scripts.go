package stagedoor

import "encoding/json"

// DatabaseScripts are the tenant's own scripts that a database connection asks (extensibility fact sheet 5.1). The zero value asks none.
type DatabaseScripts struct {
	On            bool              // users and passwords are elsewhere
	Import        bool              // until a person signs in for the first time, or wants another password: then they are kept here
	Context       bool              // scripts get a context before their callback
	Sources       map[string]string // by operation: login, get_user …
	Configuration map[string]string // what scripts see as `configuration`
}

// is tells whether an option that is only kept is true.
func (o *ConnectionOptions) is(name string) bool { return string(o.Stored[name]) == "true" }

// Scripts returns what of a database connection is the scripts'.
func (c *Connection) Scripts() DatabaseScripts {
	o := &c.Options
	if c.Strategy != StrategyDatabase || !o.is("enabledDatabaseCustomization") {
		return DatabaseScripts{}
	}
	s := DatabaseScripts{On: true, Import: o.is("import_mode"), Context: o.is("enable_script_context")}
	_ = json.Unmarshal(o.Stored["customScripts"], &s.Sources) // absent is empty
	_ = json.Unmarshal(o.Stored["configuration"], &s.Configuration)
	return s
}

// KeepsUsers tells whether users of a database connection, once they are known here, are kept here with their passwords.
func (c *Connection) KeepsUsers() bool {
	return c.Strategy == StrategyDatabase && (!c.Options.is("enabledDatabaseCustomization") || c.Options.is("import_mode"))
}

// CustomHashAction is the id of the action that checks passwords of hashes which nobody else understands; empty if the connection names none.
func (c *Connection) CustomHashAction() string {
	if c.Strategy != StrategyDatabase {
		return ""
	}
	var custom struct {
		Action string `json:"action_id"`
	}
	_ = json.Unmarshal(c.Options.Stored["custom_password_hash"], &custom) // absent is empty
	return custom.Action
}

// The values of the option that says when a login writes the profile of its person anew.
const (
	SyncEachLogin  = "on_each_login"
	SyncFirstLogin = "on_first_login"
	SyncNever      = "never_on_login"
)

// SyncsProfile tells when logins through the connection write the profile of their person: SyncEachLogin unless it says something else.
func (c *Connection) SyncsProfile() string {
	when := SyncEachLogin
	_ = json.Unmarshal(c.Options.Stored["set_user_root_attributes"], &when) // absent keeps it
	return when
}

// NotKept are the names of attributes that are not to be kept.
func (c *Connection) NotKept() []string {
	var names []string
	_ = json.Unmarshal(c.Options.Stored["non_persistent_attrs"], &names) // absent is empty
	return names
}
