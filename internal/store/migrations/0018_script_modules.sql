-- +goose Up
-- Packages that an operator added for the scripts of all tenants, each bundled into one text; hash names that text, doc tells what is in it.
CREATE TABLE script_modules (
	name       TEXT NOT NULL,
	version    TEXT NOT NULL,
	hash       TEXT NOT NULL,
	doc        JSONB NOT NULL,
	code       TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (name, version)
);
CREATE INDEX script_modules_hash ON script_modules (hash);
