// Package store keeps everything that must not be lost, in SQLite or PostgreSQL.
//
// One SQL text serves both databases; where a query truly differs both texts stand
// side by side. A Store is a handle bound to one tenant, so that no query can forget
// it: every key begins with the tenant. Reads go to a pool; writes go through
// DB.write, which commits before it returns. SQLite has one writer that commits the
// writes of concurrent callers in groups (WAL, synchronous=FULL).
//
//	door ─▶ Store ─▶ read(querier)            pool of readers
//	              └▶ write(func(querier))     one transaction, retried on 40001
//
// On PostgreSQL a write takes its locks in one order, so that no two wait for each other:
//
//	tenant ─▶ organization ─▶ connection ─▶ invitation ─▶ group ─▶ users, by id ─▶ what they have: sessions,
//	tokens, codes, consents … ─▶ role, API, action ─▶ client ─▶ version of the configuration
//
// A reference locks what it refers to (FOR KEY SHARE) when its row is written, and again
// when the transaction that wrote the row writes it once more. So rows that refer to users
// come behind lockUser or shareUsers, and of several rows of a kind the one with the least
// id is locked first. What need not be had now (sweeps, deletions in pieces) skips what is
// locked. TestLocksAreTakenInOneOrder stops writes halfway and lets others begin: put a
// pair there for what locks more than one row.
//
// Inside a write there is only SQL; mail, scripts and HTTP come after. Times are
// milliseconds in BIGINT, ids are text, JSON columns hold objects or arrays only. Secret
// values are sealed before they come here: signing keys, client secrets and the
// values of rules-configs are never stored in the clear, and one-use handles (codes,
// refresh tokens, session cookies, tickets) only as their SHA-256.
package store
