// Package session keeps browsers signed in: server-side records behind one cookie.
//
// The cookie holds a random handle of which the store keeps the hash only; the public
// session id (the sid claim) is another value, so that a token gives no session away. A
// session ends at its absolute or idle lifetime, at logout, and when its user's password
// changes (Authentication API fact sheet 3.5).
package session
