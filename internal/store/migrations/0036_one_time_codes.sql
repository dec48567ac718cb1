-- +goose Up
-- Codes on their way to people, by mail or as text messages. purpose says what a code is good for, subject where it was sent; tries counts
-- the wrong ones.
CREATE TABLE one_time_codes (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	purpose    TEXT NOT NULL,
	subject    TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	tries      BIGINT NOT NULL,
	doc        JSONB NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, purpose, subject)
);
CREATE INDEX one_time_codes_expiry ON one_time_codes (expires_at);
