// Package stagedoor holds the words that every room of the house speaks:
// users, clients, connections, sessions, errors, identifiers and the clock.
//
// It imports the standard library only and does nothing by itself. A word means
// one thing everywhere: on the wire, in Go, in a column and in the documentation.
// Quirks of the wire stop at the doors (internal/oauth, internal/login,
// internal/mgmt).
package stagedoor
