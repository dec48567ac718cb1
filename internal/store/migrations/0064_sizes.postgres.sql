-- +goose Up
-- How long the texts of configuration are: what a tenant has of one kind is read whole, and bounded by the sum (internal/store/ceiling.go). What older
-- servers write meanwhile counts for nothing until it is written again.
ALTER TABLE clients ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE connections ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE resource_servers ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE client_grants ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rules ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actions ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN size BIGINT NOT NULL DEFAULT 0;

UPDATE clients SET size = octet_length(CAST(doc AS TEXT)) + octet_length(sealed);
UPDATE connections SET size = octet_length(CAST(doc AS TEXT)) + octet_length(sealed);
UPDATE resource_servers SET size = octet_length(CAST(doc AS TEXT)) + octet_length(sealed);
UPDATE client_grants SET size = octet_length(CAST(doc AS TEXT));
UPDATE rules SET size = octet_length(CAST(doc AS TEXT));
UPDATE actions SET size = octet_length(CAST(doc AS TEXT)) + octet_length(sealed);
UPDATE documents SET size = octet_length(CAST(doc AS TEXT)) + octet_length(sealed);

-- The sums are read from these alone, not from rows whose documents lie before the sizes. The condition, which always holds, keeps other statements from them.
CREATE INDEX clients_size ON clients (tenant, id, size) WHERE size >= 0;
CREATE INDEX connections_size ON connections (tenant, id, size) WHERE size >= 0;
CREATE INDEX resource_servers_size ON resource_servers (tenant, id, size) WHERE size >= 0;
CREATE INDEX client_grants_size ON client_grants (tenant, id, size) WHERE size >= 0;
CREATE INDEX rules_size ON rules (tenant, id, size) WHERE size >= 0;
CREATE INDEX actions_size ON actions (tenant, id, size) WHERE size >= 0;
CREATE INDEX documents_size ON documents (tenant, kind, id, size) WHERE size >= 0;

-- The refresh tokens of a family that nobody has used yet: of a family that was rotated ten thousand times there are a few.
CREATE INDEX refresh_tokens_unused ON refresh_tokens (tenant, family) WHERE used_at IS NULL;

-- Invitations go with the client, or the connection, that they name.
CREATE INDEX invitations_client ON invitations (tenant, (doc ->> 'client_id'));
CREATE INDEX invitations_connection ON invitations (tenant, (doc ->> 'connection_id'));
