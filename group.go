package stagedoor

import (
	"encoding/json"
	"time"
)

// Group is a set of people whom the directory behind a connection keeps together (Management API object shapes 3). Provisioners make and fill
// groups; their members have the roles that a group was given.
type Group struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`                  // once in its connection
	ExternalID   string    `json:"external_id,omitempty"` // what the directory calls it; once in its connection
	ConnectionID string    `json:"connection_id"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	Revision     int       `json:"revision"` // counts changes of the group and of its members
}

// GroupMember is somebody in a group.
type GroupMember struct {
	UserID  string
	Name    string
	AddedAt int64 // milliseconds
}

// UserGroup is a group as one of its members has it.
type UserGroup struct {
	Group
	AddedAt int64 // when they became a member, in milliseconds
}

// What a person has a role by.
const (
	RoleByAssignment = "direct"
	RoleByGroup      = "groups"
)

// EffectiveRole is a role that counts, with all ways in which its holder has it.
type EffectiveRole struct {
	Role
	Sources []string // direct, groups
}

// ProvisionedUser is a user as the provisioner of a connection describes them, who is a user of that connection besides (RFC 7643 section 4.1).
type ProvisionedUser struct {
	UserID       string
	ConnectionID string
	UserName     string          // once in the connection, in any case
	ExternalID   string          // once in the connection; "" = none
	Doc          json.RawMessage // what the provisioner said, an object
	CreatedAt    time.Time
	UpdatedAt    time.Time
}
