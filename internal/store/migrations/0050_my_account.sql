-- +goose Up
-- The My Account API has more scopes than those of connected accounts, which it was made with as long as nothing answered at it.
UPDATE resource_servers SET doc = json_set(doc, '$.scopes', json('[{"value":"create:me:connected_accounts","description":"Create Connected Accounts"},{"value":"read:me:connected_accounts","description":"Read Connected Accounts"},{"value":"delete:me:connected_accounts","description":"Delete Connected Accounts"},{"value":"create:me:authentication_methods","description":"Create Authentication Methods"},{"value":"read:me:authentication_methods","description":"Read Authentication Methods"},{"value":"update:me:authentication_methods","description":"Update Authentication Methods"},{"value":"delete:me:authentication_methods","description":"Delete Authentication Methods"},{"value":"read:me:factors","description":"Read Factors"}]'))
WHERE identifier LIKE 'https://%/me/' AND json_extract(doc, '$.is_system') = 1;
-- Accounts of people at providers, whose tokens, sealed, programs may have.
CREATE TABLE connected_accounts (
	tenant        TEXT NOT NULL,
	id            TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	account       TEXT NOT NULL,
	doc           JSONB NOT NULL,
	sealed        TEXT NOT NULL,
	created_at    BIGINT NOT NULL,
	used_at       BIGINT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, connection_id) REFERENCES connections (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX connected_accounts_account ON connected_accounts (tenant, user_id, connection_id, account);
CREATE INDEX connected_accounts_connection ON connected_accounts (tenant, connection_id);
