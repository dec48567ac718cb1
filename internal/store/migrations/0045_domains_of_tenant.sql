-- +goose Up
-- The domains of a tenant, in their order: without it each tenant is found by looking at those of all.
CREATE INDEX domains_tenant ON domains (tenant, position);
