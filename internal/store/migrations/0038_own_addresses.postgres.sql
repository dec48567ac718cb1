-- +goose Up
-- Addresses and usernames are one person's where people sign in by them: in databases and in passwordless connections, whose ids these are. People of
-- somebody else's servers are known by their id there, and several may have one address. Servers of the release before write what they wrote:
-- what the new indexes refuse, the old ones refused too. CockroachDB takes a unique index away by CASCADE alone.
CREATE UNIQUE INDEX users_own_email ON users (tenant, connection, email) WHERE (substr(id, 1, 6) IN ('auth0|', 'email|') OR substr(id, 1, 4) = 'sms|');
CREATE UNIQUE INDEX users_own_username ON users (tenant, connection, username) WHERE (substr(id, 1, 6) IN ('auth0|', 'email|') OR substr(id, 1, 4) = 'sms|');
DROP INDEX users_email CASCADE;
DROP INDEX users_username CASCADE;

-- What identities of somebody else's servers have is not looked for, and in nobody's way.
UPDATE linked_identities SET email = NULL, username = NULL WHERE NOT (substr(id, 1, 6) IN ('auth0|', 'email|') OR substr(id, 1, 4) = 'sms|');
