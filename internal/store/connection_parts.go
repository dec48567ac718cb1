package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// What belongs to connections is kept under the connection's id, and goes with it.
const (
	scimKind           = "connection_scim"
	directoryKind      = "connection_directory"
	connectionKeysKind = "connection_keys"
)

// SCIMConfigs keep how users are provisioned through connections.
var SCIMConfigs = Kind[stagedoor.SCIMConfig]{
	Name:    scimKind,
	ID:      func(c *stagedoor.SCIMConfig) *string { return &c.ConnectionID },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "Not Found"),
	Clash: func(*stagedoor.SCIMConfig) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "scim_configuration_conflict", "A SCIM configuration already exists for this connection.")
	},
}

// Directories keep how directories are read through connections.
var Directories = Kind[stagedoor.DirectoryProvisioning]{
	Name:    directoryKind,
	ID:      func(c *stagedoor.DirectoryProvisioning) *string { return &c.ConnectionID },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "Not Found"),
	Clash: func(*stagedoor.DirectoryProvisioning) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "directory_provisioning_conflict", "A directory provisioning configuration already exists for this connection.")
	},
}

// ConnectionKeys keep the keys that connections sign with.
var ConnectionKeys = Kind[stagedoor.ConnectionKeys]{
	Name:    connectionKeysKind,
	ID:      func(k *stagedoor.ConnectionKeys) *string { return &k.ConnectionID },
	Secret:  func(k *stagedoor.ConnectionKeys) *string { return &k.Sealed },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "Not Found"),
	Clash: func(*stagedoor.ConnectionKeys) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "connection_keys_conflict", "The connection already has keys.")
	},
}

// deleteParts removes what belongs to a connection.
func (s *Store) deleteParts(ctx context.Context, q querier, id string) error {
	_, err := q.exec(ctx, "DELETE FROM documents WHERE tenant = ? AND kind IN (?, ?, ?) AND id = ?", s.tenant.ID, scimKind, directoryKind, connectionKeysKind, id)
	return err
}
