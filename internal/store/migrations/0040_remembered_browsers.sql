-- +goose Up
-- What people see of the browsers in which they are remembered.
ALTER TABLE remembered_browsers ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE remembered_browsers ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE remembered_browsers ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
