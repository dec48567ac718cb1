-- +goose Up
-- Pages of what one client, or one API, has are read in the order of the ids: without these all of it is read and sorted for each. Older servers name the
-- shorter indexes of 0047, which stay.
CREATE INDEX grants_client_page ON grants (tenant, client_id, id);
CREATE INDEX grants_audience_page ON grants (tenant, audience, id);
CREATE INDEX device_credentials_client_page ON device_credentials (tenant, client_id, id);
