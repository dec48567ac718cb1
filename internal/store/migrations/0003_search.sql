-- +goose Up
-- One row for each value of a user that can be searched for (attr.go). Its key is the whole row, in an order that serves
-- conditions on a path and shows users as they were created.
CREATE TABLE attr (
	tenant  TEXT NOT NULL,
	path    BIGINT NOT NULL,
	value   TEXT NOT NULL,
	at      BIGINT NOT NULL,
	user_id TEXT NOT NULL,
	PRIMARY KEY (tenant, path, value, at, user_id)
) WITHOUT ROWID;

-- Tenants whose users are still to be indexed.
CREATE TABLE attr_pending (
	tenant TEXT PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE
);
INSERT INTO attr_pending (tenant) SELECT id FROM tenants;
