// Package types holds the declarations of scripts, internal/script/types, to TypeScript's checker: scripts of the corpus and of the samples
// are right in its eyes, and what is wrong in a sample is found where it says so.
package types
