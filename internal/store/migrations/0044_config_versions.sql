-- +goose Up
-- The version of each tenant's configuration, another one with each change (configuration.go). A tenant whose configuration has not changed since has none.
CREATE TABLE config_versions (
	tenant  TEXT PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
	version TEXT NOT NULL
);
