package store

import (
	"github.com/stagedoor/stagedoor"
)

// TenantKeys keep the encryption keys of tenants.
var TenantKeys = Kind[stagedoor.TenantKey]{
	Name:    "encryption_key",
	ID:      func(k *stagedoor.TenantKey) *string { return &k.KID },
	Secret:  func(k *stagedoor.TenantKey) *string { return &k.Material },
	NewID:   stagedoor.NewUUID,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "The encryption key does not exist."),
}
