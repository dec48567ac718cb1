package myorg

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/token"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Base is the path under which the API lives.
const Base = "/my-org/v1"

// maxProvider is how many bytes say what an identity provider is: some have their metadata with them.
const maxProvider = 256 << 10

// Deps are what the door works with.
type Deps struct {
	Keys *token.Keys
	Log  *slog.Logger

	// Manage runs an operation of the Management API, with all its checks of the body, and logs nothing: target is the path and query beneath its own, escaped.
	Manage func(ctx context.Context, st *store.Store, method, target string, body any) (json.RawMessage, error)
	// LookupTXT looks the texts of a name up in the DNS.
	LookupTXT func(ctx context.Context, name string) ([]string, error)
}

// Door serves the API of all tenants. It is safe for concurrent use.
type Door struct {
	Deps
	door *bearer.Door[*call]
}

type row = bearer.Row[*call]

// How the log events of writes begin.
const (
	loggedConfig      = "my_organization_api_config"
	loggedDetails     = "my_organization_api_org_details"
	loggedDomains     = "my_organization_api_domain"
	loggedProviders   = "my_organization_api_idp"
	loggedMembers     = "my_organization_api_member"
	loggedInvitations = "my_organization_api_member_invitation"
)

func scope(names ...string) []string {
	for i, name := range names {
		verb, what, _ := strings.Cut(name, ":")
		names[i] = verb + ":my_org:" + what
	}
	return names
}

// routes is the door's table of contents. What has no function is not served: the wire knows it by name only.
func (d *Door) routes() []row {
	at := bearer.At[*call]
	return []row{
		at("GET", "/config", scope("read:configuration"), 200, "Read what can be done with one's organization", "", d.readConfig),
		at("GET", "/config/identity-providers", scope("read:configuration"), 200, "Read what identity providers of one's organization can be", "", d.readProviderConfig),
		at("GET", "/details", scope("read:details"), 200, "Read one's organization", "", d.readDetails),
		at("PATCH", "/details", scope("update:details"), 200, "Change one's organization", loggedDetails, bearer.Body(d.updateDetails)),
		at("DELETE", "/{$}", scope("delete:organizations"), 204, "Delete one's organization", loggedDetails, d.deleteOrganization),
		at("GET", "/domains", scope("read:domains"), 200, "List the domains of one's organization", "", bearer.Query(d.listDomains)),
		at("POST", "/domains", scope("create:domains"), 201, "Claim a domain for one's organization", loggedDomains, bearer.Body(d.createDomain)),
		at("GET", "/domains/{domain_id}", scope("read:domains"), 200, "Get a domain of one's organization", "", d.readDomain),
		at("DELETE", "/domains/{domain_id}", scope("delete:domains"), 204, "Give a domain of one's organization up", loggedDomains, d.deleteDomain),
		at("POST", "/domains/{domain_id}/verify", scope("update:domains"), 202, "Look whether a domain is one's organization's", loggedDomains, d.verifyDomain),
		at("GET", "/domains/{domain_id}/identity-providers", scope("read:domains", "read:identity_providers"), 200, "List the identity providers of a domain", "", d.listDomainProviders),
		at("GET", "/identity-providers", scope("read:identity_providers"), 200, "List the identity providers of one's organization", "", d.listProviders),
		at("POST", "/identity-providers", scope("create:identity_providers"), 201, "Make an identity provider of one's organization", loggedProviders, bearer.BodyUpTo(maxProvider, d.createProvider)),
		at("GET", "/identity-providers/{idp_id}", scope("read:identity_providers"), 200, "Get an identity provider of one's organization", "", d.readProvider),
		at("PATCH", "/identity-providers/{idp_id}", scope("update:identity_providers"), 200, "Change an identity provider of one's organization", loggedProviders, bearer.BodyUpTo(maxProvider, d.updateProvider)),
		at("DELETE", "/identity-providers/{idp_id}", scope("delete:identity_providers"), 204, "Delete an identity provider of one's organization", loggedProviders, d.deleteProvider),
		at("PUT", "/identity-providers/{idp_id}/update-attributes", scope("update:identity_providers"), 200, "Take the attributes of an identity provider from the profile", loggedProviders, d.refreshAttributes),
		at("POST", "/identity-providers/{idp_id}/detach", scope("update:identity_providers_detach"), 204, "Take an identity provider out of one's organization", loggedProviders, d.detachProvider),
		at("POST", "/identity-providers/{idp_id}/domains", scope("create:identity_providers_domains"), 201, "Give an identity provider a domain", loggedProviders, bearer.Body(d.addProviderDomain)),
		at("DELETE", "/identity-providers/{idp_id}/domains/{domain}", scope("delete:identity_providers_domains"), 204, "Take a domain from an identity provider", loggedProviders, d.removeProviderDomain),
		at("GET", "/identity-providers/{idp_id}/provisioning", scope("read:identity_providers_provisioning"), 200, "Get the provisioning of an identity provider", "", d.readProvisioning),
		at("POST", "/identity-providers/{idp_id}/provisioning", scope("create:identity_providers_provisioning"), 201, "Begin the provisioning of an identity provider", loggedProviders, d.createProvisioning),
		at("DELETE", "/identity-providers/{idp_id}/provisioning", scope("delete:identity_providers_provisioning"), 204, "End the provisioning of an identity provider", loggedProviders, d.deleteProvisioning),
		at("PUT", "/identity-providers/{idp_id}/provisioning/update-attributes", scope("update:identity_providers_provisioning"), 200, "Take the attributes of a provisioning from the profile", loggedProviders, d.refreshProvisioning),
		at("GET", "/identity-providers/{idp_id}/provisioning/scim-tokens", scope("read:identity_providers_scim_tokens"), 200, "List the tokens of a provisioning", "", d.listSCIMTokens),
		at("POST", "/identity-providers/{idp_id}/provisioning/scim-tokens", scope("create:identity_providers_scim_tokens"), 201, "Make a token of a provisioning", loggedProviders, bearer.Body(d.createSCIMToken)),
		at("DELETE", "/identity-providers/{idp_id}/provisioning/scim-tokens/{idp_scim_token_id}", scope("delete:identity_providers_scim_tokens"), 204, "Revoke a token of a provisioning", loggedProviders, d.deleteSCIMToken),
		at("GET", "/members", scope("read:members"), 200, "List the members of one's organization", "", bearer.Query(d.listMembers)),
		at("GET", "/members/{user_id}", scope("read:members"), 200, "Get a member of one's organization", "", bearer.Query(d.readMember)),
		at("POST", "/delete-memberships", scope("delete:memberships"), 204, "Take a member out of one's organization", loggedMembers, bearer.Body(d.removeMembers)),
		at("GET", "/members/{user_id}/roles", scope("read:member_roles"), 200, "List the roles of a member of one's organization", "", bearer.Query(d.listMemberRoles)),
		at("POST", "/members/{user_id}/roles", scope("create:member_roles"), 204, "Give roles to a member of one's organization", loggedMembers, bearer.Body(d.addMemberRoles)),
		at("DELETE", "/members/{user_id}/roles", scope("delete:member_roles"), 204, "Take roles from a member of one's organization", loggedMembers, bearer.Body(d.removeMemberRoles)),
		at("POST", "/members/{user_id}/unassign-roles", scope("delete:member_roles"), 204, "Take roles from a member of one's organization", loggedMembers, bearer.Body(d.removeMemberRoles)),
		at("GET", "/roles", scope("read:member_roles"), 200, "List the roles that members of one's organization can have", "", bearer.Query(d.listRoles)),
		at("GET", "/member-invitations", scope("read:member_invitations"), 200, "List the invitations to one's organization", "", bearer.Query(d.listInvitations)),
		at("POST", "/member-invitations", scope("create:member_invitations"), 201, "Invite to one's organization", loggedInvitations, bearer.Body(d.createInvitations)),
		at("GET", "/member-invitations/{invitation_id}", scope("read:member_invitations"), 200, "Get an invitation to one's organization", "", bearer.Query(d.readInvitation)),
		at("DELETE", "/member-invitations/{invitation_id}", scope("delete:member_invitations"), 204, "Take an invitation to one's organization back", loggedInvitations, d.deleteInvitation),
		at("GET", "/member-invitations/{invitation_id}/roles", scope("read:member_roles"), 200, "List the roles that an invitation gives", "", d.listInvitationRoles),
		at("POST", "/delete-member-invitations", scope("delete:member_invitations"), 204, "Take invitations to one's organization back", loggedInvitations, bearer.Body(d.deleteInvitations)),
	}
}

// New returns the door.
func New(deps Deps) *Door {
	d := &Door{Deps: deps}
	d.door = bearer.New(bearer.API[*call]{
		Name: "My Organization API", Base: Base, Methods: "GET, POST, PUT, PATCH, DELETE", Audience: token.MyOrganizationAudience, Means: token.IsMyOrganization, Rows: d.routes(),
		New: func(b *bearer.Call, r *row) *call { return &call{Call: b, row: r} }, Admit: (*call).admit, Log: (*call).log, Explain: explain,
	}, deps.Keys, deps.Log)
	return d
}

// Routes lists what the door serves.
func (d *Door) Routes() []web.Route { return d.door.Routes() }

// Serves tells whether a path is the door's.
func Serves(path string) bool { return strings.HasPrefix(path, Base+"/") }

// ServeHTTP answers a request to the tenant that st is bound to.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request, st *store.Store) {
	d.door.ServeHTTP(w, r, st)
}

// NoTenant answers a request of which it is not known to which tenant it is.
func (d *Door) NoTenant(w http.ResponseWriter, r *http.Request, err error) {
	d.door.NoTenant(w, r, err)
}

// call is one request on its way through the door.
type call struct {
	*bearer.Call
	row  *row
	org  *stagedoor.Organization   // the token's, of which the person is a member
	conf *stagedoor.MyOrganization // of the client
}

// admit looks for the organization of the token: a token acts on no other, as long as its person is a member, and its client is for this API.
func (c *call) admit() error {
	id, _ := c.Claims.Raw["org_id"].(string)
	if id == "" {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The token is for no organization.")
	}
	org, err := c.Store.Organization(c.Ctx(), id)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return missing("organization")
	}
	if err != nil {
		return err
	}
	if member, err := c.Store.IsMember(c.Ctx(), org.ID, c.User.ID); err != nil {
		return err
	} else if !member {
		return stagedoor.Errorf(stagedoor.Forbidden, "access_denied", "The user is no member of the organization.")
	}
	c.org = org
	if c.conf = c.Client.MyOrganization(); c.conf == nil || !c.Client.IsFirstParty {
		return misconfigured()
	}
	return nil
}

// log tells the tenant's log what came of a write, and that a client lacks what the API needs.
func (c *call) log(what, why string) {
	kind := c.row.Logged
	if kind == "" && why != "" && strings.HasPrefix(c.row.Pattern, "/config") {
		kind = loggedConfig
	}
	if kind == "" {
		return
	}
	e := c.Written(kind+"_"+what, c.row.Title, why, token.MyOrganizationAudience(c.Store.Tenant()), Base+c.row.Pattern)
	if c.org != nil {
		e.OrgID, e.OrgName = c.org.ID, c.org.Name
	}
	path := map[string]string{}
	for _, name := range web.Wildcards(c.row.Pattern) {
		path[name] = stagedoor.Clip(strings.ToValidUTF8(c.R.PathValue(name), ""), 300)
	}
	if len(path) > 0 {
		e.Details["parameters"] = path
	}
	c.Store.Log(e)
}

func missing(what string) error {
	return stagedoor.Errorf(stagedoor.NotFound, "inexistent", "The %s does not exist.", what)
}

func misconfigured() error {
	return stagedoor.Errorf(stagedoor.Conflict, bearer.CodeConfiguration, "The configuration is missing or not valid. Please ask the administrator of the tenant.")
}

// explain makes the errors of the Management API errors of this one.
func explain(err error) error {
	if e := stagedoor.AsError(err); e.Kind == stagedoor.Conflict && e.Code != bearer.CodeConfiguration {
		return &stagedoor.Error{Kind: e.Kind, Code: bearer.CodeDuplicate, Message: e.Message}
	}
	return err
}

// manage runs an operation of the Management API on the organization: path is beneath it.
func (d *Door) manage(c *call, method, path string, body any) (json.RawMessage, error) {
	return d.Manage(c.Ctx(), c.Store, method, "/organizations/"+c.org.ID+path, body)
}

// page is a page of what is small enough to be read whole.
func page[T any](key string, in web.Checkpoint, all []T, id func(T) string, show func(T) any) (any, error) {
	items, next, v := web.After(in, all, id)
	if v != nil {
		return nil, v.Query()
	}
	shown := make([]any, len(items))
	for i, one := range items {
		shown[i] = show(one)
	}
	return web.CheckpointEnvelope(key, shown, next), nil
}

// positions reads a page that the store cuts.
func positions(in web.Checkpoint) (store.OrganizationQuery, error) {
	at, is := store.ParsePosition(in.From)
	if !is {
		return store.OrganizationQuery{}, (&web.Violation{Path: "from", Reason: "This is no checkpoint."}).Query()
	}
	return store.OrganizationQuery{From: at, Take: in.Take.Or(50)}, nil
}
