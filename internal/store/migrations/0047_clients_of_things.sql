-- +goose Up
-- What is asked of, and goes with, one client or one API: without these it is looked for in what all have.
CREATE INDEX refresh_tokens_client ON refresh_tokens (tenant, client_id);
CREATE INDEX grants_client ON grants (tenant, client_id);
CREATE INDEX grants_audience ON grants (tenant, audience);
CREATE INDEX device_credentials_client ON device_credentials (tenant, client_id);
CREATE INDEX client_grants_audience ON client_grants (tenant, audience);
