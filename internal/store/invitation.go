package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/jose"
)

func errInvitationMissing() error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent_invitation", "The invitation does not exist.")
}

func (s *Store) scanInvitation(scan func(...any) error) (*stagedoor.Invitation, error) {
	var doc, sealed string
	err := scan(&doc, &sealed)
	if errors.Is(err, errNoRows) {
		return nil, errInvitationMissing()
	}
	if err != nil {
		return nil, err
	}
	v := new(stagedoor.Invitation)
	if err := json.Unmarshal([]byte(doc), v); err != nil {
		return nil, err
	}
	v.Ticket, err = s.unseal(sealed, "invitations", v.ID)
	return v, err
}

func (s *Store) invitation(ctx context.Context, q querier, query string, args ...any) (*stagedoor.Invitation, error) {
	return s.scanInvitation(func(dest ...any) error { return q.row(ctx, query, args, dest...) })
}

// Invitations lists a page of the open invitations of an organization, newest first, or oldest first: by offset, or, if Take is not 0, behind From.
func (s *Store) Invitations(ctx context.Context, orgID string, oldestFirst bool, in OrganizationQuery) ([]stagedoor.Invitation, error) {
	order, behind := "created_at DESC, id DESC", "<"
	if oldestFirst {
		order, behind = "created_at, id", ">"
	}
	where, args, limit := "", []any{s.tenant.ID, orgID, s.db.clock.Now().UnixMilli()}, " LIMIT ? OFFSET ?"
	if in.From.ID != "" {
		where, args = " AND (created_at, id) "+behind+" (?, ?)", append(args, in.From.At, in.From.ID)
	}
	if in.Take > 0 {
		limit, args = " LIMIT ?", append(args, in.Take)
	} else {
		args = append(args, in.PerPage, in.Page*in.PerPage)
	}
	out := []stagedoor.Invitation{}
	err := s.read().each(ctx, "SELECT doc, sealed FROM invitations"+s.db.by("invitations_created_at")+" WHERE tenant = ? AND org_id = ? AND expires_at > ?"+where+" ORDER BY "+order+limit,
		args, func(scan func(...any) error) error {
			v, err := s.scanInvitation(scan)
			if err == nil {
				out = append(out, *v)
			}
			return err
		})
	return out, err
}

// Invitation returns an open invitation by its id.
func (s *Store) Invitation(ctx context.Context, orgID, id string) (*stagedoor.Invitation, error) {
	return s.invitation(ctx, s.read(), "SELECT doc, sealed FROM invitations WHERE tenant = ? AND org_id = ? AND id = ? AND expires_at > ?",
		s.tenant.ID, orgID, id, s.db.clock.Now().UnixMilli())
}

// InvitationByTicket returns the open invitation that a ticket is of.
func (s *Store) InvitationByTicket(ctx context.Context, ticket string) (*stagedoor.Invitation, error) {
	return s.invitation(ctx, s.read(), "SELECT doc, sealed FROM invitations WHERE tenant = ? AND hash = ? AND expires_at > ?",
		s.tenant.ID, jose.HashToken(ticket), s.db.clock.Now().UnixMilli())
}

// CreateInvitation adds an invitation, with a ticket. Its roles must be there; one that is gone when it is accepted is left out.
func (s *Store) CreateInvitation(ctx context.Context, v *stagedoor.Invitation) error {
	v.ID = stagedoor.NewID("uinv_")
	kept := *v
	kept.Ticket = ""
	doc, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return s.inOrganization(ctx, v.OrganizationID, func(q querier) error {
		if err := s.checkMemberRoles(ctx, q, v.OrganizationID, v.Roles); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO invitations (tenant, org_id, id, hash, doc, sealed, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			s.tenant.ID, v.OrganizationID, v.ID, jose.HashToken(v.Ticket), document(doc), s.seal(v.Ticket, "invitations", v.ID), v.CreatedAt, v.ExpiresAt)
		return err
	})
}

// DeleteInvitation takes an invitation back.
func (s *Store) DeleteInvitation(ctx context.Context, orgID, id string) error {
	return s.writeOne(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM invitations WHERE tenant = ? AND org_id = ? AND id = ?", s.tenant.ID, orgID, id)
		if err == nil && n == 0 {
			err = errInvitationMissing()
		}
		return err
	})
}

// SupersedeInvitations takes back the other invitations of an organization to the address of one.
func (s *Store) SupersedeInvitations(ctx context.Context, v *stagedoor.Invitation) error {
	return s.inOrganization(ctx, v.OrganizationID, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM invitations WHERE tenant = ? AND org_id = ? AND id <> ? AND doc ->> 'invitee' = ?", s.tenant.ID, v.OrganizationID, v.ID, v.Invitee)
		return err
	})
}

// AcceptInvitation makes a user a member with the roles of the invitation, and uses it up: of many callers one succeeds, to
// the others it is missing.
func (s *Store) AcceptInvitation(ctx context.Context, orgID, id, userID string) (v *stagedoor.Invitation, err error) {
	err = s.inOrganization(ctx, orgID, func(q querier) error {
		if v, err = s.invitation(ctx, q, "DELETE FROM invitations WHERE tenant = ? AND org_id = ? AND id = ? AND expires_at > ? RETURNING doc, sealed",
			s.tenant.ID, orgID, id, s.db.clock.Now().UnixMilli()); err != nil {
			return err
		}
		if err := s.addMember(ctx, q, orgID, userID); err != nil {
			return err
		}
		return s.addMemberRoles(ctx, q, orgID, userID, v.Roles)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Invitations that name a client or a connection that is gone, of all organizations: nobody could accept them.
var (
	clientInvitations     = goesAlong{table: "invitations", key: "org_id, id", where: "doc ->> 'client_id' = ?", by: "invitations_client"}
	connectionInvitations = goesAlong{table: "invitations", key: "org_id, id", where: "doc ->> 'connection_id' = ?", by: "invitations_connection"}
)

// deleteInvitations removes those that have come since the others went in pieces.
func (s *Store) deleteInvitations(ctx context.Context, q querier, of goesAlong, id string) error {
	_, err := q.exec(ctx, "DELETE FROM "+of.table+s.db.by(of.by)+" WHERE tenant = ? AND "+of.where, s.tenant.ID, id)
	return err
}

// invitationsAtOnce is how many invitations are looked at for a role, or lose it in one transaction.
const invitationsAtOnce = 500

// uninviteRole takes a role that goes out of the invitations that name it, some at a time: they may be any number. Who invites with it meanwhile has it left out when the
// invitation is accepted.
func (s *Store) uninviteRole(ctx context.Context, id string) error {
	org, last := "", ""
	for more := true; more; {
		var some [][2]string // by organization and id
		looked := 0
		err := s.read().each(ctx, "SELECT org_id, id, doc FROM invitations WHERE tenant = ? AND (org_id, id) > (?, ?) ORDER BY org_id, id LIMIT ?", []any{s.tenant.ID, org, last, invitationsAtOnce}, func(scan func(...any) error) error {
			var doc string
			var v stagedoor.Invitation
			if err := scan(&org, &last, &doc); err != nil {
				return err
			}
			looked++
			err := json.Unmarshal([]byte(doc), &v)
			if slices.Contains(v.Roles, id) {
				some = append(some, [2]string{org, last})
			}
			return err
		})
		if err == nil && len(some) > 0 {
			err = s.write(ctx, func(q querier) error { return s.takeFromInvitations(ctx, q, id, some) })
		}
		if err != nil {
			return err
		}
		more = looked == invitationsAtOnce
	}
	return nil
}

// takeFromInvitations takes a role out of invitations, but for those that were accepted meanwhile.
func (s *Store) takeFromInvitations(ctx context.Context, q querier, role string, some [][2]string) error {
	const one = " WHERE tenant = ? AND org_id = ? AND id = ?"
	for _, at := range some {
		var doc string
		err := q.row(ctx, "SELECT doc FROM invitations"+one+s.db.forUpdate(), []any{s.tenant.ID, at[0], at[1]}, &doc)
		if errors.Is(err, errNoRows) {
			continue
		}
		var v stagedoor.Invitation
		if err == nil {
			err = json.Unmarshal([]byte(doc), &v)
		}
		if err != nil {
			return err
		}
		v.Roles = slices.DeleteFunc(v.Roles, func(is string) bool { return is == role })
		changed, err := json.Marshal(v)
		if err == nil {
			_, err = q.exec(ctx, "UPDATE invitations SET doc = ?"+one, document(changed), s.tenant.ID, at[0], at[1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
