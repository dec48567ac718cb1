-- +goose Up
-- Tokens that the provider of an identity gave, sealed. id is provider|id, user_id whose identity it is.
CREATE TABLE identity_tokens (
	tenant  TEXT NOT NULL,
	id      TEXT NOT NULL,
	user_id TEXT NOT NULL,
	sealed  TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX identity_tokens_user ON identity_tokens (tenant, user_id);
