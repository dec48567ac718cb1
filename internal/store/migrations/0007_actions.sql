-- +goose Up
-- Code that runs at triggers: drafts, the versions that were deployed, what is bound where and in which order, and records of runs.
CREATE TABLE actions (
	tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id       TEXT NOT NULL,
	name     TEXT NOT NULL,
	deployed TEXT NOT NULL,
	doc      JSONB NOT NULL,
	sealed   TEXT NOT NULL,
	added    BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX actions_name ON actions (tenant, name);

CREATE TABLE action_versions (
	tenant TEXT NOT NULL,
	id     TEXT NOT NULL,
	action TEXT NOT NULL,
	number BIGINT NOT NULL,
	doc    JSONB NOT NULL,
	sealed TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, action) REFERENCES actions (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX action_versions_number ON action_versions (tenant, action, number);

CREATE TABLE action_bindings (
	tenant     TEXT NOT NULL,
	id         TEXT NOT NULL,
	trigger_id TEXT NOT NULL,
	position   BIGINT NOT NULL,
	action     TEXT NOT NULL,
	doc        JSONB NOT NULL,
	sealed     TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, action) REFERENCES actions (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX action_bindings_order ON action_bindings (tenant, trigger_id, position);
CREATE INDEX action_bindings_action ON action_bindings (tenant, action);

CREATE TABLE action_executions (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	doc        JSONB NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX action_executions_expiry ON action_executions (expires_at);
