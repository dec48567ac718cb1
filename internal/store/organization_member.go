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
		if in.From != "" {
			from += " AND (m.added_at, m.user_id) > (SELECT added_at, user_id FROM organization_members WHERE tenant = ? AND org_id = ? AND user_id = ?)"
			args = append(args, s.tenant.ID, orgID, in.From)
		}
		limit = " LIMIT ?"
		args = append(args, in.Take)
	} else {
		if err := s.read().row(ctx, "SELECT COUNT(*)"+from, args, &total); err != nil {
			return nil, 0, err
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
		for _, id := range userIDs {
			if err := s.addMember(ctx, q, orgID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) addMember(ctx context.Context, q querier, orgID, userID string) error {
	_, err := q.exec(ctx, `INSERT INTO organization_members (tenant, org_id, user_id, added_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, org_id, user_id) DO NOTHING`, s.tenant.ID, orgID, userID, s.db.clock.Now().UnixMilli())
	return err
}

// RemoveMembers ends memberships, and the roles that came with them.
func (s *Store) RemoveMembers(ctx context.Context, orgID string, userIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		for _, id := range userIDs {
			if _, err := q.exec(ctx, "DELETE FROM organization_members WHERE tenant = ? AND org_id = ? AND user_id = ?", s.tenant.ID, orgID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// MemberRoles lists the ids of the roles that a member has in an organization.
func (s *Store) MemberRoles(ctx context.Context, orgID, userID string) ([]string, error) {
	out := []string{}
	err := s.read().each(ctx, "SELECT role_id FROM organization_member_roles WHERE tenant = ? AND org_id = ? AND user_id = ? ORDER BY role_id",
		[]any{s.tenant.ID, orgID, userID}, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			out = append(out, id)
			return err
		})
	return out, err
}

// AddMemberRoles gives a member roles in an organization, which must be roles of the tenant.
func (s *Store) AddMemberRoles(ctx context.Context, orgID, userID string, roleIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error { return s.addMemberRoles(ctx, q, orgID, userID, roleIDs) })
}

func (s *Store) addMemberRoles(ctx context.Context, q querier, orgID, userID string, roleIDs []string) error {
	for _, id := range roleIDs {
		_, err := q.exec(ctx, `INSERT INTO organization_member_roles (tenant, org_id, user_id, role_id) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, org_id, user_id, role_id) DO NOTHING`, s.tenant.ID, orgID, userID, id)
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

// RemoveMemberRoles takes roles from a member of an organization.
func (s *Store) RemoveMemberRoles(ctx context.Context, orgID, userID string, roleIDs []string) error {
	return s.inOrganization(ctx, orgID, func(q querier) error {
		for _, id := range roleIDs {
			_, err := q.exec(ctx, "DELETE FROM organization_member_roles WHERE tenant = ? AND org_id = ? AND user_id = ? AND role_id = ?", s.tenant.ID, orgID, userID, id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
