package stagedoor

import "time"

// TenantKey is a key of a tenant's hierarchy of encryption keys (object shapes, section 8).
type TenantKey struct {
	KID       string    `json:"kid"`
	Type      string    `json:"type"`  // environment-root-key, customer-provided-root-key, tenant-master-key, tenant-encryption-key
	State     string    `json:"state"` // pre-activation, active, deactivated, destroyed
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	ParentKID string    `json:"parent_kid,omitempty"`
	Material  string    `json:"material,omitempty"` // sealed at rest: the key, or, before it is imported, what it is wrapped for
}
