// Package jose signs and verifies JSON Web Tokens, keeps signing keys, and seals secrets at rest. It is a thin façade over
// go-jose and the standard library, and one of the few rooms that touch key material.
//
// What it holds:
//
//	Key, NewRSAKey, NewECKey, JWKS   a signing key, its self-signed certificate, its public form on the wire
//	Signer                           one key, one algorithm, one typ, made once and used for every token
//	Parse, Peek, Claims              a token in, verified claims out
//	Sealer, MasterKeys               AES-256-GCM for secrets in the database, under keys from one file
//	RandomToken, HashToken, Equal    opaque tokens: made, stored as a hash, compared in constant time
//	HalfHash                         the at_hash and c_hash claims
//
// What it never does: it never lets a token choose how it is verified (the algorithm comes from the key record), never
// accepts "none", critical headers or doubled members, never reads the clock (the caller passes the time), and never
// remembers that a token was good (a revocation must count at once).
//
// It serves RFC 7515 (JWS), 7517 (JWK), 7518 (JWA), 7519 (JWT), 8725 (JWT best practice) and OpenID Connect Core 3.1.3.6.
package jose
