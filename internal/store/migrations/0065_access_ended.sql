-- +goose Up
-- How often all that a person has here has ended: what began before that must not come to anything (internal/store/access_ended.go). Older servers do not count.
ALTER TABLE users ADD COLUMN access_ended BIGINT NOT NULL DEFAULT 0;
