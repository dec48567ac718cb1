package stagedoor

import (
	"encoding/json"
	"slices"
)

// Connection is a source of users: a database, a social or an enterprise
// provider (Management API fact sheet 3.6).
type Connection struct {
	ID                 string            `json:"id"`
	Name               string            `json:"name"`
	DisplayName        string            `json:"display_name,omitempty"`
	Strategy           string            `json:"strategy"` // auth0 is a database
	Options            ConnectionOptions `json:"options"`
	EnabledClients     []string          `json:"enabled_clients"`
	Realms             []string          `json:"realms"`
	IsDomainConnection bool              `json:"is_domain_connection"`
	ShowAsButton       *bool             `json:"show_as_button,omitempty"`
	Metadata           map[string]string `json:"metadata,omitzero"`
	Authentication     *Active           `json:"authentication,omitempty"` // nil counts as active

	// Stored are settings that are kept and returned but have no effect yet.
	Stored map[string]json.RawMessage `json:"-"`
}

// ConnectionOptions are the settings of a connection. The fields are those of databases that have an effect; Stored holds every
// further member, and all members of other strategies, kept and returned as they came.
type ConnectionOptions struct {
	PasswordPolicy            string                     `json:"passwordPolicy,omitempty"` // none, low, fair, good, excellent
	PasswordComplexityOptions *PasswordComplexity        `json:"password_complexity_options,omitempty"`
	PasswordHistory           *PasswordHistory           `json:"password_history,omitempty"`
	PasswordNoPersonalInfo    *Switch                    `json:"password_no_personal_info,omitempty"`
	PasswordDictionary        *PasswordDictionary        `json:"password_dictionary,omitempty"`
	PasswordOptions           *PasswordOptions           `json:"password_options,omitempty"`
	RequiresUsername          bool                       `json:"requires_username,omitempty"`
	DisableSignup             bool                       `json:"disable_signup,omitempty"`
	BruteForceProtection      *bool                      `json:"brute_force_protection,omitempty"`
	Stored                    map[string]json.RawMessage `json:"-"`
}

// CountsFailures tells whether failed logins through the connection are counted, so that too many block.
func (o *ConnectionOptions) CountsFailures() bool {
	return o.BruteForceProtection != nil && *o.BruteForceProtection
}

// Active is a purpose that a connection serves or not.
type Active struct {
	Active bool `json:"active"`
}

// Switch is a setting that is on or off.
type Switch struct {
	Enable bool `json:"enable"`
}

// PasswordHistory refuses the last Size passwords of a user.
type PasswordHistory struct {
	Enable bool `json:"enable"`
	Size   int  `json:"size,omitempty"` // 0 counts as 5
}

// PasswordDictionary refuses passwords that are much used, and those of the tenant's own list, whatever their case.
type PasswordDictionary struct {
	Enable     bool     `json:"enable"`
	Dictionary []string `json:"dictionary,omitzero"`
}

// PasswordOptions are the newer form of what a database asks of passwords. Where they are there, the older options do not count.
type PasswordOptions struct {
	Complexity struct {
		MinLength           int      `json:"min_length"`
		CharacterTypes      []string `json:"character_types"`       // uppercase, lowercase, number, special
		CharacterTypeRule   string   `json:"character_type_rule"`   // all, three_of_four
		IdenticalCharacters string   `json:"identical_characters"`  // allow, block: more than two in a row
		SequentialChars     string   `json:"sequential_characters"` // allow, block: three in a row such as abc or 321
		MaxLengthExceeded   string   `json:"max_length_exceeded"`   // truncate, error; long passwords are never cut here
	} `json:"complexity"`
	Dictionary struct {
		Active  bool     `json:"active"`
		Custom  []string `json:"custom"`
		Default string   `json:"default"` // en_10k, en_100k
	} `json:"dictionary"`
	History struct {
		Active bool `json:"active"`
		Size   int  `json:"size"`
	} `json:"history"`
	ProfileData struct {
		Active        bool     `json:"active"`
		BlockedFields []string `json:"blocked_fields"`
	} `json:"profile_data"`
}

// StrategyDatabase is the strategy of databases.
const StrategyDatabase = "auth0"

// ForLogin tells whether people can sign in through the connection here with a password: it is a database, and it is not switched off
// for logins.
func (c *Connection) ForLogin() bool { return c.Strategy == StrategyDatabase && c.isOn() }

// ForPasswords tells whether the connection is a database, switched off or not.
func (c *Connection) ForPasswords() bool { return c.Strategy == StrategyDatabase }

// isOn tells whether the connection is not switched off for logins.
func (c *Connection) isOn() bool { return c.Authentication == nil || c.Authentication.Active }

// PasswordComplexity overrides a policy's minimum length in characters.
type PasswordComplexity struct {
	MinLength int `json:"min_length,omitempty"`
}

// databaseSecrets are the options of a database that are sealed; of other strategies all are.
var databaseSecrets = []string{"configuration", "customScripts"}

// HideSecrets takes what is secret out of the connection's options and returns it, as JSON. The maps of the connection are not
// changed but replaced.
func (c *Connection) HideSecrets() (string, error) {
	secret, open := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, value := range c.Options.Stored {
		if c.Strategy != StrategyDatabase || slices.Contains(databaseSecrets, name) {
			secret[name] = value
		} else {
			open[name] = value
		}
	}
	if len(secret) == 0 {
		return "", nil
	}
	c.Options.Stored = open
	b, err := json.Marshal(secret)
	return string(b), err
}

// RevealSecrets puts back what HideSecrets took.
func (c *Connection) RevealSecrets(hidden string) error {
	if hidden == "" {
		return nil
	}
	if c.Options.Stored == nil {
		c.Options.Stored = map[string]json.RawMessage{}
	}
	return json.Unmarshal([]byte(hidden), &c.Options.Stored)
}

// EnabledFor tells whether the client may sign people in through the connection.
func (c *Connection) EnabledFor(clientID string) bool {
	return slices.Contains(c.EnabledClients, clientID)
}

type connectionFields Connection

// MarshalJSON writes the known members and the stored ones.
func (c Connection) MarshalJSON() ([]byte, error) {
	return marshalStored(connectionFields(c), c.Stored)
}

// UnmarshalJSON reads the known members and keeps the others in Stored.
func (c *Connection) UnmarshalJSON(b []byte) (err error) {
	var known connectionFields
	if known.Stored, err = unmarshalStored(b, &known); err == nil {
		*c = Connection(known)
	}
	return err
}

type optionFields ConnectionOptions

// MarshalJSON writes the known members and the stored ones.
func (o ConnectionOptions) MarshalJSON() ([]byte, error) {
	return marshalStored(optionFields(o), o.Stored)
}

// UnmarshalJSON reads the known members and keeps the others in Stored.
func (o *ConnectionOptions) UnmarshalJSON(b []byte) (err error) {
	var known optionFields
	if known.Stored, err = unmarshalStored(b, &known); err == nil {
		*o = ConnectionOptions(known)
	}
	return err
}
