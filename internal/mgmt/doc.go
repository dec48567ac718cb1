// Package mgmt is the door /api/v2: the Management API, through which operators, their tools and, for their own record,
// people themselves read and change users, clients, connections, APIs, rules and settings.
//
// routes.go is its table of contents: one row for each operation that is served. operations.tsv is the inventory of all known
// operations with our state; what is not served answers 501 not_supported. Each noun has one file, whose struct of In
// describes what may be sent and whose functions do it.
//
//	request ─▶ find the row ─▶ authenticate ─▶ authorize ─▶ the operation ─▶ JSON, and a log event for every write
//
// A bearer token is verified on every call (authenticate.go). Machines act by the scopes of their client grant. A person's own
// token acts on that person's record only, by the scopes that are named after the current user, and can write nothing but
// user_metadata; where the tenant's legacy switch is on, an ID token counts as such a token.
//
// What it never does: it keeps no state of its own but a few verified signatures (verified.go), signs nothing, sends no mail itself, and tells no secret in an error or a
// log event. All reads and writes go through the handle of the tenant whose domain was called, so that no token and no id of
// another tenant finds anything.
package mgmt
