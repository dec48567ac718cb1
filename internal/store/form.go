package store

import "github.com/stagedoor/stagedoor"

// Forms, flows and what flows connect to. Documents are sealed as they came: connections hold keys, and flows may.
var (
	Forms            = documentKind("form", "ap_", "Form not found")
	Flows            = documentKind("flow", "af_", "Flow not found")
	VaultConnections = documentKind("vault_connection", "ac_", "Connection not found")
)

func documentKind(kind, prefix, missing string) Kind[stagedoor.Document] {
	return Kind[stagedoor.Document]{
		Name: kind, ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
		NewID: func() string { return prefix + stagedoor.NewBase58(22) }, Unique: func(d *stagedoor.Document) string { return d.Name },
		Missing: stagedoor.Errorf(stagedoor.NotFound, "", "%s", missing),
		Clash: func(d *stagedoor.Document) *stagedoor.Error {
			return stagedoor.Errorf(stagedoor.Conflict, "", "There is one with the name %s already.", d.Name)
		},
	}
}
