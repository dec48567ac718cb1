// Package carry brings a whole tenant from elsewhere: what the vendor's deploy tool wrote of its configuration, and exports of its users.
//
//	paths ─▶ Read ─▶ Assets ──▶ Plan: try all in a transaction, undo it ──▶ show, ask ──▶ Apply: the same, kept
//	            └──▶ user files ─▶ PlanUsers: try each batch, undo it ───────────────────▶ ApplyUsers, in batches
//
// Configuration goes through the operations of the Management API, in process, so that nothing comes in that a request could not have
// brought; all of it is one transaction. An object that comes out as it was is undone and leaves no trace, so that a second run changes
// nothing. What the API does not take is left out and told, property by property or object by object, never in silence.
//
//	folder.go, yaml.go, keywords.go   reading: every path stays within the folder, everything is bounded
//	assets.go                         the table of what is where in a folder
//	kinds.go, settings.go, parts.go   the table of how each kind is carried, in order
//	users.go, values.go               users: the rows of files, in batches
//	row.go, members.go                what a row says
//	trial.go                          what a plan remembers of batches that were undone
//
// What it never does: it deletes nothing, and it writes no secret into a plan or a report.
package carry
