-- +goose Up
-- What is got by ACME: the account, certificates with their keys, and answers to the authority's questions, so that all servers of the database have them. No tenant's: the column is empty.
CREATE TABLE acme_cache (
	tenant     TEXT NOT NULL,
	name       TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, name)
);
