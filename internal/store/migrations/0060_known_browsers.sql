-- +goose Up
-- Browsers in which a person has logged in, for risk assessments. browser is the hash of a cookie, agent that of what the browser calls itself.
CREATE TABLE known_browsers (
	tenant     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	browser    TEXT NOT NULL,
	agent      TEXT NOT NULL,
	used_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id, browser),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX known_browsers_expiry ON known_browsers (expires_at);
