// Package bundle makes one file of a package of the npm registry and all that it depends on, for scripts to require. It never runs anything
// of it: no install scripts, no Node. Machine code is refused.
package bundle
