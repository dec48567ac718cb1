-- +goose Up
-- Authorization requests that clients pushed, until a browser comes with them. hash is that of the request's name; what was asked for is sealed, for it
-- may name people.
CREATE TABLE pushed_requests (
	tenant     TEXT NOT NULL,
	hash       TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id) ON DELETE CASCADE
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);
CREATE INDEX pushed_requests_client ON pushed_requests (tenant, client_id);

-- Proofs of possession that were used, by the hash of their key and id, as long as they could be used again.
CREATE TABLE used_proofs (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	hash       TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash)
);
CREATE INDEX used_proofs_expiry ON used_proofs (expires_at);
