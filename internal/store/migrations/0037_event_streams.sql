-- +goose Up
-- Events on their way to the destinations of event streams, written in the transaction of what they tell of. What was delivered goes; what was given up
-- stays as failed until it expires. at is when it happened, in microseconds.
CREATE TABLE events (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	stream     TEXT NOT NULL,
	id         TEXT NOT NULL,
	type       TEXT NOT NULL,
	status     TEXT NOT NULL,
	forced     BIGINT NOT NULL,
	doc        JSONB NOT NULL,
	attempts   JSONB NOT NULL,
	at         BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, stream, id)
);
CREATE INDEX events_due ON events (due_at) WHERE status = 'pending';
CREATE INDEX events_pending ON events (tenant, stream, at, id) WHERE status = 'pending';
CREATE INDEX events_failed ON events (tenant, stream, at, id) WHERE status = 'failed';
CREATE INDEX events_expiry ON events (expires_at);

-- How many deliveries of a stream ended in an hour (milliseconds since 1970).
CREATE TABLE event_counts (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	stream     TEXT NOT NULL,
	hour       BIGINT NOT NULL,
	delivered  BIGINT NOT NULL,
	failed     BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, stream, hour)
);
CREATE INDEX event_counts_expiry ON event_counts (expires_at);

-- How many deliveries of a stream have failed one after the other.
CREATE TABLE event_streaks (
	tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	stream   TEXT NOT NULL,
	failures BIGINT NOT NULL,
	PRIMARY KEY (tenant, stream)
);
