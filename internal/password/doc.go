// Package password hashes and verifies passwords, and judges whether a new one is good enough.
//
// New hashes are argon2id in PHC form. Hashes that come from elsewhere are verified as they are: bcrypt ($2a$, $2b$, $2y$), the
// three variants of argon2, and, as a Foreign, all that the import of users knows: pbkdf2, scrypt, plain and keyed digests with and
// without salt, and the values of LDAP directories. NeedsRehash tells when to replace one at the next login. Every parameter in a stored hash is bounded before it costs
// anything, because a single hostile hash could otherwise stop the server.
//
// Hashing is slow on purpose, so a Hasher lets only as many run at once as there are cores, and a caller may give up while
// it waits. For a user that does not exist, BurnTime does the same work, so that the answer does not tell who is known.
//
// A Leaked knows which passwords have become public, from a list on this machine.
//
// Length: the service whose API we follow keeps 72 bytes of a password and drops the rest without a word, which is the limit
// of bcrypt. We hash all of it, up to MaxLength bytes. Only the verification of a bcrypt hash still ignores what follows
// byte 72, as its maker did.
//
// What it never does: it never stores, logs or returns a password, and knows neither users nor connections.
//
// It serves RFC 9106 (argon2), the OWASP parameters for it (19 MiB, 2 passes, 1 lane), and the policies none, low, fair,
// good and excellent with their answers on the wire.
package password
