package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/store"
)

// checkOrganization finds the organization that a request is for, and the invitation to it, and whether the client may use
// organizations at all (Authentication API fact sheet 2.2).
func checkOrganization(ctx context.Context, st *store.Store, client *stagedoor.Client, params url.Values, req *stagedoor.AuthorizationRequest) error {
	asked, ticket, may := params.Get("organization"), params.Get("invitation"), client.UsesOrganizations()
	switch {
	case asked != "" && !may:
		return pipeline.ErrNotForClient("organization")
	case ticket != "" && !may:
		return pipeline.ErrNotForClient("invitation")
	case ticket != "" && asked == "":
		return missing("organization")
	case asked == "" && client.OrganizationUse() == stagedoor.OrganizationsRequire && client.OrganizationBehavior() == stagedoor.OrganizationNoPrompt:
		return pipeline.ErrOrganizationRequired()
	case asked == "":
		return nil
	}
	o, err := pipeline.FindOrganization(ctx, st, asked)
	if err != nil {
		return err
	}
	takes, err := pipeline.Takes(ctx, st, o, client)
	if err != nil {
		return err
	}
	if !takes {
		return pipeline.ErrNotTaken(o)
	}
	req.Organization = o.ID
	if ticket == "" {
		return nil
	}
	v, err := st.InvitationByTicket(ctx, ticket)
	if stagedoor.IsKind(err, stagedoor.NotFound) || err == nil && (v.OrganizationID != o.ID || v.ClientID != client.ID) {
		return pipeline.ErrInvitation()
	}
	if err != nil {
		return err
	}
	req.Invitation, req.LoginHint = v.ID, v.Invitee
	if v.ConnectionID != "" {
		conn, err := st.Connection(ctx, v.ConnectionID)
		if err != nil {
			return err
		}
		req.Connection = conn.Name
	}
	return nil
}

// waitsFor returns the id of the organization that a client names which is about to wait for a person elsewhere; empty for none. What [checkOrganization] refuses is
// refused here: nobody is sent to a page for what would come to nothing there.
func waitsFor(ctx context.Context, st *store.Store, client *stagedoor.Client, asked string) (string, error) {
	var req stagedoor.AuthorizationRequest
	err := checkOrganization(ctx, st, client, url.Values{"organization": {asked}}, &req)
	return req.Organization, err
}

// machineOrganization returns the organization that a client asks a token of its own for: the one named, or its default one. The
// grant must allow organizations, and this one (Management API fact sheet 3.5).
func (t *tokenRequest) machineOrganization(ctx context.Context, granted *stagedoor.ClientGrant) (*stagedoor.Organization, error) {
	asked, use := t.params["organization"], granted.OrganizationUsage
	may := use == stagedoor.OrganizationsAllow || use == stagedoor.OrganizationsRequire
	switch {
	case asked != "" && !may:
		return nil, pipeline.ErrNotForClient("organization")
	case !may:
		return nil, nil
	case asked == "":
		asked = t.client.DefaultOrganization("client_credentials")
	}
	switch {
	case asked == "" && use == stagedoor.OrganizationsRequire:
		return nil, pipeline.ErrOrganizationRequired()
	case asked == "":
		return nil, nil
	}
	o, err := pipeline.FindOrganization(ctx, t.st, asked)
	if err != nil || t.client.IsFirstParty && granted.AllowAnyOrganization != nil && *granted.AllowAnyOrganization {
		return o, err
	}
	all, err := t.st.OrganizationGrants(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		if g.ID == granted.ID {
			return o, nil
		}
	}
	return nil, stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "Client %q is not authorized to access organization %q.", t.client.ID, o.ID)
}

// asksOrganization tells whether people will be asked before they log in which organization they mean.
func asksOrganization(client *stagedoor.Client, req *stagedoor.AuthorizationRequest) bool {
	return req.Organization == "" && client.OrganizationBehavior() == stagedoor.OrganizationPreLogin && client.OrganizationUse() == stagedoor.OrganizationsRequire
}

// organizationPlaceholder stands in registered URLs for the name of the organization that a login is for (Authentication API
// fact sheet 10.1).
const organizationPlaceholder = "{organization_name}"

// atOrganization returns the client with the URLs that it has for the organization that a request names. Those that need one
// are gone where none is named. A name is made of characters that end no part of a URL.
func atOrganization(ctx context.Context, st *store.Store, client *stagedoor.Client, asked string) (*stagedoor.Client, error) {
	needs := func(s string) bool { return strings.Contains(s, organizationPlaceholder) }
	if !slices.ContainsFunc(client.Callbacks, needs) && !slices.ContainsFunc(client.WebOrigins, needs) {
		return client, nil
	}
	name := ""
	if asked != "" {
		o, err := pipeline.FindOrganization(ctx, st, asked)
		switch {
		case err == nil:
			name = o.Name
		case !stagedoor.IsKind(err, stagedoor.Invalid):
			return nil, err
		}
	}
	of := func(registered []string) []string {
		var out []string
		for _, s := range registered {
			if needs(s) && name == "" {
				continue
			}
			out = append(out, strings.ReplaceAll(s, organizationPlaceholder, name))
		}
		return out
	}
	at := *client
	at.Callbacks, at.WebOrigins = of(client.Callbacks), of(client.WebOrigins)
	return &at, nil
}
