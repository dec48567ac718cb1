-- +goose Up
-- Groups of people, as the directories behind connections have them.
CREATE TABLE user_groups (
	tenant        TEXT NOT NULL,
	id            TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	name          TEXT NOT NULL,
	external_id   TEXT NOT NULL,
	doc           JSONB NOT NULL,
	created_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant, id),
	FOREIGN KEY (tenant, connection_id) REFERENCES connections (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX user_groups_name ON user_groups (tenant, connection_id, name);
CREATE UNIQUE INDEX user_groups_external ON user_groups (tenant, connection_id, external_id) WHERE external_id <> '';
CREATE INDEX user_groups_created_at ON user_groups (tenant, created_at, id);

CREATE TABLE group_members (
	tenant   TEXT NOT NULL,
	user_id  TEXT NOT NULL,
	group_id TEXT NOT NULL,
	added_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id, group_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, group_id) REFERENCES user_groups (tenant, id) ON DELETE CASCADE
);
CREATE INDEX group_members_group ON group_members (tenant, group_id, added_at, user_id);

CREATE TABLE group_roles (
	tenant   TEXT NOT NULL,
	group_id TEXT NOT NULL,
	role_id  TEXT NOT NULL,
	added_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, group_id, role_id),
	FOREIGN KEY (tenant, group_id) REFERENCES user_groups (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, role_id) REFERENCES roles (tenant, id) ON DELETE CASCADE
);
CREATE INDEX group_roles_role ON group_roles (tenant, role_id);

-- Roles that the members of a group have in an organization alone, if they are its members.
CREATE TABLE organization_group_roles (
	tenant   TEXT NOT NULL,
	org_id   TEXT NOT NULL,
	group_id TEXT NOT NULL,
	role_id  TEXT NOT NULL,
	added_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, org_id, group_id, role_id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, group_id) REFERENCES user_groups (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, role_id) REFERENCES roles (tenant, id) ON DELETE CASCADE
);
CREATE INDEX organization_group_roles_group ON organization_group_roles (tenant, group_id);
CREATE INDEX organization_group_roles_role ON organization_group_roles (tenant, role_id);

-- Users as the provisioner of their connection describes them.
CREATE TABLE provisioned_users (
	tenant        TEXT NOT NULL,
	user_id       TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	user_name     TEXT NOT NULL,
	external_id   TEXT NOT NULL,
	doc           JSONB NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant, user_id),
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, connection_id) REFERENCES connections (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX provisioned_users_name ON provisioned_users (tenant, connection_id, user_name);
CREATE UNIQUE INDEX provisioned_users_external ON provisioned_users (tenant, connection_id, external_id) WHERE external_id <> '';
CREATE INDEX provisioned_users_created_at ON provisioned_users (tenant, connection_id, created_at, user_id);
