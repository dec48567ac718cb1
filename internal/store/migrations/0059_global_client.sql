-- +goose Up
-- The client that stands for a tenant is asked for by each login page: without this it is looked for in the documents of all clients.
CREATE INDEX clients_global ON clients (tenant) WHERE CAST(doc ->> 'global' AS TEXT) IN ('true', '1');
