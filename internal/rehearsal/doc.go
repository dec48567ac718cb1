// Package rehearsal runs scripts over examples: outside of any login, with people, requests and answers of the network that somebody wrote
// down, in the very worker processes that serve logins.
//
//	Play ──Rehearse──▶ script.Host ──▶ Result ──▶ Print · JSON · Exit
//	  ▲                  │  ▲
//	  └ Scenario         ▼  │
//	                  Stubs: answers from files; what has none is refused
//
// A [Play] is what runs and over what; a [Result] is what came of it, in one shape for every kind of script: outcome, user, context,
// effects, writes of metadata, HTTP calls, console, time. A [Scenario] is a play with the result that is wanted, in one text archive.
// The Management API shows its test runs in the same shape.
//
// Nothing is ever written here: a play's writes of metadata change its own copy of the user and are told in the result.
package rehearsal
