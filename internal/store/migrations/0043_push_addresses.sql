-- +goose Up
-- Where a device is found that is being set up, sealed; empty where none is. Servers of before leave it empty and write the address into doc.
ALTER TABLE push_challenges ADD COLUMN sealed TEXT NOT NULL DEFAULT '';
