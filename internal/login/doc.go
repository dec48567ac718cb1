// Package login is the door that people see: the hosted pages for logging in, signing up, consent and
// passwords, and the two endpoints by which a client's own form does the same.
//
// The pages belong to a login under way, which the pipeline keeps; a page reads it, shows a
// form, and hands what the person typed to the pipeline. Every page works without scripts.
//
//	/authorize ─▶ /u/login ⇄ /u/signup ─┐
//	           ─▶ /u/mfa-… ─────────────┤
//	           ─▶ /u/consent ───────────┴─▶ /authorize/resume
//	/u/forgot ─▶ mail ─▶ /u/reset-password?ticket=… ⇄ /u/mfa-… or another site, where scripts want it
//	                     └▶ /lo/reset?ticket=…, where the tenant has a page of its own
//	ticket of the Management API ─▶ /u/mfa-enroll?ticket=…
//	sign-up   ─▶ mail ─▶ /u/email-verification?ticket=…
//
// A form is taken only from our own pages (http.CrossOriginProtection) and only with the value
// that binds it to its login and step, or with the ticket of a mail. Answers do not tell whether
// an address is known, neither by their text nor by the time they take.
//
// It serves sections 6.7, 6.8, 7 and 9.6 of the Authentication API fact sheet. It never issues
// tokens: that is the door oauth, to which it hands over by URL.
package login
