package store

import (
	"context"
	"errors"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// UserRoles lists the roles that a user has outside organizations, by name.
func (s *Store) UserRoles(ctx context.Context, userID string) ([]stagedoor.Role, error) {
	return s.rolesWhere(ctx, "id IN (SELECT role_id FROM user_roles WHERE tenant = ? AND user_id = ?)", s.tenant.ID, userID)
}

// Belongings is which kinds of things there are of a user beside the user: most people have none of them.
type Belongings struct {
	Factors bool // authentication methods of any type
	Tokens  bool // of identity providers
	Roles   bool // outside organizations, by themselves or through groups
}

// belongings are the columns that tell which there are of the user u.
const belongings = `CASE WHEN EXISTS (SELECT 1 FROM authentication_methods x WHERE x.tenant = u.tenant AND x.user_id = u.id) THEN 1 ELSE 0 END,
	CASE WHEN EXISTS (SELECT 1 FROM identity_tokens x WHERE x.tenant = u.tenant AND x.user_id = u.id) THEN 1 ELSE 0 END,
	CASE WHEN EXISTS (SELECT 1 FROM user_roles x WHERE x.tenant = u.tenant AND x.user_id = u.id)
		OR EXISTS (SELECT 1 FROM group_members x CROSS JOIN group_roles r WHERE r.tenant = x.tenant AND r.group_id = x.group_id AND x.tenant = u.tenant AND x.user_id = u.id) THEN 1 ELSE 0 END`

// Belongings tells which there are; none of a user who is not there.
func (s *Store) Belongings(ctx context.Context, userID string) (b Belongings, err error) {
	var factors, tokens, roles int
	err = s.lookup().row(ctx, "SELECT "+belongings+" FROM users u WHERE u.tenant = ? AND u.id = ?", []any{s.tenant.ID, userID}, &factors, &tokens, &roles)
	if errors.Is(err, errNoRows) {
		err = nil
	}
	return Belongings{factors > 0, tokens > 0, roles > 0}, err
}

// UserWith is User, and Belongings, in one statement.
func (s *Store) UserWith(ctx context.Context, id string) (*stagedoor.User, Belongings, error) {
	var factors, tokens, roles int
	u, err := scanUser(func(dest ...any) error {
		return s.lookup().row(ctx, "SELECT "+userColumns+", "+belongings+userTables+" WHERE u.tenant = ? AND u.id = ?", []any{s.tenant.ID, id}, append(dest, &factors, &tokens, &roles)...)
	})
	return u, Belongings{factors > 0, tokens > 0, roles > 0}, err
}

// RolesFor lists the roles that count in a login: those that the user has, by themselves and through groups, and, if orgID names an organization,
// those that they have so as its member. It is one statement, whether there are groups or not.
func (s *Store) RolesFor(ctx context.Context, userID, orgID string) ([]stagedoor.Role, error) {
	if orgID == "" {
		return s.rolesWhere(ctx, "id IN ("+rolesOfUser+")", s.ofUser(userID)...)
	}
	return s.rolesWhere(ctx, "id IN ("+rolesOfUser+" UNION "+rolesOfMember+")", append(s.ofUser(userID), s.ofMember(userID, orgID)...)...)
}

func (s *Store) rolesWhere(ctx context.Context, where string, args ...any) ([]stagedoor.Role, error) {
	out := []stagedoor.Role{}
	err := s.read().each(ctx, roles.selects()+roles.mine()+" AND "+where+" ORDER BY "+roles.order, append([]any{s.tenant.ID}, args...),
		func(scan func(...any) error) error {
			r, err := roles.known(s, scan)
			if err == nil {
				out = append(out, *r)
			}
			return err
		})
	return out, err
}

// inUser runs fn in a transaction that no other change of the user runs beside.
func (s *Store) inUser(ctx context.Context, id string, fn func(q querier, u *stagedoor.User) error) error {
	return s.write(ctx, func(q querier) error {
		u, err := s.lockedUser(ctx, q, id)
		if err != nil {
			return err
		}
		return fn(q, u)
	})
}

// AddUserRoles gives a user roles: all or none. Which they have already is no error.
func (s *Store) AddUserRoles(ctx context.Context, userID string, roleIDs []string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error { return s.addUserRoles(ctx, q, userID, roleIDs) })
}

func (s *Store) addUserRoles(ctx context.Context, q querier, userID string, roleIDs []string) error {
	for _, id := range roleIDs {
		r, err := roles.one(ctx, s, q, "id = ?", id)
		if err != nil {
			return err
		}
		if r.OwnerID != "" {
			return stagedoor.Errorf(stagedoor.Invalid, "operation_not_supported", "A role of an organization can be assigned to its members only.")
		}
		_, err = q.exec(ctx, "INSERT INTO user_roles (tenant, user_id, role_id, added_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			s.tenant.ID, userID, id, s.db.clock.Now().UnixMilli())
		if err != nil {
			return err
		}
	}
	var n int
	err := q.row(ctx, "SELECT COUNT(*) FROM user_roles WHERE tenant = ? AND user_id = ?", []any{s.tenant.ID, userID}, &n)
	if err == nil && n > maxUserRoles {
		err = errTooMany()
	}
	return err
}

// RemoveUserRoles takes roles from a user. Which they do not have is no error.
func (s *Store) RemoveUserRoles(ctx context.Context, userID string, roleIDs []string) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		for _, id := range roleIDs {
			if _, err := roles.one(ctx, s, q, "id = ?", id); err != nil {
				return err
			}
			if _, err := q.exec(ctx, "DELETE FROM user_roles WHERE tenant = ? AND user_id = ? AND role_id = ?", s.tenant.ID, userID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddRoleUsers gives a role to users, who must be there: all or none.
func (s *Store) AddRoleUsers(ctx context.Context, roleID string, userIDs []string) error {
	return s.write(ctx, func(q querier) error {
		if _, err := roles.one(ctx, s, q, "id = ?", roleID); err != nil {
			return err
		}
		for _, id := range slices.Sorted(slices.Values(userIDs)) { // in one order, so that two callers do not wait for each other
			if _, err := s.lockedUser(ctx, q, id); err != nil {
				return err
			}
			if err := s.addUserRoles(ctx, q, id, []string{roleID}); err != nil {
				return err
			}
		}
		return nil
	})
}

// UserPermissions lists what a user may do outside organizations, by API and name: what was given to them and, once for each
// of their roles, what that permits.
func (s *Store) UserPermissions(ctx context.Context, userID string) ([]stagedoor.HeldPermission, error) {
	all, err := s.UserRoles(ctx, userID)
	if err != nil {
		return nil, err
	}
	return s.heldPermissions(ctx, all, `SELECT api, permission, '' AS role_id FROM user_permissions WHERE tenant = ? AND user_id = ?
		UNION ALL SELECT p.api, p.permission, p.role_id FROM user_roles u CROSS JOIN role_permissions p
		WHERE p.tenant = u.tenant AND p.role_id = u.role_id AND u.tenant = ? AND u.user_id = ? ORDER BY 1, 2, 3`, s.tenant.ID, userID, s.tenant.ID, userID)
}

// heldPermissions reads permissions, each with the id of the role that gives it, which is one of those given, or with an empty one.
func (s *Store) heldPermissions(ctx context.Context, by []stagedoor.Role, query string, args ...any) ([]stagedoor.HeldPermission, error) {
	byID := map[string]*stagedoor.Role{"": nil}
	for i := range by {
		byID[by[i].ID] = &by[i]
	}
	out := []stagedoor.HeldPermission{}
	err := s.read().each(ctx, query, args, func(scan func(...any) error) error {
		var p stagedoor.HeldPermission
		var role string
		if err := scan(&p.API, &p.Name, &role); err != nil {
			return err
		}
		held, known := byID[role]
		if p.Role = held; known {
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// permissionsKey is the key of role_permissions: tenant, role, API, permission.
const permissionsKey = "sqlite_autoindex_role_permissions_1"

// PermissionsFor lists the names of what a user may do at an API in a login: by what was given to them and by their roles and those of their
// groups, or, if orgID names an organization, by the roles that they have as its member and by nothing else: what somebody may do for one
// customer says nothing of another.
func (s *Store) PermissionsFor(ctx context.Context, userID, orgID, api string) ([]string, error) {
	query := `SELECT permission FROM user_permissions WHERE tenant = ? AND user_id = ? AND api = ?
		UNION SELECT permission FROM role_permissions` + s.db.by(permissionsKey) + ` WHERE tenant = ? AND api = ? AND role_id IN (` + rolesOfUser + `) ORDER BY 1`
	args := append([]any{s.tenant.ID, userID, api, s.tenant.ID, api}, s.ofUser(userID)...)
	if orgID != "" {
		query = "SELECT DISTINCT permission FROM role_permissions" + s.db.by(permissionsKey) + " WHERE tenant = ? AND api = ? AND role_id IN (" + rolesOfMember + ") ORDER BY 1"
		args = append([]any{s.tenant.ID, api}, s.ofMember(userID, orgID)...)
	}
	out := []string{}
	err := s.read().each(ctx, query, args, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		out = append(out, name)
		return err
	})
	return out, err
}

// AddUserPermissions gives a user permissions, which must be scopes of APIs: all or none.
func (s *Store) AddUserPermissions(ctx context.Context, userID string, all []stagedoor.Permission) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		return s.addPermissions(ctx, q, "user_permissions", "user_id", userID, all, maxUserPermissions)
	})
}

// RemoveUserPermissions takes permissions from a user; those that a role gives stay.
func (s *Store) RemoveUserPermissions(ctx context.Context, userID string, all []stagedoor.Permission) error {
	return s.inUser(ctx, userID, func(q querier, _ *stagedoor.User) error {
		if err := s.checkPermissions(ctx, q, all); err != nil {
			return err
		}
		return s.removePermissions(ctx, q, "user_permissions", "user_id", userID, all)
	})
}
