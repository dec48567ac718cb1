package store

import (
	"context"
	"slices"

	"github.com/stagedoor/stagedoor"
)

// maxGroupRoles is how many roles one group may have, in the tenant and in each organization, as people may.
const maxGroupRoles = 50

// rolesOfUser selects the ids of the roles that a user has outside organizations, by themselves and through their groups. SQLite begins with the first
// table of a CROSS JOIN: left to itself it looks through all groups' roles for those of the user's.
const rolesOfUser = `SELECT role_id FROM user_roles WHERE tenant = ? AND user_id = ?
	UNION SELECT r.role_id FROM group_members m CROSS JOIN group_roles r WHERE r.tenant = m.tenant AND r.group_id = m.group_id AND m.tenant = ? AND m.user_id = ?`

// rolesOfMember selects those that a user has as a member of an organization.
const rolesOfMember = `SELECT role_id FROM organization_member_roles WHERE tenant = ? AND user_id = ? AND org_id = ?
	UNION SELECT r.role_id FROM group_members m CROSS JOIN organization_group_roles r WHERE r.tenant = m.tenant AND r.group_id = m.group_id AND m.tenant = ? AND m.user_id = ? AND r.org_id = ?`

func (s *Store) ofUser(userID string) []any { return []any{s.tenant.ID, userID, s.tenant.ID, userID} }

func (s *Store) ofMember(userID, orgID string) []any {
	return []any{s.tenant.ID, userID, orgID, s.tenant.ID, userID, orgID}
}

// GroupRoles lists the roles that a group gives its members, by name: everywhere, or, if orgID names one, in that organization.
func (s *Store) GroupRoles(ctx context.Context, groupID, orgID string) ([]stagedoor.Role, error) {
	if orgID == "" {
		return s.rolesWhere(ctx, "id IN (SELECT role_id FROM group_roles WHERE tenant = ? AND group_id = ?)", s.tenant.ID, groupID)
	}
	return s.rolesWhere(ctx, "id IN (SELECT role_id FROM organization_group_roles WHERE tenant = ? AND org_id = ? AND group_id = ?)", s.tenant.ID, orgID, groupID)
}

// AddGroupRoles gives a group roles, everywhere or in an organization: all or none. Which it has already is no error.
func (s *Store) AddGroupRoles(ctx context.Context, groupID, orgID string, roleIDs []string) error {
	return s.inGroups(ctx, []string{groupID}, orgID, func(q querier, g *stagedoor.Group) error {
		return s.addGroupRoles(ctx, q, g, orgID, roleIDs)
	})
}

// RemoveGroupRoles takes roles from a group. Which it does not have is no error.
func (s *Store) RemoveGroupRoles(ctx context.Context, groupID, orgID string, roleIDs []string) error {
	return s.inGroups(ctx, []string{groupID}, orgID, func(q querier, g *stagedoor.Group) error {
		return s.removeGroupRoles(ctx, q, g, orgID, roleIDs)
	})
}

// AddRoleGroups gives a role to groups: all or none.
func (s *Store) AddRoleGroups(ctx context.Context, roleID string, groupIDs []string) error {
	return s.inGroups(ctx, groupIDs, "", func(q querier, g *stagedoor.Group) error {
		return s.addGroupRoles(ctx, q, g, "", []string{roleID})
	})
}

// RemoveRoleGroups takes a role from groups.
func (s *Store) RemoveRoleGroups(ctx context.Context, roleID string, groupIDs []string) error {
	return s.inGroups(ctx, groupIDs, "", func(q querier, g *stagedoor.Group) error {
		return s.removeGroupRoles(ctx, q, g, "", []string{roleID})
	})
}

// inGroups runs fn for each group in one transaction that no other change of them runs beside. The organization must be there, if one is named.
func (s *Store) inGroups(ctx context.Context, ids []string, orgID string, fn func(q querier, g *stagedoor.Group) error) error {
	return s.write(ctx, func(q querier) error {
		if orgID != "" {
			if _, err := organizations.one(ctx, s, q, "id = ?"+s.db.forUpdate(), orgID); err != nil {
				return err
			}
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) { // in one order, so that two callers do not wait for each other
			g, err := groups.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
			if err != nil {
				return err
			}
			if err := fn(q, g); err != nil {
				return err
			}
		}
		return nil
	})
}

// groupRoleTable is where the roles of groups are: everywhere, or in an organization.
func (s *Store) groupRoleTable(groupID, orgID string) (table, where string, key []any) {
	if orgID == "" {
		return "group_roles", "tenant = ? AND group_id = ?", []any{s.tenant.ID, groupID}
	}
	return "organization_group_roles", "tenant = ? AND group_id = ? AND org_id = ?", []any{s.tenant.ID, groupID, orgID}
}

func (s *Store) addGroupRoles(ctx context.Context, q querier, g *stagedoor.Group, orgID string, roleIDs []string) error {
	table, where, key := s.groupRoleTable(g.ID, orgID)
	columns, marks := "tenant, group_id, role_id, added_at", "?, ?, ?, ?"
	if orgID != "" {
		columns, marks = "tenant, group_id, org_id, role_id, added_at", "?, ?, ?, ?, ?"
	}
	for _, id := range roleIDs {
		r, err := roles.one(ctx, s, q, "id = ?", id)
		if err != nil {
			return err
		}
		if r.OwnerID != "" && r.OwnerID != orgID {
			return stagedoor.Errorf(stagedoor.Invalid, "operation_not_supported", "A role of an organization can be given to groups in that organization only.")
		}
		n, err := q.exec(ctx, "INSERT INTO "+table+" ("+columns+") VALUES ("+marks+") ON CONFLICT DO NOTHING", append(slices.Clone(key), id, s.db.clock.Now().UnixMilli())...)
		if err == nil && n > 0 {
			err = s.groupRoleEvent(ctx, q, "assigned", g, orgID, r)
		}
		if err != nil {
			return err
		}
	}
	var n int
	err := q.row(ctx, "SELECT COUNT(*) FROM "+table+" WHERE "+where, key, &n)
	if err == nil && n > maxGroupRoles {
		err = errTooMany()
	}
	return err
}

func (s *Store) removeGroupRoles(ctx context.Context, q querier, g *stagedoor.Group, orgID string, roleIDs []string) error {
	table, where, key := s.groupRoleTable(g.ID, orgID)
	for _, id := range roleIDs {
		r, err := roles.one(ctx, s, q, "id = ?", id)
		if err != nil {
			return err
		}
		n, err := q.exec(ctx, "DELETE FROM "+table+" WHERE "+where+" AND role_id = ?", append(slices.Clone(key), id)...)
		if err == nil && n > 0 {
			err = s.groupRoleEvent(ctx, q, "deleted", g, orgID, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupRoleEvent publishes that a group has got or lost a role, everywhere or in an organization.
func (s *Store) groupRoleEvent(ctx context.Context, q querier, what string, g *stagedoor.Group, orgID string, r *stagedoor.Role) error {
	kind := "group.role." + what
	if orgID != "" {
		kind = "organization." + kind
	}
	return s.publish(ctx, q, kind, func() (any, error) {
		role, when := map[string]any{"id": r.ID}, "deleted_at"
		if what == "assigned" {
			role["name"], when = r.Name, "created_at"
		}
		said := map[string]any{"group": groupSaid(g), "role": role, when: stagedoor.FormatTime(s.db.clock.Now())}
		if orgID != "" {
			said["organization"] = map[string]any{"id": orgID}
		}
		return said, nil
	})
}

// EffectiveRoles lists the roles that count for a user, by name, and where they have them from: outside organizations, or, if orgID names one,
// as a member of it.
func (s *Store) EffectiveRoles(ctx context.Context, userID, orgID string) ([]stagedoor.EffectiveRole, error) {
	own, granted := s.UserRoles, "id IN (SELECT r.role_id FROM group_members m CROSS JOIN group_roles r WHERE r.tenant = m.tenant AND r.group_id = m.group_id AND m.tenant = ? AND m.user_id = ?)"
	args := []any{s.tenant.ID, userID}
	if orgID != "" {
		own = func(ctx context.Context, userID string) ([]stagedoor.Role, error) {
			return s.MemberRoles(ctx, orgID, userID)
		}
		granted = `id IN (SELECT r.role_id FROM group_members m CROSS JOIN organization_group_roles r
			WHERE r.tenant = m.tenant AND r.group_id = m.group_id AND m.tenant = ? AND m.user_id = ? AND r.org_id = ?)`
		args = append(args, orgID)
	}
	direct, err := own(ctx, userID)
	if err != nil {
		return nil, err
	}
	through, err := s.rolesWhere(ctx, granted, args...)
	if err != nil {
		return nil, err
	}
	out := []stagedoor.EffectiveRole{}
	for _, r := range direct {
		out = append(out, stagedoor.EffectiveRole{Role: r, Sources: []string{stagedoor.RoleByAssignment}})
	}
	for _, r := range through {
		if i := slices.IndexFunc(out, func(e stagedoor.EffectiveRole) bool { return e.ID == r.ID }); i >= 0 {
			out[i].Sources = append(out[i].Sources, stagedoor.RoleByGroup)
			continue
		}
		out = append(out, stagedoor.EffectiveRole{Role: r, Sources: []string{stagedoor.RoleByGroup}})
	}
	slices.SortStableFunc(out, func(a, b stagedoor.EffectiveRole) int {
		if a.Name != b.Name {
			if a.Name < b.Name {
				return -1
			}
			return 1
		}
		return 0
	})
	return out, nil
}

// GroupsGranting lists the groups through which a user has a role: everywhere, or in an organization.
func (s *Store) GroupsGranting(ctx context.Context, userID, orgID, roleID string) ([]stagedoor.UserGroup, error) {
	if orgID == "" {
		return s.userGroups(ctx, " AND EXISTS (SELECT 1 FROM group_roles r WHERE r.tenant = m.tenant AND r.group_id = m.group_id AND r.role_id = ?)", userID, roleID)
	}
	return s.userGroups(ctx, " AND EXISTS (SELECT 1 FROM organization_group_roles r WHERE r.tenant = m.tenant AND r.group_id = m.group_id AND r.role_id = ? AND r.org_id = ?)", userID, roleID, orgID)
}

// EffectivePermissions lists what a user may do at an API outside organizations, by name: what was given to them and, once for each of the roles
// that count for them, what that permits.
func (s *Store) EffectivePermissions(ctx context.Context, userID, api string) ([]stagedoor.HeldPermission, error) {
	all, err := s.RolesFor(ctx, userID, "")
	if err != nil {
		return nil, err
	}
	return s.heldPermissions(ctx, all, `SELECT api, permission, '' AS role_id FROM user_permissions WHERE tenant = ? AND user_id = ? AND api = ?
		UNION ALL SELECT api, permission, role_id FROM role_permissions`+s.db.by(permissionsKey)+` WHERE tenant = ? AND api = ? AND role_id IN (`+rolesOfUser+`) ORDER BY 2, 3`,
		append([]any{s.tenant.ID, userID, api, s.tenant.ID, api}, s.ofUser(userID)...)...)
}
