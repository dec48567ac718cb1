package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// Limits of Management API fact sheet 3.21.
const (
	maxRoles           = 1000 // of a tenant
	maxRolePermissions = 1000 // of a role
	maxUserPermissions = 1000 // of a user, given directly
	maxUserRoles       = 50   // of a user, outside organizations
)

var roles = noun[stagedoor.Role]{
	table: "roles", order: "name, id",
	id:      func(r *stagedoor.Role) *string { return &r.ID },
	newID:   func() string { return stagedoor.NewID("rol_") },
	columns: []string{"name", "owner"},
	values:  func(r *stagedoor.Role) []any { return []any{r.Name, r.OwnerID} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "The role does not exist."),
	clash: func(*stagedoor.Role, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "The role already exists.")
	},
}

// Role returns a role by its id.
func (s *Store) Role(ctx context.Context, id string) (*stagedoor.Role, error) {
	return roles.read(ctx, s, "id = ?", id)
}

// Roles lists the tenant's roles, those of organizations included, by name.
func (s *Store) Roles(ctx context.Context) ([]stagedoor.Role, error) { return roles.all(ctx, s) }

// lockTenant lets no other creation of the tenant run beside that is counted, or that others stand in the way of. SQLite has one writer anyway.
func (s *Store) lockTenant(ctx context.Context, q querier) error {
	if !s.db.postgres {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM tenants WHERE id = ? FOR NO KEY UPDATE", s.tenant.ID)
	return err
}

// CreateRole adds a role. A name is taken once in the tenant, and once in each organization.
func (s *Store) CreateRole(ctx context.Context, r *stagedoor.Role) error {
	return roles.named(r, s.write(ctx, func(q querier) error {
		if err := s.lockTenant(ctx, q); err != nil {
			return err
		}
		if r.OwnerID != "" {
			if _, err := organizations.one(ctx, s, q, "id = ?", r.OwnerID); err != nil {
				return err
			}
		}
		var n int
		if err := q.row(ctx, "SELECT COUNT(*) FROM roles WHERE tenant = ?", []any{s.tenant.ID}, &n); err != nil {
			return err
		}
		if n >= maxRoles {
			return errTooMany()
		}
		return roles.insert(ctx, s, q, r)
	}))
}

// UpdateRole changes a role in one transaction.
func (s *Store) UpdateRole(ctx context.Context, id string, change func(*stagedoor.Role) error) (*stagedoor.Role, error) {
	return roles.update(ctx, s, id, change)
}

// DeleteRole takes a role from all who have it, in organizations too, and from those who would get it there.
func (s *Store) DeleteRole(ctx context.Context, id string) error {
	if _, err := s.Role(ctx, id); err != nil {
		return err
	}
	err := s.deleteManyOf(ctx, id, goesAlong{table: "user_roles", key: "user_id, role_id", where: "role_id = ?"}, goesAlong{table: "organization_member_roles", key: "org_id, user_id, role_id", where: "role_id = ?", by: "organization_member_roles_role"})
	if err == nil {
		err = s.uninviteRole(ctx, id)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		if _, err := roles.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		for _, table := range []string{"user_roles", "organization_member_roles"} { // as they go with a user
			if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND role_id = ?", s.tenant.ID, id); err != nil {
				return err
			}
		}
		return roles.delete(ctx, s, q, id)
	})
}

// lockOwnedRoles locks the roles of an organization before its members lose them, as who deletes one of them does.
func (s *Store) lockOwnedRoles(ctx context.Context, q querier, orgID string) error {
	if !s.db.postgres {
		return nil
	}
	_, err := q.exec(ctx, "SELECT id FROM roles WHERE tenant = ? AND owner = ? ORDER BY id FOR UPDATE", s.tenant.ID, orgID)
	return err
}

// deleteOwnedRoles goes with an organization.
func (s *Store) deleteOwnedRoles(ctx context.Context, q querier, orgID string) error {
	_, err := q.exec(ctx, "DELETE FROM roles WHERE tenant = ? AND owner = ?", s.tenant.ID, orgID)
	return err
}

// inRole runs fn in a transaction that no other change of the role's permissions runs beside.
func (s *Store) inRole(ctx context.Context, id string, fn func(q querier) error) error {
	return s.write(ctx, func(q querier) error {
		if _, err := roles.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		return fn(q)
	})
}

// RolePermissions lists what a role permits, by API and name.
func (s *Store) RolePermissions(ctx context.Context, roleID string) ([]stagedoor.Permission, error) {
	return s.permissions(ctx, "SELECT api, permission FROM role_permissions WHERE tenant = ? AND role_id = ? ORDER BY api, permission", s.tenant.ID, roleID)
}

func (s *Store) permissions(ctx context.Context, query string, args ...any) ([]stagedoor.Permission, error) {
	out := []stagedoor.Permission{}
	err := s.read().each(ctx, query, args, func(scan func(...any) error) error {
		var p stagedoor.Permission
		err := scan(&p.API, &p.Name)
		out = append(out, p)
		return err
	})
	return out, err
}

// AddRolePermissions adds permissions, which must be scopes of APIs, to a role: all or none.
func (s *Store) AddRolePermissions(ctx context.Context, roleID string, all []stagedoor.Permission) error {
	return s.inRole(ctx, roleID, func(q querier) error {
		return s.addPermissions(ctx, q, "role_permissions", "role_id", roleID, all, maxRolePermissions)
	})
}

// RemoveRolePermissions takes permissions from a role.
func (s *Store) RemoveRolePermissions(ctx context.Context, roleID string, all []stagedoor.Permission) error {
	return s.inRole(ctx, roleID, func(q querier) error {
		if err := s.checkPermissions(ctx, q, all); err != nil {
			return err
		}
		return s.removePermissions(ctx, q, "role_permissions", "role_id", roleID, all)
	})
}

func (s *Store) addPermissions(ctx context.Context, q querier, table, column, id string, all []stagedoor.Permission, most int) error {
	if err := s.checkPermissions(ctx, q, all); err != nil {
		return err
	}
	for _, p := range all {
		_, err := q.exec(ctx, "INSERT INTO "+table+" (tenant, "+column+", api, permission) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", s.tenant.ID, id, p.API, p.Name)
		if err != nil {
			return err
		}
	}
	var n int
	err := q.row(ctx, "SELECT COUNT(*) FROM "+table+" WHERE tenant = ? AND "+column+" = ?", []any{s.tenant.ID, id}, &n)
	if err == nil && n > most {
		err = errTooMany()
	}
	return err
}

// checkPermissions refuses what no API defines. The APIs are locked, so that a scope that is removed meanwhile is not added.
func (s *Store) checkPermissions(ctx context.Context, q querier, all []stagedoor.Permission) error {
	lock := ""
	if s.db.postgres {
		lock = " FOR SHARE"
	}
	known := map[string]*stagedoor.ResourceServer{}
	for _, p := range all {
		api, asked := known[p.API]
		if !asked {
			var err error
			api, err = resourceServers.one(ctx, s, q, "identifier = ?"+lock, p.API)
			if err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) {
				return err
			}
			known[p.API] = api
		}
		if api == nil || !api.Defines(p.Name) {
			return errPermissionMissing(p)
		}
	}
	return nil
}

func errPermissionMissing(p stagedoor.Permission) error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_resource_server_permission", "This permission does not exist: '%s - %s'", p.API, p.Name)
}

func (s *Store) removePermissions(ctx context.Context, q querier, table, column, id string, all []stagedoor.Permission) error {
	for _, p := range all {
		_, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND "+column+" = ? AND api = ? AND permission = ?", s.tenant.ID, id, p.API, p.Name)
		if err != nil {
			return err
		}
	}
	return nil
}

// scopesGone are those that an API does not define any more.
func scopesGone(before, after *stagedoor.ResourceServer) (gone []string) {
	for _, scope := range before.Scopes {
		if !after.Defines(scope.Value) {
			gone = append(gone, scope.Value)
		}
	}
	return gone
}

// keepPermissions removes the permissions of an API that it does not define any more.
func (s *Store) keepPermissions(ctx context.Context, q querier, before, after *stagedoor.ResourceServer) error {
	gone := scopesGone(before, after)
	if len(gone) == 0 {
		return nil
	}
	in, list, err := s.idList(gone)
	for _, table := range []string{"role_permissions", "user_permissions"} {
		if err == nil {
			_, err = q.exec(ctx, "DELETE FROM "+table+s.db.by(table+"_api")+" WHERE tenant = ? AND api = ? AND permission "+in, s.tenant.ID, after.Identifier, list)
		}
	}
	return err
}

// RoleUser is a user as the list of a role's users shows it.
type RoleUser struct {
	UserID  string
	Email   string
	Name    string
	Picture string
	AddedAt int64 // when the role was given, in milliseconds
}

// RoleUsers lists who has a role outside organizations, the latest first. Take is the number of users behind
// From; 0 means a page by offset, of which total tells of how many.
func (s *Store) RoleUsers(ctx context.Context, roleID string, in OrganizationQuery) (page []RoleUser, total int, err error) {
	from := " FROM user_roles r JOIN users u ON u.tenant = r.tenant AND u.id = r.user_id WHERE r.tenant = ? AND r.role_id = ?"
	args := []any{s.tenant.ID, roleID}
	limit := " LIMIT ? OFFSET ?"
	if in.Take > 0 {
		if in.From.ID != "" {
			from += " AND (r.added_at, r.user_id) < (?, ?)"
			args = append(args, in.From.At, in.From.ID)
		}
		limit, args = " LIMIT ?", append(args, in.Take)
	} else {
		if !in.Uncounted {
			if err := s.read().row(ctx, "SELECT COUNT(*)"+from, args, &total); err != nil {
				return nil, 0, err
			}
		}
		args = append(args, in.PerPage, in.Page*in.PerPage)
	}
	page = []RoleUser{}
	err = s.read().each(ctx, "SELECT u.id, u.email, u.name, u.profile, r.added_at"+from+" ORDER BY r.added_at DESC, r.user_id DESC"+limit, args,
		func(scan func(...any) error) error {
			var u RoleUser
			var email, name sql.NullString
			var doc string
			if err := scan(&u.UserID, &email, &name, &doc, &u.AddedAt); err != nil {
				return err
			}
			var p profile
			if err := json.Unmarshal([]byte(doc), &p); err != nil {
				return err
			}
			u.Email, u.Name, u.Picture = email.String, name.String, p.Picture
			page = append(page, u)
			return nil
		})
	return page, total, err
}
