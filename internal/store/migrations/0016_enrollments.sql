-- +goose Up
CREATE INDEX authentication_methods_id ON authentication_methods (tenant, id);
