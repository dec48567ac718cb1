-- +goose Up
-- Recorded runs of scripts. The recording itself is sealed; doc has what lists show.
CREATE TABLE script_runs (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	kind       TEXT NOT NULL,
	trigger_id TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	client     TEXT NOT NULL,
	outcome    TEXT NOT NULL,
	began      BIGINT NOT NULL,
	doc        JSONB NOT NULL,
	sealed     TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX script_runs_began ON script_runs (tenant, began);
CREATE INDEX script_runs_user ON script_runs (tenant, user_id, began);
CREATE INDEX script_runs_expiry ON script_runs (expires_at);
