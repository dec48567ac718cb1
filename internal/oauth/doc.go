// Package oauth is the door for OAuth 2.0 and OpenID Connect: discovery, /authorize,
// /oauth/token, /userinfo, revocation and logout (RFC 6749, 6750, 7009, 7636, 8414; OpenID
// Connect Core, Discovery and RP-Initiated Logout), with the wire's own deviations
// (Authentication API fact sheet).
//
//	door.go        the table of routes
//	authorize.go   checks a request, hands it to the pipeline, answers
//	respond.go     the one place that writes an authorization response, in every response mode
//	token.go       what every grant shares; the grants stand in grants.go, one file each
//
// The endpoint owns the phases that all grants share (client authentication, is the grant
// allowed, the log line); a grant only redeems. Pages are another door's: this one
// sends the browser there by URL.
package oauth
