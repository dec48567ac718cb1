// Package web is the plumbing that the doors share: JSON in and out, query parameters, paging, the table of routes and the
// request event.
//
//	Schema, NewSchema     a Go struct read strictly from JSON or from a query, with the wording of the Management API
//	Opt                   tells absent from null from a value
//	ReadBody, WriteJSON   bodies of requests and answers
//	Paging, Checkpoint    the two ways in which lists are cut; Fields picks members
//	LogEvent              an event of the tenant's log, with what the request tells
//	Route, Mux            one row of a door's table of contents, and the table that finds it
//
// All that comes in is hostile: bodies are bounded in size and depth, must be UTF-8, and hold every member once. Member names
// are compared exactly, unlike in encoding/json. Nothing here knows a tenant, a token or a noun.
package web
