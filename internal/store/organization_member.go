package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/stagedoor/stagedoor"
)

// maxMemberRoles is how many roles one member may have in an organization (Management API fact sheet 3.21).
const maxMemberRoles = 50

// Members lists the members of an organization in the order in which they came, and tells how many there are. roleID names a
// role that they must have in the organization; "" names none.
func (s *Store) Members(ctx context.Context, orgID, roleID string, in OrganizationQuery) (page []stagedoor.Membership, total int, err error) {
	from := ` FROM organization_members m JOIN users u ON u.tenant = m.tenant AND u.id = m.user_id WHERE m.tenant = ? AND m.org_id = ?`
	args := []any{s.tenant.ID, orgID}
	if roleID != "" {
		from += ` AND EXISTS (SELECT 1 FROM organization_member_roles r WHERE r.tenant = m.tenant AND r.org_id = m.org_id AND r.user_id = m.user_id AND r.role_id = ?)`
		args = append(args, roleID)
	}
	limit := " LIMIT ? OFFSET ?"
	if in.Take > 0 {
		if in.From.ID != "" {
			from += " AND (m.added_at, m.user_id) > (?, ?)"
			args = append(args, in.From.At, in.From.ID)
		}
		limit = " LIMIT ?"
		args = append(args, in.Take)
	} else {
		if !in.Uncounted {
			if err := s.read().row(ctx, "SELECT COUNT(*)"+from, args, &total); err != nil {
				return nil, 0, err
			}
		}
		args = append(args, in.PerPage, in.Page*in.PerPage)
	}
	page = []stagedoor.Membership{}
	err = s.read().each(ctx, "SELECT m.user_id, u.email, u.name, u.profile, m.added_at"+from+" ORDER BY m.added_at, m.user_id"+limit, args,
		func(scan func(...any) error) error {
			var m stagedoor.Membership
			var email, name sql.NullString
			var doc string
			if err := scan(&m.UserID, &email, &name, &doc, &m.AddedAt); err != nil {
				return err
			}
			var p profile
			if err := json.Unmarshal([]byte(doc), &p); err != nil {
				return err
			}
			m.Email, m.Name, m.Picture = email.String, name.String, p.Picture
			page = append(page, m)
			return nil
		})
	return page, total, err
}

// IsMember tells whether a user is a member of an organization.
func (s *Store) IsMember(ctx context.Context, orgID, userID string) (bool, error) {
	var one int
	err := s.read().row(ctx, "SELECT 1 FROM organization_members WHERE tenant = ? AND org_id = ? AND user_id = ?", []any{s.tenant.ID, orgID, userID}, &one)
	if errors.Is(err, errNoRows) {
		return false, nil
	}
	return err == nil, err
}

// AddMembers makes users members of an organization: all or none. Who is one already stays one.
func (s *Store) AddMembers(ctx context.Context, orgID string, userIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		if err := s.shareUsers(ctx, q, userIDs...); err != nil {
			return err
		}
		for _, id := range userIDs {
			if err := s.addMember(ctx, q, orgID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) addMember(ctx context.Context, q querier, orgID, userID string) error {
	n, err := q.exec(ctx, `INSERT INTO organization_members (tenant, org_id, user_id, added_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, org_id, user_id) DO NOTHING`, s.tenant.ID, orgID, userID, s.db.clock.Now().UnixMilli())
	if err != nil || n == 0 {
		return err
	}
	return s.memberEvent(ctx, q, "organization.member.added", orgID, userID, "")
}

// RemoveMembers ends memberships, and the roles that came with them.
func (s *Store) RemoveMembers(ctx context.Context, orgID string, userIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		if err := s.shareUsers(ctx, q, userIDs...); err != nil {
			return err
		}
		for _, id := range userIDs {
			ended := int64(0)
			for _, table := range []string{"organization_member_roles", "organization_members"} {
				n, err := q.exec(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND org_id = ? AND user_id = ?", s.tenant.ID, orgID, id)
				if err != nil {
					return err
				}
				ended = n
			}
			if ended == 0 {
				continue
			}
			if err := s.memberEvent(ctx, q, "organization.member.deleted", orgID, id, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// MemberRoles lists the roles that a user has in an organization, by name.
func (s *Store) MemberRoles(ctx context.Context, orgID, userID string) ([]stagedoor.Role, error) {
	return s.rolesWhere(ctx, "id IN (SELECT role_id FROM organization_member_roles WHERE tenant = ? AND org_id = ? AND user_id = ?)", s.tenant.ID, orgID, userID)
}

// AddMemberRoles gives a user roles in an organization: all or none. They count as soon as, and as long as, the user is a member.
func (s *Store) AddMemberRoles(ctx context.Context, orgID, userID string, roleIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		if err := s.checkMemberRoles(ctx, q, orgID, roleIDs); err != nil {
			return err
		}
		return s.addMemberRoles(ctx, q, orgID, userID, roleIDs)
	})
}

// checkMemberRoles tells whether members of the organization may have the roles.
func (s *Store) checkMemberRoles(ctx context.Context, q querier, orgID string, roleIDs []string) error {
	for _, id := range roleIDs {
		r, err := roles.one(ctx, s, q, "id = ?", id)
		if err != nil {
			return err
		}
		if r.OwnerID != "" && r.OwnerID != orgID {
			return stagedoor.Errorf(stagedoor.Invalid, "operation_not_supported", "The role belongs to another organization.")
		}
	}
	return nil
}

func (s *Store) addMemberRoles(ctx context.Context, q querier, orgID, userID string, roleIDs []string) error {
	for _, id := range roleIDs {
		n, err := q.exec(ctx, `INSERT INTO organization_member_roles (tenant, org_id, user_id, role_id)
			SELECT tenant, ?, ?, id FROM roles WHERE tenant = ? AND id = ? ON CONFLICT (tenant, org_id, user_id, role_id) DO NOTHING`, orgID, userID, s.tenant.ID, id)
		if err == nil && n > 0 {
			err = s.memberEvent(ctx, q, "organization.member.role.assigned", orgID, userID, id)
		}
		if err != nil {
			return err
		}
	}
	var n int
	err := q.row(ctx, "SELECT COUNT(*) FROM organization_member_roles WHERE tenant = ? AND org_id = ? AND user_id = ?", []any{s.tenant.ID, orgID, userID}, &n)
	if err == nil && n > maxMemberRoles {
		err = errTooMany()
	}
	return err
}

// RemoveMemberRoles takes roles from a member of an organization. Which they do not have is no error.
func (s *Store) RemoveMemberRoles(ctx context.Context, orgID, userID string, roleIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		for _, id := range roleIDs {
			if _, err := roles.one(ctx, s, q, "id = ?", id); err != nil {
				return err
			}
			n, err := q.exec(ctx, "DELETE FROM organization_member_roles WHERE tenant = ? AND org_id = ? AND user_id = ? AND role_id = ?", s.tenant.ID, orgID, userID, id)
			if err == nil && n > 0 {
				err = s.memberEvent(ctx, q, "organization.member.role.deleted", orgID, userID, id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
