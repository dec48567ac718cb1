-- +goose Up
CREATE TABLE organizations (
	tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
	id         TEXT NOT NULL,
	name       TEXT NOT NULL,
	doc        JSONB NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX organizations_name ON organizations (tenant, name);
CREATE INDEX organizations_created_at ON organizations (tenant, created_at, id);

CREATE TABLE organization_connections (
	tenant        TEXT NOT NULL,
	org_id        TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	doc           JSONB NOT NULL,
	PRIMARY KEY (tenant, org_id, connection_id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, connection_id) REFERENCES connections (tenant, id) ON DELETE CASCADE
);
CREATE INDEX organization_connections_connection ON organization_connections (tenant, connection_id);

CREATE TABLE organization_members (
	tenant   TEXT NOT NULL,
	org_id   TEXT NOT NULL,
	user_id  TEXT NOT NULL,
	added_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, org_id, user_id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX organization_members_order ON organization_members (tenant, org_id, added_at, user_id);
CREATE INDEX organization_members_user ON organization_members (tenant, user_id);

-- Roles that a member has in the organization alone; they may be given before the person is a member.
CREATE TABLE organization_member_roles (
	tenant  TEXT NOT NULL,
	org_id  TEXT NOT NULL,
	user_id TEXT NOT NULL,
	role_id TEXT NOT NULL,
	PRIMARY KEY (tenant, org_id, user_id, role_id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, role_id) REFERENCES roles (tenant, id) ON DELETE CASCADE
);
CREATE INDEX organization_member_roles_user ON organization_member_roles (tenant, user_id, org_id);
CREATE INDEX organization_member_roles_role ON organization_member_roles (tenant, role_id);

CREATE TABLE organization_grants (
	tenant   TEXT NOT NULL,
	org_id   TEXT NOT NULL,
	grant_id TEXT NOT NULL,
	PRIMARY KEY (tenant, org_id, grant_id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, grant_id) REFERENCES client_grants (tenant, id) ON DELETE CASCADE
);
CREATE INDEX organization_grants_grant ON organization_grants (tenant, grant_id);

CREATE TABLE organization_clients (
	tenant    TEXT NOT NULL,
	org_id    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	doc       JSONB NOT NULL,
	PRIMARY KEY (tenant, org_id, client_id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE,
	FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id) ON DELETE CASCADE
);
CREATE INDEX organization_clients_client ON organization_clients (tenant, client_id);

CREATE TABLE organization_domains (
	tenant TEXT NOT NULL,
	org_id TEXT NOT NULL,
	id     TEXT NOT NULL,
	domain TEXT NOT NULL,
	doc    JSONB NOT NULL,
	PRIMARY KEY (tenant, org_id, id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX organization_domains_domain ON organization_domains (tenant, org_id, domain);
CREATE INDEX organization_domains_name ON organization_domains (tenant, domain);

-- The ticket is sealed, because the API shows it again; it is found by its hash.
CREATE TABLE invitations (
	tenant     TEXT NOT NULL,
	org_id     TEXT NOT NULL,
	id         TEXT NOT NULL,
	hash       TEXT NOT NULL,
	doc        JSONB NOT NULL,
	sealed     TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, org_id, id),
	FOREIGN KEY (tenant, org_id) REFERENCES organizations (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX invitations_hash ON invitations (tenant, hash);
CREATE INDEX invitations_created_at ON invitations (tenant, org_id, created_at, id);
CREATE INDEX invitations_expiry ON invitations (expires_at);
