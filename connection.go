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

	// Stored are settings that are kept and returned but have no effect yet.
	Stored map[string]json.RawMessage `json:"-"`
}

// ConnectionOptions are the settings of a database connection. Stored holds every
// further member, kept and returned as it came.
type ConnectionOptions struct {
	PasswordPolicy            string                     `json:"passwordPolicy,omitempty"` // none, low, fair, good, excellent
	PasswordComplexityOptions *PasswordComplexity        `json:"password_complexity_options,omitempty"`
	RequiresUsername          bool                       `json:"requires_username,omitempty"`
	DisableSignup             bool                       `json:"disable_signup,omitempty"`
	BruteForceProtection      bool                       `json:"brute_force_protection"`
	Stored                    map[string]json.RawMessage `json:"-"`
}

// PasswordComplexity overrides a policy's minimum length in characters.
type PasswordComplexity struct {
	MinLength int `json:"min_length,omitempty"`
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
