-- +goose Up
-- Configuration that is looked up by its id or its name alone, one row each (store.Kind).
CREATE TABLE documents (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL,
	name   TEXT,
	doc    JSONB NOT NULL,
	sealed TEXT NOT NULL,
	added  BIGINT NOT NULL,
	PRIMARY KEY (tenant, kind, id)
);
CREATE UNIQUE INDEX documents_name ON documents (tenant, kind, name);
CREATE INDEX documents_added ON documents (tenant, kind, added, id);
