// Package bearer is what the APIs share that open to the access tokens of people, for what is their own: My Account (me) and My Organization (myorg).
//
//	door.go        who asks, from where, what for, how often; the log is told what came of it
//	problem.go     errors, as these APIs have them
//
// It sets no cookie and reads none.
package bearer
