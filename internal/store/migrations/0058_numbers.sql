-- +goose Up
-- Users who have a telephone number that does not identify them: those of a database whose numbers begin to identify its users, and those who share a number, are found
-- without reading all of its users.
CREATE INDEX users_numbered ON users (tenant, connection, (profile ->> 'phone_number')) WHERE phone IS NULL AND profile ->> 'phone_number' IS NOT NULL;
