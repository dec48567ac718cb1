-- +goose Up
-- Of two programs that migrate at once, one applies a version and the other fails.
CREATE UNIQUE INDEX goose_db_version_once ON goose_db_version (version_id);

CREATE TABLE tenants (
	id         TEXT PRIMARY KEY,
	settings   JSONB NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE domains (
	host     TEXT PRIMARY KEY,
	tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	position BIGINT NOT NULL
);

CREATE TABLE signing_keys (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	kid        TEXT NOT NULL,
	algorithm  TEXT NOT NULL,
	state      TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	cert       TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, kid)
);

CREATE TABLE clients (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id     TEXT NOT NULL,
	doc    JSONB NOT NULL,
	sealed TEXT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE TABLE resource_servers (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	identifier TEXT NOT NULL,
	doc        JSONB NOT NULL,
	sealed     TEXT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX resource_servers_identifier ON resource_servers (tenant, identifier);

CREATE TABLE client_grants (
	tenant    TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id        TEXT NOT NULL,
	client_id TEXT NOT NULL,
	audience  TEXT NOT NULL,
	doc       JSONB NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX client_grants_pair ON client_grants (tenant, client_id, audience);

CREATE TABLE connections (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id     TEXT NOT NULL,
	name   TEXT NOT NULL,
	doc    JSONB NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX connections_name ON connections (tenant, name);

CREATE TABLE rules (
	tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id       TEXT NOT NULL,
	name     TEXT NOT NULL,
	position BIGINT NOT NULL,
	doc      JSONB NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX rules_name ON rules (tenant, name);
CREATE UNIQUE INDEX rules_position ON rules (tenant, position);

CREATE TABLE rules_configs (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	name   TEXT NOT NULL,
	sealed TEXT NOT NULL,
	PRIMARY KEY (tenant, name)
);

CREATE TABLE users (
	tenant        TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id            TEXT NOT NULL,
	connection    TEXT NOT NULL,
	email         TEXT,
	username      TEXT,
	name          TEXT,
	profile       JSONB NOT NULL,
	user_metadata JSONB,
	app_metadata  JSONB,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX users_email ON users (tenant, connection, email);
CREATE UNIQUE INDEX users_username ON users (tenant, connection, username);
CREATE INDEX users_by_email ON users (tenant, email);
CREATE INDEX users_by_created_at ON users (tenant, created_at, id);

-- Counters of logins stand apart, so that a login does not rewrite the user's document.
CREATE TABLE logins (
	tenant     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	last_login BIGINT NOT NULL,
	last_ip    TEXT NOT NULL,
	count      BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);

CREATE TABLE passwords (
	tenant     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	hash       TEXT NOT NULL,
	changed_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);

CREATE TABLE sessions (
	tenant     TEXT NOT NULL,
	handle     TEXT NOT NULL,
	id         TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	doc        JSONB NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, handle),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX sessions_id ON sessions (tenant, id);
CREATE INDEX sessions_user ON sessions (tenant, user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE transactions (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	doc        JSONB NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX transactions_expiry ON transactions (expires_at);

CREATE TABLE codes (
	tenant      TEXT NOT NULL,
	hash        TEXT NOT NULL,
	id          TEXT NOT NULL,
	user_id     TEXT NOT NULL,
	doc         JSONB NOT NULL,
	used_at     BIGINT,
	replayed_at BIGINT,
	expires_at  BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX codes_id ON codes (tenant, id);
CREATE INDEX codes_user ON codes (tenant, user_id);
CREATE INDEX codes_expiry ON codes (expires_at);

-- origin is the code that a token came from: what a replayed code takes back.
CREATE TABLE access_tokens (
	tenant     TEXT NOT NULL,
	hash       TEXT NOT NULL,
	origin     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	doc        JSONB NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_origin ON access_tokens (tenant, origin);
CREATE INDEX access_tokens_user ON access_tokens (tenant, user_id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
	tenant     TEXT NOT NULL,
	hash       TEXT NOT NULL,
	family     TEXT NOT NULL,
	counter    BIGINT NOT NULL,
	user_id    TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	audience   TEXT NOT NULL,
	doc        JSONB NOT NULL,
	created_at BIGINT NOT NULL,
	used_at    BIGINT,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (tenant, family, counter);
CREATE INDEX refresh_tokens_user ON refresh_tokens (tenant, user_id, client_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE grants (
	tenant    TEXT NOT NULL,
	id        TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	client_id TEXT NOT NULL,
	audience  TEXT NOT NULL,
	scope     TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX grants_triple ON grants (tenant, user_id, client_id, audience);

CREATE TABLE tickets (
	tenant     TEXT NOT NULL,
	hash       TEXT NOT NULL,
	kind       TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	doc        JSONB NOT NULL,
	used_at    BIGINT,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX tickets_user ON tickets (tenant, user_id, kind);
CREATE INDEX tickets_expiry ON tickets (expires_at);

CREATE TABLE mails (
	tenant  TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id      TEXT NOT NULL,
	doc     JSONB NOT NULL,
	sent_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);

CREATE TABLE logs (
	tenant    TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id        TEXT NOT NULL,
	type      TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	client_id TEXT NOT NULL,
	doc       JSONB NOT NULL,
	date      BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX logs_user ON logs (tenant, user_id, id);
