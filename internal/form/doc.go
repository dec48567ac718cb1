// Package form reads forms and flows as the Management API keeps them, and walks through them for one person: which step comes next, which
// answers are taken, what a flow does on the way.
//
//	Parse ─▶ Form ─▶ Walk.Begin ─▶ step ─▶ Walk.Answer ─▶ router, flow … ─▶ step … ─▶ Done: State.Fields, State.Vars
//
// It keeps nothing and shows nothing: a State goes in and out as JSON, the pipeline stores it, the door shows the step. What leaves the house
// goes through the [Powers] that the caller hands in. Templates ({{fields.name}}) look things up and call a fixed list of functions; nothing in
// them is evaluated as code. What a form or flow names that is not here ends the walk with an error that names it, so that no check is passed over.
package form
