-- +goose Up
-- Requests of devices without a browser. hash is that of the device code, user_code that of the code which people enter; status says whether
-- somebody has signed in. polled_at is when the device asked last.
CREATE TABLE device_codes (
	tenant     TEXT NOT NULL,
	hash       TEXT NOT NULL,
	user_code  TEXT NOT NULL,
	user_id    TEXT,
	status     TEXT NOT NULL,
	doc        JSONB NOT NULL,
	polled_at  BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, hash),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (tenant, user_code);
CREATE INDEX device_codes_user ON device_codes (tenant, user_id);
CREATE INDEX device_codes_expiry ON device_codes (expires_at);
