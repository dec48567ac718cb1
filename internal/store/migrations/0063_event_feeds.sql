-- +goose Up
-- Events of tenants that have them read by the API, for a while. seq is their place in the order in which they are read: they get it when they are looked for,
-- after what wrote them was committed, so that none comes behind one that was read already.
CREATE TABLE feed_events (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	type       TEXT NOT NULL,
	doc        JSONB NOT NULL,
	at         BIGINT NOT NULL,
	seq        BIGINT,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX feed_events_new ON feed_events (tenant, at, id) WHERE seq IS NULL;
CREATE UNIQUE INDEX feed_events_seq ON feed_events (tenant, seq) WHERE seq IS NOT NULL;
CREATE INDEX feed_events_expiry ON feed_events (expires_at);

-- The place of the newest event of each tenant.
CREATE TABLE event_feeds (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	last   BIGINT NOT NULL,
	PRIMARY KEY (tenant)
);
