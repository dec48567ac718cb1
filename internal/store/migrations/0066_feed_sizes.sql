-- +goose Up
-- How long events are that are kept to be read, and how long they are with all before them, which is known when they get their place: what a tenant has of them is bounded.
-- What is there already, and what older servers write meanwhile, counts for nothing; it goes within a week.
ALTER TABLE feed_events ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE feed_events ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE event_feeds ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
