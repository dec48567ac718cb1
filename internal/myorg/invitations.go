package myorg

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/guard"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// maxInvitations is how many invitations an organization can have open before this API makes no more: each is a mail to an address that a member has named.
const maxInvitations = 1000

type listInvitationsIn struct {
	web.Checkpoint
	web.Fields
	Sort string `json:"sort" pattern:"^created_at:(1|-1)$" doc:"In which order"`
}

func (d *Door) listInvitations(c *call, in listInvitationsIn) (any, error) {
	q, err := positions(in.Checkpoint)
	if err != nil {
		return nil, err
	}
	all, err := c.Store.Invitations(c.Ctx(), c.org.ID, in.Sort == "created_at:1", q)
	if err != nil {
		return nil, err
	}
	shown := make([]any, len(all))
	for i := range all {
		if shown[i], err = in.Pick(showInvitation(&all[i])); err != nil {
			return nil, err
		}
	}
	next := ""
	if len(all) == q.Take {
		last := all[len(all)-1]
		next = store.Position{At: last.CreatedAt, ID: last.ID}.String()
	}
	return web.CheckpointEnvelope("invitations", shown, next), nil
}

// showInvitation is an invitation without its ticket: who comes with that has shown that they read the mails of the address, and whoever invites must not seem to.
func showInvitation(v *stagedoor.Invitation) map[string]any {
	out := map[string]any{
		"id": v.ID, "organization_id": v.OrganizationID, "inviter": map[string]string{"name": v.Inviter}, "invitee": map[string]string{"email": v.Invitee},
		"created_at": stagedoor.FormatTime(time.UnixMilli(v.CreatedAt)), "expires_at": stagedoor.FormatTime(time.UnixMilli(v.ExpiresAt)),
	}
	if v.ConnectionID != "" {
		out["identity_provider_id"] = v.ConnectionID
	}
	if len(v.Roles) > 0 {
		out["roles"] = v.Roles
	}
	return out
}

type inviteeIn struct {
	Email string   `json:"email" schema:"required,min=1,max=320,format=email" doc:"Where the invitation goes"`
	Roles []string `json:"roles" schema:"max=10,unique" doc:"Roles that the member gets"`
}

type inviterIn struct {
	Name web.Opt[string] `json:"name" schema:"notnull,min=1,max=300" doc:"Who invites"`
}

type invitationsIn struct {
	Invitees []inviteeIn        `json:"invitees" schema:"required,min=1,max=10" doc:"Who is invited"`
	Inviter  web.Opt[inviterIn] `json:"inviter" schema:"notnull" doc:"Who invites"`
	Provider web.Opt[string]    `json:"identity_provider_id" schema:"notnull" pattern:"^con_[A-Za-z0-9]{16}$" doc:"The identity provider by which they come"`
	TTL      int                `json:"ttl_sec" schema:"min=0,max=2592000" doc:"How long the invitations are open, in seconds"`
}

// createInvitations invites one after another, after it has looked at all. Who was invited before and has not come is invited anew.
func (d *Door) createInvitations(c *call, in invitationsIn) (any, error) {
	if err := d.mayInvite(c, in); err != nil {
		return nil, err
	}
	shown := []any{}
	for _, who := range in.Invitees {
		body := map[string]any{
			"inviter": map[string]string{"name": cmp.Or(in.Inviter.Value.Name.Value, stagedoor.Clip(c.User.Shown(), 300), "?")}, "invitee": map[string]string{"email": who.Email},
			"client_id": cmp.Or(c.conf.InvitationClient, c.Client.ID), "ttl_sec": in.TTL,
		}
		if len(who.Roles) > 0 {
			body["roles"] = who.Roles
		}
		if in.Provider.Set {
			body["connection_id"] = in.Provider.Value
		}
		answer, err := d.manage(c, "POST", "/invitations", body)
		if err != nil {
			return nil, err
		}
		var made struct{ ID string }
		if err := json.Unmarshal(answer, &made); err != nil {
			return nil, err
		}
		v, err := c.Store.Invitation(c.Ctx(), c.org.ID, made.ID)
		if err != nil {
			return nil, err
		}
		if err := c.Store.SupersedeInvitations(c.Ctx(), v); err != nil {
			return nil, err
		}
		shown = append(shown, showInvitation(v))
	}
	return shown, nil
}

// mayInvite refuses what could not be done for all of them.
func (d *Door) mayInvite(c *call, in invitationsIn) error {
	if in.Provider.Set {
		if p, err := c.provider(in.Provider.Value); err != nil {
			return err
		} else if !p.of.IsEnabled {
			return missing("identity provider")
		}
	}
	for _, who := range in.Invitees {
		if err := c.ownRoles(who.Roles); err != nil {
			return err
		}
	}
	open, err := c.Store.Invitations(c.Ctx(), c.org.ID, false, store.OrganizationQuery{Page: maxInvitations - len(in.Invitees), PerPage: 1})
	if err == nil && len(open) > 0 {
		err = stagedoor.Errorf(stagedoor.Forbidden, "too_many_entities", "The organization has too many open invitations.")
	}
	for _, who := range in.Invitees {
		if err == nil { // those that were taken back, or superseded, were mailed as well
			err = guard.Invitation(c.Ctx(), c.Store, c.org.ID, who.Email)
		}
	}
	return err
}

// invitation is the invitation to the organization that an id names.
func (c *call) invitation(id string) (*stagedoor.Invitation, error) {
	v, err := c.Store.Invitation(c.Ctx(), c.org.ID, id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = missing("invitation")
	}
	return v, err
}

func (d *Door) readInvitation(c *call, in web.Fields) (any, error) {
	v, err := c.invitation(c.R.PathValue("invitation_id"))
	if err != nil {
		return nil, err
	}
	return in.Pick(showInvitation(v))
}

// listInvitationRoles names the roles of an invitation that are there still.
func (d *Door) listInvitationRoles(c *call) (any, error) {
	v, err := c.invitation(c.R.PathValue("invitation_id"))
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, id := range v.Roles {
		r, err := c.Store.Role(c.Ctx(), id)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		shown = append(shown, showRole(*r))
	}
	return map[string]any{"roles": shown}, nil
}

func (d *Door) deleteInvitation(c *call) (any, error) {
	err := c.Store.DeleteInvitation(c.Ctx(), c.org.ID, strings.TrimSpace(c.R.PathValue("invitation_id")))
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = missing("invitation")
	}
	return nil, err
}

type deleteInvitationsIn struct {
	IDs []string `json:"invitations" schema:"required,min=1,max=10,unique" doc:"Ids of the invitations that are taken back"`
}

// deleteInvitations takes all of them back, or none where one is not there.
func (d *Door) deleteInvitations(c *call, in deleteInvitationsIn) (any, error) {
	for _, id := range in.IDs {
		if _, err := c.invitation(id); err != nil {
			return nil, err
		}
	}
	for _, id := range in.IDs {
		if err := c.Store.DeleteInvitation(c.Ctx(), c.org.ID, id); err != nil && !stagedoor.IsKind(err, stagedoor.NotFound) { // redeemed meanwhile
			return nil, err
		}
	}
	return nil, nil
}
