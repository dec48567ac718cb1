-- +goose Up
-- Questions to people's devices: whether they are logging in, or where a device is set up, which one it is. hash is what a question is asked for,
-- token what the device answers by; both are never stored. status is pending, approved or denied: of many answers the first one counts.
CREATE TABLE push_challenges (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	hash       TEXT NOT NULL,
	token      TEXT NOT NULL,
	status     TEXT NOT NULL,
	doc        JSONB NOT NULL,
	polled_at  BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash)
);
CREATE UNIQUE INDEX push_challenges_token ON push_challenges (tenant, token);
CREATE INDEX push_challenges_expiry ON push_challenges (expires_at);
