-- +goose Up
-- How far each log stream has come, and when it is to be looked at next: who delivers moves due_at on first, so that no other does.
CREATE TABLE log_cursors (
	tenant       TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	stream       TEXT NOT NULL,
	log_id       TEXT NOT NULL,
	failing_since BIGINT NOT NULL,
	failures     BIGINT NOT NULL,
	due_at       BIGINT NOT NULL,
	PRIMARY KEY (tenant, stream)
);
CREATE INDEX documents_kind ON documents (kind, tenant);

-- What the statistics show, counted as log events are written; day is YYYYMMDD, UTC.
CREATE TABLE days (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	day        TEXT NOT NULL,
	logins     BIGINT NOT NULL,
	signups    BIGINT NOT NULL,
	leaks      BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, day)
);
