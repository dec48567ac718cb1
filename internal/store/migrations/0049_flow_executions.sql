-- +goose Up
-- What became of the runs of flows, until they expire. No row says who filled in the form.
CREATE TABLE flow_executions (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	flow       TEXT NOT NULL,
	began      BIGINT NOT NULL,
	doc        JSONB NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX flow_executions_flow ON flow_executions (tenant, flow, began, id);
CREATE INDEX flow_executions_expiry ON flow_executions (expires_at);
