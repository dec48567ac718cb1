// Package tenant holds what an operator sets up at the identity server for
// Mixtape: an API, three clients, a database connection, rules and a handful of
// listeners. It is data for the Management API; README.md tells how to read it.
package tenant

import "embed"

// Files are tenant.json, listeners.json and the rules in rules/.
//
//go:embed tenant.json listeners.json rules/*.js
var Files embed.FS
