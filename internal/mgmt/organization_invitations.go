package mgmt

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

// invitationLife is how long an invitation is open unless told otherwise, in seconds.
const invitationLife = 604800

type listInvitationsIn struct {
	web.Paging
	web.Fields
	Sort string `json:"sort" pattern:"^[a-z_]+:-?1$" doc:"Field to sort by. Use field:order where order is 1 for ascending and -1 for descending Defaults to created_at:-1"`
}

func (a *API) listInvitations(c *call, in listInvitationsIn) (any, error) {
	field, order, _ := strings.Cut(in.Sort, ":")
	if field != "" && field != "created_at" {
		return nil, (&web.Violation{Path: "sort", Reason: "No enum match for: " + field}).Query()
	}
	o, err := a.organization(c)
	if err != nil {
		return nil, err
	}
	page, err := c.store.Invitations(c.ctx(), o.ID, order == "1", offsetPage(in.Paging))
	if err != nil {
		return nil, err
	}
	shown, err := showAll(page, func(v stagedoor.Invitation) (any, error) { return in.Pick(showInvitation(o, &v)) })
	if err != nil || !in.IncludeTotals {
		return shown, err
	}
	return map[string]any{"invitations": shown, "start": in.Start(), "limit": len(shown)}, nil // no total: as seen on the wire
}

func showInvitation(o *stagedoor.Organization, v *stagedoor.Invitation) map[string]any {
	out := map[string]any{
		"id": v.ID, "organization_id": v.OrganizationID, "client_id": v.ClientID, "inviter": map[string]string{"name": v.Inviter},
		"invitee": map[string]string{"email": v.Invitee}, "ticket_id": v.Ticket, "invitation_url": invitationURL(o, v),
		"created_at": stagedoor.FormatTime(time.UnixMilli(v.CreatedAt)), "expires_at": stagedoor.FormatTime(time.UnixMilli(v.ExpiresAt)),
	}
	if v.ConnectionID != "" {
		out["connection_id"] = v.ConnectionID
	}
	if len(v.Roles) > 0 {
		out["roles"] = v.Roles
	}
	if len(v.UserMetadata) > 0 {
		out["user_metadata"] = v.UserMetadata
	}
	if len(v.AppMetadata) > 0 {
		out["app_metadata"] = v.AppMetadata
	}
	return out
}

// invitationURL is where the invitee begins: the client's login route with the ticket.
func invitationURL(o *stagedoor.Organization, v *stagedoor.Invitation) string {
	u, err := url.Parse(strings.ReplaceAll(v.URL, "{organization_name}", o.Name))
	if err != nil {
		return ""
	}
	query := "invitation=" + url.QueryEscape(v.Ticket) + "&organization=" + url.QueryEscape(o.ID) + "&organization_name=" + url.QueryEscape(o.Name)
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String()
}

type inviterIn struct {
	Name string `json:"name" schema:"required,min=1,max=300" doc:"The inviter's name"`
}

type inviteeIn struct {
	Email string `json:"email" schema:"required,format=email" doc:"The invitee's email"`
}

type createInvitationIn struct {
	Inviter      inviterIn                   `json:"inviter" schema:"required"`
	Invitee      inviteeIn                   `json:"invitee" schema:"required"`
	ClientID     string                      `json:"client_id" schema:"required,min=1,max=255" doc:"Auth0 client ID. Used to resolve the application's login initiation endpoint"`
	ConnectionID string                      `json:"connection_id" schema:"min=1,max=50" doc:"The id of the connection to force invitee to authenticate with"`
	AppMetadata  web.Opt[stagedoor.Metadata] `json:"app_metadata" schema:"notnull" doc:"Data related to the user that does affect the application's core functionality"`
	UserMetadata web.Opt[stagedoor.Metadata] `json:"user_metadata" schema:"notnull" doc:"Data related to the user that does not affect the application's core functionality"`
	TTL          int                         `json:"ttl_sec" schema:"min=0,max=2592000" doc:"Number of seconds for which the invitation is valid before expiration"`
	Roles        []string                    `json:"roles" schema:"min=1,max=50,unique" doc:"List of roles IDs to associated with the user"`
	Send         web.Opt[bool]               `json:"send_invitation_email" schema:"notnull" doc:"Whether the user will receive an invitation email (true) or no email (false), true by default"`
	IdentityData web.Opt[json.RawMessage]    `json:"identity_provider_users" doc:"Users of identity providers"`
}

func (a *API) createInvitation(c *call, in createInvitationIn) (any, error) {
	o, err := a.organization(c)
	if err != nil {
		return nil, err
	}
	if in.IdentityData.Has() {
		return nil, unsupported("identity_provider_users")
	}
	v, err := in.invitation(c, o)
	if err != nil {
		return nil, err
	}
	if err := c.store.CreateInvitation(c.ctx(), v); err != nil {
		return nil, err
	}
	if v.Mailed && a.SendInvitation != nil {
		a.SendInvitation(c.ctx(), c.store, o, v, invitationURL(o, v))
	}
	return showInvitation(o, v), nil
}

// invitation is what was asked for, checked against the client and the organization.
func (in *createInvitationIn) invitation(c *call, o *stagedoor.Organization) (*stagedoor.Invitation, error) {
	client, err := c.store.Client(c.ctx(), in.ClientID)
	if err != nil {
		return nil, err
	}
	login := client.InitiateLoginURI
	if login == "" {
		login = c.store.Tenant().Settings.DefaultRedirectionURI
	}
	switch usage := client.OrganizationUse(); {
	case usage != stagedoor.OrganizationsAllow && usage != stagedoor.OrganizationsRequire:
		return nil, bad("invalid_body", "The specified client_id ("+client.ID+") does not allow organizations.")
	case login == "":
		return nil, bad("invalid_body", "A default login route is required to generate the invitation url.")
	}
	if in.ConnectionID != "" {
		if _, err := c.store.OrganizationConnection(c.ctx(), o.ID, in.ConnectionID); err != nil {
			return nil, err
		}
	}
	user, app := in.UserMetadata.Value.WithoutNulls(), in.AppMetadata.Value.WithoutNulls()
	if err := checkMetadata(c, user, app); err != nil {
		return nil, err
	}
	if in.TTL == 0 {
		in.TTL = invitationLife
	}
	now := c.store.Clock().Now()
	return &stagedoor.Invitation{
		OrganizationID: o.ID, ClientID: client.ID, ConnectionID: in.ConnectionID, Inviter: in.Inviter.Name, Invitee: strings.ToLower(in.Invitee.Email),
		URL: login, Roles: slices.Clone(in.Roles), UserMetadata: user, AppMetadata: app, Mailed: in.Send.Or(true), CreatedAt: now.UnixMilli(),
		ExpiresAt: now.Add(time.Duration(in.TTL) * time.Second).UnixMilli(), Ticket: stagedoor.NewClientID(),
	}, nil
}

func (a *API) readInvitation(c *call, in web.Fields) (any, error) {
	o, err := a.organization(c)
	if err != nil {
		return nil, err
	}
	v, err := c.store.Invitation(c.ctx(), o.ID, c.r.PathValue("invitation_id"))
	if err != nil {
		return nil, err
	}
	return in.Pick(showInvitation(o, v))
}

func (a *API) deleteInvitation(c *call) (any, error) {
	if _, err := a.organization(c); err != nil {
		return nil, err
	}
	return nil, c.store.DeleteInvitation(c.ctx(), c.id(), c.r.PathValue("invitation_id"))
}
