-- +goose Up
-- A token that is refused would expire by itself: what is there is kept for as long as the longest of them lives. Servers of before say no end.
ALTER TABLE blacklisted_tokens ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 9223372036854775807;
UPDATE blacklisted_tokens SET expires_at = CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) * 1000 + 2678400000;
CREATE INDEX blacklisted_tokens_expiry ON blacklisted_tokens (expires_at);
