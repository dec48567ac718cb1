-- +goose Up
-- phone is what users of an sms connection are known by; empty for others.
ALTER TABLE users ADD COLUMN phone TEXT;
CREATE UNIQUE INDEX users_phone ON users (tenant, connection, phone);

-- What people sign in with who are linked to another user: the identities of a user behind the first one. id is provider|id, as
-- that of the user that it was; what identifies the person is taken here as it is in users.
CREATE TABLE linked_identities (
	tenant     TEXT NOT NULL,
	id         TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	connection TEXT NOT NULL,
	email      TEXT,
	username   TEXT,
	phone      TEXT,
	hash       TEXT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX linked_identities_user ON linked_identities (tenant, user_id);
CREATE UNIQUE INDEX linked_identities_email ON linked_identities (tenant, connection, email);
CREATE UNIQUE INDEX linked_identities_username ON linked_identities (tenant, connection, username);
CREATE UNIQUE INDEX linked_identities_phone ON linked_identities (tenant, connection, phone);
