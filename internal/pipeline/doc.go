// Package pipeline is the login: what happens between "this client asks" and "this is
// granted", step by step, the same for every protocol.
//
// The steps stand in steps.go, in order. Each has nothing to ask, or says which page the
// browser must see next, or refuses. Steps never call one another. A login that must ask
// is stored as a Transaction; every page comes back to Continue, which runs the steps
// again: those that were done have nothing to ask any more.
//
//	/authorize ─▶ Begin ──┐                       ┌─▶ Result: the door makes code and tokens
//	                      ├─▶ steps, in order ────┼─▶ Ask: login, consent ─▶ page ─▶ Authenticate, SignUp, Decide
//	/authorize/resume ─▶ Continue                 └─▶ error: the door tells the client
//
// A transaction is bound to the browser that began it (a cookie), and each page carries a
// value bound to its step, so that a page can be neither skipped, replayed nor posted by
// another site. The session is opened before scripts run, as the wire does: who is refused by
// a rule is signed in all the same (Authentication API fact sheet 8.1).
package pipeline
