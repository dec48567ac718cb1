// Package guard is attack protection at the login: it counts what fails and keeps out who fails too often (Authentication API
// fact sheet 10.4, Management API fact sheet 3.18).
//
//	before the password is looked at   Login, SignUp ─▶ too_many_attempts, too_many_requests
//	after it was wrong                 Failed        ─▶ counts; says when this one was one too many
//	after it was right                 Passed        ─▶ forgets
//
// What is counted is the identifier as it was typed, whether there is such a user or not, so that a block tells nothing
// about who has an account. Counts live in the store: all servers of a database share them.
package guard
