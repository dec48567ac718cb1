-- +goose Up
-- Assertions that clients used to prove themselves, until they have expired.
CREATE TABLE client_assertions (
	tenant     TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	jti        TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, client_id, jti),
	FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id) ON DELETE CASCADE
);
CREATE INDEX client_assertions_expiry ON client_assertions (expires_at);

-- One grant for each client, audience and type of subject.
ALTER TABLE client_grants ADD COLUMN subject TEXT NOT NULL DEFAULT 'client';
DROP INDEX client_grants_pair;
CREATE UNIQUE INDEX client_grants_triple ON client_grants (tenant, client_id, audience, subject);

-- Secrets in the options of connections.
ALTER TABLE connections ADD COLUMN sealed TEXT NOT NULL DEFAULT '';

-- When signing keys came and went.
ALTER TABLE signing_keys ADD COLUMN current_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN current_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN revoked_at BIGINT NOT NULL DEFAULT 0;

-- Keys of people's devices.
CREATE TABLE device_credentials (
	tenant    TEXT NOT NULL,
	id        TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	client_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	type      TEXT NOT NULL,
	name      TEXT NOT NULL,
	value     TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX device_credentials_device ON device_credentials (tenant, user_id, client_id, device_id);

-- Tokens that are refused by their jti.
CREATE TABLE blacklisted_tokens (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	aud    TEXT NOT NULL,
	jti    TEXT NOT NULL,
	PRIMARY KEY (tenant, aud, jti)
);

-- Former passwords of users, hashed, newest last.
CREATE TABLE password_history (
	tenant  TEXT NOT NULL,
	user_id TEXT NOT NULL,
	set_at  BIGINT NOT NULL,
	hash    TEXT NOT NULL,
	PRIMARY KEY (tenant, user_id, set_at, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
