// Package token makes and reads tokens: a tenant's signing keys, ID tokens, access
// tokens, and what of a user they say.
//
//	Keys      a tenant's signing keys, parsed once and kept; the JWKS document
//	Minter    ID tokens and access tokens from an Authorization
//	Claims    which claims a scope stands for, by the conformant and the legacy rules
//
// Nothing is signed before the request is known to succeed: a signature with RSA costs as
// much as everything else together fifty times. Clients of the old kind get their claims
// by the name of a profile property in scope, all others by the scopes of OpenID
// Connect (Authentication API fact sheet 5.1, 5.2).
package token
