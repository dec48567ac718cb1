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
// Inside a write there is only SQL; mail, scripts and HTTP come after. Times are
// milliseconds in BIGINT, ids are text, JSON columns hold objects or arrays only. Secret
// values are sealed before they come here: signing keys, client secrets and the
// values of rules-configs are never stored in the clear, and one-use handles (codes,
// refresh tokens, session cookies, tickets) only as their SHA-256.
package store
