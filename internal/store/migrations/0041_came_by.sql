-- +goose Up
-- Sessions of people who came from an identity provider of SAML are found by what it calls them: came_by is a hash of the connection and the NameID.
ALTER TABLE sessions ADD COLUMN came_by TEXT;
CREATE INDEX sessions_came_by ON sessions (tenant, came_by) WHERE came_by IS NOT NULL;
