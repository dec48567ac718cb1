package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

var groups = noun[stagedoor.Group]{
	table: "user_groups", order: "created_at, id",
	id:      func(g *stagedoor.Group) *string { return &g.ID },
	newID:   func() string { return "grp_" + stagedoor.NewBase58(16) },
	columns: []string{"connection_id", "name", "external_id", "created_at"},
	values: func(g *stagedoor.Group) []any {
		return []any{g.ConnectionID, g.Name, g.ExternalID, millis(g.CreatedAt)}
	},
	missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_group", "The group does not exist."),
	clash: func(*stagedoor.Group, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "group_conflict", "The connection has a group with this name or external id already.")
	},
}

// GroupQuery is a page of groups: those for which all that is set holds. Search is a part of the name, in any case.
type GroupQuery struct {
	OrganizationQuery
	ConnectionID, Name, ExternalID, Search string
	RoleID                                 string // that the groups have; of the tenant, or with OrganizationID of the organization
	OrganizationID                         string // in which the groups have roles
	Skip                                   int    // groups before the page, besides those of pages before
}

func (in *GroupQuery) where(s *Store) (string, []any) {
	where, args := "g.tenant = ?", []any{s.tenant.ID}
	and := func(condition, value string, more ...any) {
		if value != "" {
			where, args = where+" AND "+condition, append(append(args, value), more...)
		}
	}
	and("g.connection_id = ?", in.ConnectionID)
	and("g.name = ?", in.Name)
	and("g.external_id = ?", in.ExternalID)
	switch {
	case in.OrganizationID != "" && in.RoleID != "":
		and("EXISTS (SELECT 1 FROM organization_group_roles r WHERE r.tenant = g.tenant AND r.group_id = g.id AND r.org_id = ? AND r.role_id = ?)", in.OrganizationID, in.RoleID)
	case in.OrganizationID != "":
		and("EXISTS (SELECT 1 FROM organization_group_roles r WHERE r.tenant = g.tenant AND r.group_id = g.id AND r.org_id = ?)", in.OrganizationID)
	default:
		and("EXISTS (SELECT 1 FROM group_roles r WHERE r.tenant = g.tenant AND r.group_id = g.id AND r.role_id = ?)", in.RoleID)
	}
	return where, args
}

// groupsNamed are the ids of the groups whose name has a part, in any case. Not by SQL: lower of SQLite, and of PostgreSQL under the collation C, knows ASCII alone.
func (s *Store) groupsNamed(ctx context.Context, part string) ([]string, error) {
	part, ids := strings.ToLower(part), []string{}
	err := s.read().each(ctx, "SELECT id, name FROM user_groups WHERE tenant = ?", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var id, name string
		err := scan(&id, &name)
		if strings.Contains(strings.ToLower(name), part) {
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}

// Group returns a group by its id.
func (s *Store) Group(ctx context.Context, id string) (*stagedoor.Group, error) {
	return groups.read(ctx, s, "id = ?", id)
}

// Groups lists groups in the order in which they were made, and tells how many there are where the page is one by offset.
func (s *Store) Groups(ctx context.Context, in GroupQuery) (page []stagedoor.Group, total int, err error) {
	where, args := in.where(s)
	if in.Search != "" {
		ids, err := s.groupsNamed(ctx, in.Search)
		if err != nil {
			return nil, 0, err
		}
		in, list, err := s.idList(ids)
		if err != nil {
			return nil, 0, err
		}
		where, args = where+" AND g.id "+in, append(args, list)
	}
	limit := " LIMIT ? OFFSET ?"
	if in.Take > 0 {
		if in.From.ID != "" {
			where += " AND (g.created_at, g.id) > (?, ?)"
			args = append(args, in.From.At, in.From.ID)
		}
		limit, args = " LIMIT ?", append(args, in.Take)
	} else {
		if !in.Uncounted {
			if err := s.read().row(ctx, "SELECT COUNT(*) FROM user_groups g WHERE "+where, args, &total); err != nil {
				return nil, 0, err
			}
		}
		args = append(args, in.PerPage, in.Page*in.PerPage+in.Skip)
	}
	page = []stagedoor.Group{}
	err = s.read().each(ctx, "SELECT g.doc, '' FROM user_groups g WHERE "+where+" ORDER BY g.created_at, g.id"+limit, args, func(scan func(...any) error) error {
		g, err := groups.known(s, scan)
		if err == nil {
			page = append(page, *g)
		}
		return err
	})
	return page, total, err
}

// CreateGroup adds a group of a connection with its members. A name or an external id that the connection has already is a Conflict.
func (s *Store) CreateGroup(ctx context.Context, g *stagedoor.Group, members []string) error {
	g.CreatedAt = s.db.clock.Now()
	g.UpdatedAt = g.CreatedAt
	return groups.named(g, s.write(ctx, func(q querier) error {
		if _, err := connections.one(ctx, s, q, "id = ?", g.ConnectionID); err != nil {
			return err
		}
		if err := groups.insert(ctx, s, q, g); err != nil {
			return err
		}
		if err := s.groupEvent(ctx, q, "group.created", g, ""); err != nil {
			return err
		}
		if err := s.shareUsers(ctx, q, members...); err != nil {
			return err
		}
		return s.addGroupMembers(ctx, q, g, members)
	}))
}

// MemberChange is what becomes of the members of a group.
type MemberChange struct {
	Replace bool     // all that are not in Add leave
	Add     []string // ids of users of the group's connection
	Remove  []string
}

// UpdateGroup changes a group and its members in one transaction. change returns what becomes of the members.
func (s *Store) UpdateGroup(ctx context.Context, id string, change func(*stagedoor.Group) (MemberChange, error)) (*stagedoor.Group, error) {
	var g *stagedoor.Group
	err := s.write(ctx, func(q querier) (err error) {
		if g, err = groups.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		before := groupWhole(g)
		members, err := change(g)
		if err != nil {
			return err
		}
		g.UpdatedAt = s.db.clock.Now()
		g.Revision++
		if err := groups.save(ctx, s, q, id, g); err != nil {
			return err
		}
		err = s.publishChange(ctx, q, "group.updated", func() (stagedoor.EventData, error) {
			return stagedoor.EventData{Object: groupWhole(g), Previous: before}, nil
		})
		if err != nil {
			return err
		}
		if members.Replace {
			if members.Remove, err = s.othersIn(ctx, q, id, members.Add); err != nil {
				return err
			}
		}
		if err := s.shareUsers(ctx, q, slices.Concat(members.Remove, members.Add)...); err != nil {
			return err
		}
		if err := s.removeGroupMembers(ctx, q, g, members.Remove); err != nil {
			return err
		}
		return s.addGroupMembers(ctx, q, g, members.Add)
	})
	if err != nil {
		return nil, groups.named(g, err)
	}
	return g, nil
}

// othersIn lists the members of a group who are not among those given.
func (s *Store) othersIn(ctx context.Context, q querier, id string, stay []string) ([]string, error) {
	stays := map[string]bool{}
	for _, user := range stay {
		stays[user] = true
	}
	var out []string
	err := q.each(ctx, "SELECT user_id FROM group_members WHERE tenant = ? AND group_id = ?", []any{s.tenant.ID, id}, func(scan func(...any) error) error {
		var user string
		err := scan(&user)
		if err == nil && !stays[user] {
			out = append(out, user)
		}
		return err
	})
	return out, err
}

// addGroupMembers adds users of the group's connection; others are an Invalid. A group may get any number at once: they go in few statements.
func (s *Store) addGroupMembers(ctx context.Context, q querier, g *stagedoor.Group, users []string) error {
	if len(users) == 0 {
		return nil
	}
	in, list, err := s.idList(storableIDs(users))
	if err != nil {
		return err
	}
	added, err := idsOf(ctx, q, `INSERT INTO group_members (tenant, user_id, group_id, added_at) SELECT u.tenant, u.id, ?, ? FROM users u
		WHERE u.tenant = ? AND u.id `+in+` AND u.connection = (SELECT name FROM connections WHERE tenant = ? AND id = ?) ON CONFLICT DO NOTHING RETURNING user_id`,
		g.ID, s.db.clock.Now().UnixMilli(), s.tenant.ID, list, s.tenant.ID, g.ConnectionID)
	if err != nil {
		return err
	}
	if err := s.groupEvents(ctx, q, "group.member.added", g, users, added); err != nil {
		return err
	}
	there, err := idsOf(ctx, q, "SELECT user_id FROM group_members WHERE tenant = ? AND group_id = ? AND user_id "+in, s.tenant.ID, g.ID, list)
	if err != nil {
		return err
	}
	for _, user := range users {
		if !there[user] {
			return stagedoor.Errorf(stagedoor.Invalid, "invalid_member", "The connection has no such user: %s", stagedoor.Clip(user, 300))
		}
	}
	return nil
}

func (s *Store) removeGroupMembers(ctx context.Context, q querier, g *stagedoor.Group, users []string) error {
	if len(users) == 0 {
		return nil
	}
	in, list, err := s.idList(storableIDs(users))
	if err != nil {
		return err
	}
	gone, err := idsOf(ctx, q, "DELETE FROM group_members WHERE tenant = ? AND group_id = ? AND user_id "+in+" RETURNING user_id", s.tenant.ID, g.ID, list)
	if err != nil {
		return err
	}
	return s.groupEvents(ctx, q, "group.member.deleted", g, users, gone)
}

// storableIDs leaves out what can be nobody's id.
func storableIDs(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !plainText(id) })
}

// idsOf are the ids that a statement returns.
func idsOf(ctx context.Context, q querier, query string, args ...any) (map[string]bool, error) {
	ids := map[string]bool{}
	err := q.each(ctx, query, args, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids[id] = true
		return err
	})
	return ids, err
}

// groupEvents publishes something about each of the members that are meant, in the order in which they were named.
func (s *Store) groupEvents(ctx context.Context, q querier, kind string, g *stagedoor.Group, named []string, meant map[string]bool) error {
	for _, user := range named {
		if !meant[user] {
			continue
		}
		delete(meant, user)
		if err := s.groupEvent(ctx, q, kind, g, user); err != nil {
			return err
		}
	}
	return nil
}

// DeleteGroup removes a group, with its memberships and roles.
func (s *Store) DeleteGroup(ctx context.Context, id string) error {
	if err := s.deleteManyOf(ctx, id, goesAlong{table: "group_members", key: "user_id, group_id", where: "group_id = ?"}); err != nil {
		return err
	}
	return s.write(ctx, func(q querier) error {
		g, err := groups.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id)
		if err != nil {
			return err
		}
		if err := groups.delete(ctx, s, q, id); err != nil {
			return err
		}
		return s.groupEvent(ctx, q, "group.deleted", g, "")
	})
}

// deleteGroupsOf removes the groups of a connection: before its users, whom who changes a group locks after it.
func (s *Store) deleteGroupsOf(ctx context.Context, q querier, connectionID string) error {
	if s.db.postgres {
		if _, err := q.exec(ctx, "SELECT id FROM user_groups WHERE tenant = ? AND connection_id = ? ORDER BY id FOR UPDATE", s.tenant.ID, connectionID); err != nil {
			return err
		}
	}
	_, err := q.exec(ctx, "DELETE FROM user_groups WHERE tenant = ? AND connection_id = ?", s.tenant.ID, connectionID)
	return err
}

// GroupMembers lists the members of a group in the order in which they came: a page behind From, or all if Take is 0.
func (s *Store) GroupMembers(ctx context.Context, id string, in OrganizationQuery) ([]stagedoor.GroupMember, error) {
	query, args := "SELECT m.user_id, u.name, m.added_at FROM group_members m JOIN users u ON u.tenant = m.tenant AND u.id = m.user_id WHERE m.tenant = ? AND m.group_id = ?", []any{s.tenant.ID, id}
	if in.From.ID != "" {
		query += " AND (m.added_at, m.user_id) > (?, ?)"
		args = append(args, in.From.At, in.From.ID)
	}
	query += " ORDER BY m.added_at, m.user_id"
	if in.Take > 0 {
		query, args = query+" LIMIT ?", append(args, in.Take)
	}
	out := []stagedoor.GroupMember{}
	err := s.read().each(ctx, query, args, func(scan func(...any) error) error {
		var m stagedoor.GroupMember
		var name sql.NullString
		err := scan(&m.UserID, &name, &m.AddedAt)
		m.Name = name.String
		out = append(out, m)
		return err
	})
	return out, err
}

// InGroup tells whether a user is a member of a group.
func (s *Store) InGroup(ctx context.Context, groupID, userID string) (bool, error) {
	var one int
	err := s.read().row(ctx, "SELECT 1 FROM group_members WHERE tenant = ? AND user_id = ? AND group_id = ?", []any{s.tenant.ID, userID, groupID}, &one)
	if errors.Is(err, errNoRows) {
		return false, nil
	}
	return err == nil, err
}

// UserGroups lists the groups of a user by id.
func (s *Store) UserGroups(ctx context.Context, userID string) ([]stagedoor.UserGroup, error) {
	return s.userGroups(ctx, "", userID)
}

// membersKey is the key of group_members: tenant, user, group.
const membersKey = "sqlite_autoindex_group_members_1"

// userGroups lists those of a user's groups for which a condition holds.
func (s *Store) userGroups(ctx context.Context, and, userID string, args ...any) ([]stagedoor.UserGroup, error) {
	out := []stagedoor.UserGroup{}
	err := s.read().each(ctx, "SELECT g.doc, '', m.added_at FROM group_members m"+s.db.by(membersKey)+` JOIN user_groups g ON g.tenant = m.tenant AND g.id = m.group_id
		WHERE m.tenant = ? AND m.user_id = ?`+and+` ORDER BY m.group_id`, append([]any{s.tenant.ID, userID}, args...), func(scan func(...any) error) error {
		var u stagedoor.UserGroup
		g, err := groups.known(s, func(dest ...any) error { return scan(append(dest, &u.AddedAt)...) })
		if err == nil {
			u.Group = *g
			out = append(out, u)
		}
		return err
	})
	return out, err
}

// groupEvent publishes something about a group, and a member of it, if it names one.
func (s *Store) groupEvent(ctx context.Context, q querier, kind string, g *stagedoor.Group, userID string) error {
	return s.publish(ctx, q, kind, func() (any, error) {
		if userID != "" {
			return map[string]any{"group": groupSaid(g), "member": map[string]any{"id": userID, "member_type": "user"}}, nil
		}
		group := groupWhole(g)
		if kind == "group.created" {
			delete(group, "updated_at")
		}
		return group, nil
	})
}

// groupWhole is what an event says of a group itself.
func groupWhole(g *stagedoor.Group) map[string]any {
	group := groupSaid(g)
	group["name"], group["created_at"], group["updated_at"] = g.Name, stagedoor.FormatTime(g.CreatedAt), stagedoor.FormatTime(g.UpdatedAt)
	return group
}

// groupSaid is which group an event is about: all are those of connections.
func groupSaid(g *stagedoor.Group) map[string]any {
	said := map[string]any{"id": g.ID, "type": "connection", "connection_id": g.ConnectionID}
	if g.ExternalID != "" {
		said["external_id"] = g.ExternalID
	}
	return said
}

// GroupsOf lists the groups of several users, by their ids.
func (s *Store) GroupsOf(ctx context.Context, users []string) (map[string][]stagedoor.UserGroup, error) {
	out := map[string][]stagedoor.UserGroup{}
	if len(users) == 0 {
		return out, nil
	}
	args := []any{s.tenant.ID}
	for _, id := range users {
		args = append(args, id)
	}
	err := s.read().adhoc(ctx, "SELECT g.doc, '', m.added_at, m.user_id FROM group_members m"+s.db.by(membersKey)+` JOIN user_groups g ON g.tenant = m.tenant AND g.id = m.group_id
		WHERE m.tenant = ? AND m.user_id IN (?`+strings.Repeat(", ?", len(users)-1)+`) ORDER BY m.user_id, m.group_id`, args, func(scan func(...any) error) error {
		var u stagedoor.UserGroup
		var id string
		g, err := groups.known(s, func(dest ...any) error { return scan(append(dest, &u.AddedAt, &id)...) })
		if err == nil {
			u.Group = *g
			out[id] = append(out[id], u)
		}
		return err
	})
	return out, err
}
