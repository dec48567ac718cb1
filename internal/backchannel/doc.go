// Package backchannel tells clients that a session has ended (OpenID Connect Back-Channel Logout 1.0; Authentication API fact sheet 6.6).
//
// Whatever ends a session notes, in the same transaction, what each of its clients is to be told at each of its addresses. Any server of the
// database that finds such a notice claims it, posts a logout token, and removes it when the client took it. So every client is told at least once,
// through restarts and with many servers; it knows a repetition by the jti of the token.
//
// What fails is tried again after 1, 2, 4 … seconds, at most 5 minutes, for a day. A client that answers 400 does not want the token: it is not
// asked again (section 2.8). The tenant's log says what became of each.
package backchannel
