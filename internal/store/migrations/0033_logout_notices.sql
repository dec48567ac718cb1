-- +goose Up
-- What clients are still to be told: sessions that have ended. due_at is when to try next; while a server tries it lies ahead, so that no other
-- one does.
CREATE TABLE logout_notices (
	tenant     TEXT NOT NULL,
	id         TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	doc        JSONB NOT NULL,
	failures   BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id) ON DELETE CASCADE
);
CREATE INDEX logout_notices_client ON logout_notices (tenant, client_id);
CREATE INDEX logout_notices_due ON logout_notices (due_at);
CREATE INDEX logout_notices_next ON logout_notices (tenant, due_at, id);
CREATE INDEX logout_notices_expiry ON logout_notices (expires_at);
