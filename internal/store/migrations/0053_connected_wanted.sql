-- +goose Up
-- When a connected account was connected, or a program asked for its tokens, last: what nobody has wanted for a year goes.
ALTER TABLE connected_accounts ADD COLUMN wanted_at BIGINT NOT NULL DEFAULT 0;
UPDATE connected_accounts SET wanted_at = CASE WHEN used_at > created_at THEN used_at ELSE created_at END;
CREATE INDEX connected_accounts_wanted ON connected_accounts (wanted_at);
