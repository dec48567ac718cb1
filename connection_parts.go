package stagedoor

import "time"

// SCIMConfig tells how users are provisioned through a connection (object shapes, section 3).
type SCIMConfig struct {
	ConnectionID    string        `json:"connection_id"`
	UserIDAttribute string        `json:"user_id_attribute"`
	Mapping         []SCIMMapping `json:"mapping"`
	CreatedAt       time.Time     `json:"created_at"`
	UpdatedAt       time.Time     `json:"updated_on"`
	Tokens          []SCIMToken   `json:"tokens,omitzero"`
}

// SCIMMapping maps an attribute of users to one of SCIM.
type SCIMMapping struct {
	Attribute string `json:"auth0"`
	SCIM      string `json:"scim"`
}

// SCIMToken is a token by which a provisioner is known. Only its hash is kept.
type SCIMToken struct {
	ID         string     `json:"token_id"`
	Hash       string     `json:"hash"` // SHA-256, base64url
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"created_at"`
	ValidUntil *time.Time `json:"valid_until,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"` // to the minute
}

// DirectoryProvisioning tells how a directory is read through a connection.
type DirectoryProvisioning struct {
	ConnectionID             string             `json:"connection_id"`
	Mapping                  []DirectoryMapping `json:"mapping"`
	SynchronizeAutomatically bool               `json:"synchronize_automatically"`
	SynchronizeGroups        string             `json:"synchronize_groups"` // all, off, selected
	Groups                   []DirectoryGroup   `json:"groups"`
	CreatedAt                time.Time          `json:"created_at"`
	UpdatedAt                time.Time          `json:"updated_at"`
}

// DirectoryMapping maps an attribute of users to one of the directory.
type DirectoryMapping struct {
	Attribute string `json:"auth0"`
	IDP       string `json:"idp"`
}

// DirectoryGroup is a group that is read.
type DirectoryGroup struct {
	ID            string `json:"id"`
	Name          string `json:"name,omitempty"`
	Email         string `json:"email,omitempty"`
	DirectMembers *int   `json:"direct_members_count,omitempty"`
}

// ConnectionKeys are the keys that a connection signs with.
type ConnectionKeys struct {
	ConnectionID string `json:"connection_id"`
	Sealed       string `json:"sealed,omitempty"` // []ConnectionKey as JSON, sealed at rest
}

// ConnectionKey is one of them.
type ConnectionKey struct {
	KID          string    `json:"kid"`
	Algorithm    string    `json:"alg"`
	State        string    `json:"state"` // current, next, previous
	Private      []byte    `json:"private"`
	CertDER      []byte    `json:"cert"`
	CurrentSince time.Time `json:"current_since,omitzero"`
}
