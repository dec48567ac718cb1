-- +goose Up
-- The last write of each server and each of its places for a write under way: what tells, when the answer to a COMMIT was lost, whether
-- it was carried out. No more rows than writes at the same time; not a tenant's data, since one write may be of several tenants.
CREATE TABLE write_marks (
	server TEXT NOT NULL,
	slot   BIGINT NOT NULL,
	seq    BIGINT NOT NULL,
	fence  BIGINT NOT NULL,
	at     BIGINT NOT NULL,
	PRIMARY KEY (server, slot)
);

-- The oldest program that may serve this schema, by the newest migration that it knows. One row. A migration that programs before it cannot
-- live with sets it to its own number.
CREATE TABLE schema_compatible (
	id      TEXT PRIMARY KEY,
	version BIGINT NOT NULL
);
INSERT INTO schema_compatible (id, version) VALUES ('schema', 24);
