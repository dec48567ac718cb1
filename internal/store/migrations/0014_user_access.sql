-- +goose Up
-- public_id is what the Management API calls a refresh token: the same for all of a family.
ALTER TABLE refresh_tokens ADD COLUMN public_id TEXT;
UPDATE refresh_tokens SET public_id = doc ->> 'ID';
CREATE INDEX refresh_tokens_public_id ON refresh_tokens (tenant, public_id);

-- What people prove themselves with beside their first password. secret is sealed; identifier is what only one method of the
-- type and the user can have.
CREATE TABLE authentication_methods (
	tenant     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	id         TEXT NOT NULL,
	type       TEXT NOT NULL,
	identifier TEXT NOT NULL,
	doc        JSONB NOT NULL,
	sealed     TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id, id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX authentication_methods_identifier ON authentication_methods (tenant, user_id, type, identifier);
