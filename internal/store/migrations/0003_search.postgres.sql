-- +goose Up
-- As 0003_search.sql, with texts in the order of their bytes, as SQLite has them.
CREATE TABLE attr (
	tenant  TEXT NOT NULL,
	path    BIGINT NOT NULL,
	value   TEXT COLLATE "C" NOT NULL,
	at      BIGINT NOT NULL,
	user_id TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, path, value, at, user_id)
);

CREATE TABLE attr_pending (
	tenant TEXT PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE
);
INSERT INTO attr_pending (tenant) SELECT id FROM tenants;

DROP INDEX users_by_created_at;
CREATE INDEX users_by_created_at ON users (tenant, created_at, id COLLATE "C");
