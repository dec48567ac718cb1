package mgmt

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// organizationSummary is what read:organizations_summary reaches.
var organizationSummary = []string{"id", "name", "display_name"}

// maxOrganizationReach is how many records can be paged through by offset (Management API fact sheet 1.4).
const maxOrganizationReach = 1000

type listOrganizationsIn struct {
	web.Paging
	web.Checkpoint
	Sort   string `json:"sort" pattern:"^[a-z_]+:-?1$" doc:"Field to sort by. Use field:order where order is 1 for ascending and -1 for descending"`
	Client string `json:"include_client_association_for" schema:"max=255" doc:"Client whose association is shown of each organization that has it"`
}

func (a *API) listOrganizations(c *call, in listOrganizationsIn) (any, error) {
	field, order, _ := strings.Cut(in.Sort, ":")
	if !store.SortsOrganizationsBy(field) {
		return nil, (&web.Violation{Path: "sort", Reason: "No enum match for: " + field}).Query()
	}
	q, err := organizationPage(in.Paging, in.Checkpoint)
	if err != nil {
		return nil, err
	}
	q.Sort, q.Descending = field, order == "-1"
	all, total, err := c.store.Organizations(c.ctx(), q)
	if err != nil {
		return nil, err
	}
	return answerPage(in.Paging, q, "organizations", all, total, false, func(o stagedoor.Organization) store.Position { return store.Position{At: o.CreatedAt, ID: o.ID} },
		func(o stagedoor.Organization) (any, error) { return showOrganizationWith(c, &o, in.Client) })
}

// showOrganizationWith shows an organization, and as client how the client belongs to it, if it does.
func showOrganizationWith(c *call, o *stagedoor.Organization, clientID string) (any, error) {
	shown, err := showOrganization(c, o)
	if err != nil || clientID == "" {
		return shown, err
	}
	of, err := c.store.OrganizationClient(c.ctx(), o.ID, clientID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return shown, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(shown)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, err
	}
	members["client"] = map[string]any{"use_for_member_access": of.UseForMemberAccess}
	return members, nil
}

// organizationPage is a page as the store wants it. Offsets end after the first 1000 records (Management API fact sheet 1.4).
func organizationPage(paging web.Paging, at web.Checkpoint) (store.OrganizationQuery, error) {
	if !at.Asked() {
		if paging.Start()+paging.Size() > maxOrganizationReach {
			return store.OrganizationQuery{}, bad("invalid_paging", "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation")
		}
		return offsetPage(paging), nil
	}
	from, err := positionOf(at.From)
	return store.OrganizationQuery{From: from, Take: at.Take.Or(50)}, err
}

// offsetPage is a page by offset as the store wants it. Where no totals are asked for nothing is counted.
func offsetPage(paging web.Paging) store.OrganizationQuery {
	return store.OrganizationQuery{Page: paging.Page, PerPage: paging.Size(), Uncounted: !paging.IncludeTotals}
}

// positionOf reads the checkpoint that checkpointAt has written.
func positionOf(checkpoint string) (store.Position, error) {
	p, is := store.ParsePosition(checkpoint)
	if !is {
		return p, errCheckpoint
	}
	return p, nil
}

func checkpointAt(p store.Position) string { return p.String() }

// answerPage shows a page that the store has cut. always tells that a checkpoint is given with every page that holds
// something, also the last one.
func answerPage[T any](paging web.Paging, q store.OrganizationQuery, key string, page []T, total int, always bool, place func(T) store.Position, show func(T) (any, error)) (any, error) {
	shown := make([]any, len(page))
	for i, item := range page {
		var err error
		if shown[i], err = show(item); err != nil {
			return nil, err
		}
	}
	if q.Take == 0 {
		return web.Envelope(paging, key, shown, total), nil
	}
	next := ""
	if len(page) == q.Take || always && len(page) > 0 {
		next = checkpointAt(place(page[len(page)-1]))
	}
	return web.CheckpointEnvelope(key, shown, next), nil
}

// showOrganization is an organization as the caller's scopes reach it.
func showOrganization(c *call, o *stagedoor.Organization) (any, error) {
	shown := organizationShown(o)
	if !c.wholeOrganizations() && !c.row.writes() {
		return web.Fields{Names: organizationSummary}.Pick(shown)
	}
	return shown, nil
}

// wholeOrganizations tells whether the caller sees more of organizations than the summary.
func (c *call) wholeOrganizations() bool {
	return c.caller.has("read:organizations") || !c.caller.has("read:organizations_summary")
}

// organizationShown is an organization as the wire has it, with what holds where nothing was set.
func organizationShown(o *stagedoor.Organization) stagedoor.Organization {
	shown := *o
	shown.CreatedAt = 0
	shown.Stored = map[string]json.RawMessage{"third_party_client_access": json.RawMessage(`"block"`)}
	maps.Copy(shown.Stored, o.Stored)
	return shown
}

func (a *API) organization(c *call) (*stagedoor.Organization, error) {
	return c.store.Organization(c.ctx(), c.id())
}

func (a *API) readOrganization(c *call) (any, error) {
	o, err := a.organization(c)
	if err != nil {
		return nil, err
	}
	return showOrganization(c, o)
}

func (a *API) organizationByName(c *call) (any, error) {
	o, err := c.store.OrganizationByName(c.ctx(), strings.ToLower(c.r.PathValue("name")))
	if err != nil {
		return nil, err
	}
	return showOrganization(c, o)
}

type organizationIn struct {
	DisplayName web.Opt[string]               `json:"display_name" schema:"min=1,max=255" doc:"Friendly name of this organization"`
	Branding    web.Opt[organizationBranding] `json:"branding" doc:"Theme defines how to style the login pages"`
	Metadata    web.Opt[metadataIn]           `json:"metadata" schema:"max=25" doc:"Metadata associated with the organization, in the form of an object with string values"`
	Quota       web.Opt[json.RawMessage]      `json:"token_quota" doc:"The token quota configuration"`
	ThirdParty  web.Opt[string]               `json:"third_party_client_access" schema:"enum=block|allow" doc:"Controls whether this organization can be used in user flows with third-party clients"`
	Entitlement web.Opt[bool]                 `json:"is_app_entitlement_active" schema:"notnull" doc:"Whether this organization's app entitlement is active"`
}

// organizationQuota is the shape of a quota, which is kept as it came.
var organizationQuota = web.NewSchema[struct {
	Quota tokenQuotaIn `json:"token_quota"`
}]()

type organizationBranding struct {
	LogoURL web.Opt[string]             `json:"logo_url" schema:"format=uri" doc:"URL of logo to display on login page"`
	Colors  web.Opt[organizationColors] `json:"colors" doc:"Color scheme used to customize the login pages"`
}

type organizationColors struct {
	Primary        string `json:"primary" schema:"required" pattern:"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$" doc:"HEX Color for primary elements"`
	PageBackground string `json:"page_background" schema:"required" pattern:"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$" doc:"HEX Color for background"`
}

type createOrganizationIn struct {
	Name        string         `json:"name" schema:"required,min=1,max=50" pattern:"^[a-z0-9][a-z0-9_-]*$" doc:"The name of this organization"`
	Connections []connectionOf `json:"enabled_connections" schema:"max=10" doc:"Connections that will be enabled for this organization"`
	organizationIn
}

type updateOrganizationIn struct {
	_    struct{}        `schema:"min=1"`
	Name web.Opt[string] `json:"name" schema:"notnull,min=1,max=50" pattern:"^[a-z0-9][a-z0-9_-]*$" doc:"The name of this organization"`
	organizationIn
}

// apply copies what was sent. Metadata and branding are replaced whole; null removes.
func (in *organizationIn) apply(o *stagedoor.Organization) error {
	metadata, err := texts(in.Metadata.Value)
	if err != nil {
		return err
	}
	if in.Quota.Has() {
		if _, wrong := organizationQuota.Check([]byte(`{"token_quota":` + string(in.Quota.Value) + `}`)); wrong != nil {
			return wrong.Body()
		}
	}
	in.DisplayName.Into(&o.DisplayName)
	if in.Metadata.Set {
		o.Metadata = metadata
	}
	if in.Branding.Set {
		o.Branding = nil
	}
	if in.Branding.Has() {
		o.Branding = &stagedoor.OrganizationBranding{LogoURL: in.Branding.Value.LogoURL.Value}
		if colors := in.Branding.Value.Colors; colors.Has() {
			o.Branding.Colors = &stagedoor.OrganizationColors{Primary: colors.Value.Primary, PageBackground: colors.Value.PageBackground}
		}
	}
	stored := map[string]json.RawMessage{}
	if in.Quota.Set {
		stored["token_quota"] = orNull(in.Quota)
	}
	if in.ThirdParty.Set {
		stored["third_party_client_access"] = encoded(in.ThirdParty)
	}
	if in.Entitlement.Set {
		stored["is_app_entitlement_active"] = encoded(in.Entitlement)
	}
	keepStored(&o.Stored, stored)
	return nil
}

func orNull(v web.Opt[json.RawMessage]) json.RawMessage {
	if v.Null {
		return json.RawMessage("null")
	}
	return v.Value
}

// encoded is a member as it is kept: null removes it.
func encoded[T any](v web.Opt[T]) json.RawMessage {
	if v.Null {
		return json.RawMessage("null")
	}
	b, _ := json.Marshal(v.Value) // a text or a truth
	return b
}

func (a *API) createOrganization(c *call, in createOrganizationIn) (any, error) {
	if len(in.Connections) > 0 && !c.caller.has("create:organization_connections") {
		return nil, insufficient("create:organization_connections")
	}
	o := &stagedoor.Organization{Name: in.Name}
	if err := in.apply(o); err != nil {
		return nil, err
	}
	enabled, seen := []stagedoor.OrganizationConnection{}, map[string]bool{}
	for _, one := range in.Connections {
		conn, err := connectionFor(c, one.ID)
		if err != nil {
			return nil, err
		}
		if seen[conn.ID] {
			return nil, badProperty("enabled_connections", "Array items are not unique")
		}
		seen[conn.ID] = true
		oc := newOrganizationConnection(conn.ID)
		if err := one.apply(oc, conn); err != nil {
			return nil, err
		}
		enabled = append(enabled, *oc)
	}
	if err := c.store.CreateOrganization(c.ctx(), o, enabled); err != nil {
		return nil, err
	}
	if len(enabled) == 0 {
		return showOrganization(c, o)
	}
	b, err := json.Marshal(organizationShown(o))
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, err
	}
	out["enabled_connections"], err = showAll(enabled, func(oc stagedoor.OrganizationConnection) (any, error) {
		return showEnabledConnection(c, &oc)
	})
	return out, err
}

// showAll shows the items of a list.
func showAll[T any](all []T, show func(T) (any, error)) ([]any, error) {
	out := make([]any, len(all))
	for i, one := range all {
		var err error
		if out[i], err = show(one); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *API) updateOrganization(c *call, in updateOrganizationIn) (any, error) {
	o, err := c.store.UpdateOrganization(c.ctx(), c.id(), func(o *stagedoor.Organization) error {
		in.Name.Into(&o.Name)
		return in.apply(o)
	})
	if err != nil {
		return nil, err
	}
	return showOrganization(c, o)
}

func (a *API) deleteOrganization(c *call) (any, error) {
	return nil, c.store.DeleteOrganization(c.ctx(), c.id())
}

func (a *API) userOrganizations(c *call, in web.Paging) (any, error) {
	if _, err := c.store.User(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.UserOrganizations(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return listOf(c, in, web.Checkpoint{}, all)
}

type clientGrantOrganizationsIn struct {
	web.Paging
	web.Checkpoint
}

func (a *API) clientGrantOrganizations(c *call, in clientGrantOrganizationsIn) (any, error) {
	if _, err := c.store.ClientGrant(c.ctx(), c.id()); err != nil {
		return nil, err
	}
	all, err := c.store.ClientGrantOrganizations(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return listOf(c, in.Paging, in.Checkpoint, all)
}

func listOf(c *call, paging web.Paging, at web.Checkpoint, all []stagedoor.Organization) (any, error) {
	return listed(c, paging, at, "organizations", all, func(o stagedoor.Organization) string { return o.ID },
		func(o stagedoor.Organization) (any, error) {
			return organizationShown(&o), nil
		})
}
