-- +goose Up
-- step is the newest time step of which a code of a totp was taken: no code of that step or of one before is taken again (RFC 6238
-- section 5.2). used_at is when a method last proved its person.
ALTER TABLE authentication_methods ADD COLUMN step BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authentication_methods ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;

-- What is no second factor yet: a secret that waits for its first code, a recovery code that nobody has noted down yet. key is the hash of
-- what it belongs to, such as a login under way.
CREATE TABLE pending_factors (
	tenant     TEXT NOT NULL,
	key        TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, key),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX pending_factors_expiry ON pending_factors (expires_at);
CREATE INDEX pending_factors_user ON pending_factors (tenant, user_id);

-- Browsers in which a person is not asked for the second factor again for a while. handle is the hash of a cookie.
CREATE TABLE remembered_browsers (
	tenant     TEXT NOT NULL,
	handle     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	used_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, handle, user_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX remembered_browsers_expiry ON remembered_browsers (expires_at);
CREATE INDEX remembered_browsers_user ON remembered_browsers (tenant, user_id);

-- Token requests that wait for a second factor. doc is what will be granted; sealed what only the server reads.
CREATE TABLE mfa_tokens (
	tenant     TEXT NOT NULL,
	hash       TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	doc        JSONB NOT NULL,
	sealed     TEXT NOT NULL,
	used_at    BIGINT,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX mfa_tokens_expiry ON mfa_tokens (expires_at);
CREATE INDEX mfa_tokens_user ON mfa_tokens (tenant, user_id);
