// Package saml is the door for clients that speak SAML 2.0 or WS-Federation rather than OAuth 2.0 (SAML core, bindings and profiles, OASIS 2005;
// WS-Federation 1.2 section 13; the addons samlp and wsfed of a client, object shapes section 2).
//
//	door.go        the table of routes
//	request.go     checks a request and hands it to the pipeline, which runs the same login as for everybody
//	answer.go      the answer, posted by the browser
//	settings.go    what the addon says of it, and what rules and actions say instead
//	attributes.go  what is told of a person
//	logout.go      single logout, asked for by a client or here
//	wsfed.go       clients of WS-Federation
//	metadata.go    what clients are told of us
//
// Answers go to addresses that the client has registered, and to no other. The door knows no XML: internal/xmlsig reads and writes it.
package saml
