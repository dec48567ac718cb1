// Package me is the My Account API, /me/v1: what people do with their own account through a program of the tenant's, which speaks for them by an access token.
//
//	door.go        routes() is the table of contents; bearer asks who, what for, how often
//	problem.go     errors of its own; bearer has the others
//	factors.go     what somebody can set up
//	methods.go     what they have: list, read, rename, take away
//	enroll.go      setting something up, in two steps: a session that is kept, and the proof that ends it
//	password.go    the password, which is set up in the same way
//	accounts.go    accounts at other providers, whose tokens programs may have
//
// A token must be meant for the API and hold the scope of the operation. What it changes is always its own person's. Second factors are set up and checked by mfa and pipeline, as on the
// account page and at /mfa; here is only how this API says it. The room sets no cookie and reads none.
package me
