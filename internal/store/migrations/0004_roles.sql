-- +goose Up
-- owner is the organization that a role belongs to; empty for roles of the tenant.
CREATE TABLE roles (
	tenant TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id     TEXT NOT NULL,
	name   TEXT NOT NULL,
	owner  TEXT NOT NULL,
	doc    JSONB NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX roles_name ON roles (tenant, owner, name);

CREATE TABLE role_permissions (
	tenant     TEXT NOT NULL,
	role_id    TEXT NOT NULL,
	api        TEXT NOT NULL,
	permission TEXT NOT NULL,
	PRIMARY KEY (tenant, role_id, api, permission),
	FOREIGN KEY (tenant, role_id) REFERENCES roles (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, api) REFERENCES resource_servers (tenant, identifier) ON DELETE CASCADE
);
CREATE INDEX role_permissions_api ON role_permissions (tenant, api, permission);

CREATE TABLE user_roles (
	tenant   TEXT NOT NULL,
	user_id  TEXT NOT NULL,
	role_id  TEXT NOT NULL,
	added_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id, role_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, role_id) REFERENCES roles (tenant, id) ON DELETE CASCADE
);
CREATE INDEX user_roles_role ON user_roles (tenant, role_id, added_at, user_id);

CREATE TABLE user_permissions (
	tenant     TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	api        TEXT NOT NULL,
	permission TEXT NOT NULL,
	PRIMARY KEY (tenant, user_id, api, permission),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, api) REFERENCES resource_servers (tenant, identifier) ON DELETE CASCADE
);
CREATE INDEX user_permissions_api ON user_permissions (tenant, api, permission);
