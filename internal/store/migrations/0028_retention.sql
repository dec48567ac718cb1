-- +goose Up
-- How much of a tenant's log there is of each day (UTC, days since 1970), so that what is too old or too much is known without reading it.
CREATE TABLE log_days (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	day    BIGINT NOT NULL,
	events BIGINT NOT NULL,
	bytes  BIGINT NOT NULL,
	PRIMARY KEY (tenant, day)
);
INSERT INTO log_days (tenant, day, events, bytes) SELECT tenant, date / 86400000, COUNT(*), SUM(LENGTH(doc)) FROM logs GROUP BY tenant, date / 86400000;

-- Events of a rare type, and of a time, are found without walking the log.
CREATE INDEX logs_type ON logs (tenant, type, id);
CREATE INDEX logs_date ON logs (tenant, date, id);

-- Superseded refresh tokens that servers before this version left without an end.
CREATE INDEX refresh_tokens_used ON refresh_tokens (used_at) WHERE used_at IS NOT NULL AND expires_at = 9223372036854775807;
