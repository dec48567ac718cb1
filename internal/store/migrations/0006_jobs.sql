-- +goose Up
-- Work that goes on after the request that asked for it. Whoever works on a job holds its lease, and writes nothing without.
CREATE TABLE jobs (
	tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id          TEXT NOT NULL,
	type        TEXT NOT NULL,
	status      TEXT NOT NULL,
	doc         JSONB NOT NULL,
	sealed      TEXT NOT NULL,
	owner       TEXT NOT NULL,
	lease_until BIGINT NOT NULL,
	created_at  BIGINT NOT NULL,
	expires_at  BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX jobs_due ON jobs (status, lease_until);
CREATE INDEX jobs_expiry ON jobs (expires_at);

-- What a job reads and writes, in pieces: file, error, result.
CREATE TABLE job_parts (
	tenant TEXT NOT NULL,
	job    TEXT NOT NULL,
	kind   TEXT NOT NULL,
	n      BIGINT NOT NULL,
	sealed TEXT NOT NULL,
	PRIMARY KEY (tenant, job, kind, n),
	FOREIGN KEY (tenant, job) REFERENCES jobs (tenant, id) ON DELETE CASCADE
);

-- Second factors that came with imported users.
CREATE TABLE imported_factors (
	tenant  TEXT NOT NULL,
	user_id TEXT NOT NULL,
	sealed  TEXT NOT NULL,
	PRIMARY KEY (tenant, user_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
