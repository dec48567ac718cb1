-- +goose Up
-- The search index knows of objects that they are there: _exists_:user_metadata.address. Users of before are indexed anew.
INSERT INTO attr_pending (tenant) SELECT id FROM tenants WHERE id NOT IN (SELECT tenant FROM attr_pending);
