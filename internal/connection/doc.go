// Package connection proves who people are. Today it knows one strategy, the database:
// identifier and password kept by the server itself.
//
// Unknown users cost as much time as known ones, and get the same answer. Hashes that an older
// algorithm made are renewed when their owner signs in.
package connection
