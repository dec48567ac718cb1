-- +goose Up
-- Whether something of a tenant is signed with PS256 is asked for with its key set: without these it is looked for in the documents of all clients and APIs.
CREATE INDEX clients_ps256 ON clients (tenant) WHERE (doc -> 'jwt_configuration' ->> 'alg' = 'PS256' OR doc ->> 'userinfo_signed_response_alg' = 'PS256');
CREATE INDEX resource_servers_ps256 ON resource_servers (tenant) WHERE doc ->> 'signing_alg' = 'PS256';
