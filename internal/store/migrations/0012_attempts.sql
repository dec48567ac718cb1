-- +goose Up
-- Failed logins: how often with an identifier, from an address. kind login counts; the others keep a
-- throttle's time, in milliseconds, until which the bucket of an address is filled.
CREATE TABLE attempts (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	kind       TEXT NOT NULL,
	subject    TEXT NOT NULL,
	connection TEXT NOT NULL,
	place      TEXT NOT NULL,
	value      BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, kind, subject, connection, place)
);
CREATE INDEX attempts_expiry ON attempts (expires_at);
