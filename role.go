package stagedoor

// Who a role is for.
const (
	RoleOfTenant       = "tenant"       // anybody
	RoleOfOrganization = "organization" // members of the organization that owns it, as members
)

// Role is a named set of permissions that users have (Management API fact sheet 3.8).
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type"`
	OwnerID     string `json:"owner_id,omitempty"` // of the organization, if it is of one
}

// Permission is a scope of an API that roles and users hold.
type Permission struct {
	API  string `json:"resource_server_identifier"`
	Name string `json:"permission_name"`
}

// HeldPermission is a permission as a user has it.
type HeldPermission struct {
	Permission
	Role *Role // through which; nil if it was given to the user
}
