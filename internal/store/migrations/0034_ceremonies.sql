-- +goose Up
-- What is under way between a page, or a program, and a person: a challenge that a key signs, a code on its way to a phone, a question that
-- a device is asked. key is the hash of what it belongs to; tries is how often an answer was looked at.
CREATE TABLE ceremonies (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	key        TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	tries      BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, key)
);
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);

-- A passkey says whose it is.
CREATE INDEX authentication_methods_key ON authentication_methods (tenant, identifier);
