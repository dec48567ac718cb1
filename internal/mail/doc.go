// Package mail sends messages to people: verification links, password resets, codes.
//
// A Sender takes a finished Message; who writes it (templates, languages) is no matter of this room. SMTP hands messages to a
// server of the operator, Memory keeps the last ones for tests. A message is checked before it is sent: a line break in an
// address or a subject, with which a hostile name could add headers of its own, is refused.
//
// What it never does: it never sends a password over a connection that is not encrypted, and never retries; the queue of jobs
// does.
//
// It serves RFC 5322 (messages), RFC 5321 (SMTP) and RFC 8314 (TLS for mail), over go-mail.
package mail
