-- +goose Up
-- Users whose password only the server that they come from knows: it is asked once, at their first login.
CREATE TABLE captures (
	tenant  TEXT NOT NULL,
	user_id TEXT NOT NULL,
	PRIMARY KEY (tenant, user_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
