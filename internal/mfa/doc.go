// Package mfa is the second factor: codes of an authenticator app (TOTP, RFC 6238), keys that sign a challenge (WebAuthn) and recovery
// codes; passkeys, which are a factor of the same make; and Duo, which asks people on pages of its own.
//
//	login page, ticket, /mfa/associate ─▶ Begin ─▶ secret, QR code ─▶ Confirm: the first code ─▶ a method of the user, a recovery code
//	                                   ─▶ BeginKey ─▶ challenge    ─▶ ConfirmKey: a new key   ─▶ a method of the user, a recovery code
//	login page, /oauth/token           ─▶ Check: a code            ─▶ taken once, never again (RFC 6238 section 5.2)
//	                                   ─▶ Keys: a signature        ─▶ over a challenge that is used up, of a page of ours, counted
//	                                   ─▶ Recover: a recovery code ─▶ used up; another one takes its place
//
// All codes lead through one bucket per person: ten wrong codes at once, then one every six minutes (Authentication API fact sheet 4.6). A
// right one empties it. What is checked is never more than what the bucket has room for, however many requests come at once.
//
// The room does not know logins: who is asked for what, and when, is the pipeline's. It never shows a secret to anybody but who
// enrols it, and keeps secrets sealed, recovery codes as hashes only. Keys keep their secrets to themselves.
package mfa
