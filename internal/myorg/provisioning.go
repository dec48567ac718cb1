package myorg

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// provisioned are the strategies whose providers can make users themselves.
var provisioned = []string{"oidc", "okta", "samlp", "waad"}

// provisioning is the identity provider of the path, which is the organization's own.
func (c *call) provisioning() (*provider, *stagedoor.SCIMConfig, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, nil, err
	}
	s, err := store.SCIMConfigs.Get(c.Ctx(), c.Store, p.conn.ID)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		err = missing("provisioning configuration")
	}
	return p, s, err
}

func (d *Door) showProvisioning(c *call, p *provider, s *stagedoor.SCIMConfig) (any, error) {
	profile, err := d.attributeProfile(c)
	if err != nil {
		return nil, err
	}
	current := map[string]string{}
	for _, row := range s.Mapping {
		current[row.Attribute] = row.SCIM
	}
	return map[string]any{
		"identity_provider_id": p.conn.ID, "identity_provider_name": p.conn.Name, "strategy": p.conn.Strategy, "method": "scim", "user_id_attribute": s.UserIDAttribute,
		"attributes": shownAttributes(profile.of(p.conn.Strategy), current, "provisioning_field", ""),
		"created_at": stagedoor.FormatTime(s.CreatedAt), "updated_on": stagedoor.FormatTime(s.UpdatedAt),
	}, nil
}

func (d *Door) readProvisioning(c *call) (any, error) {
	p, s, err := c.provisioning()
	if err != nil {
		return nil, err
	}
	return d.showProvisioning(c, p, s)
}

// scimOf is what a profile says of the provisioning of a strategy, as the Management API takes it; empty: what holds without one.
func scimOf(p *attributeProfile, strategy string) map[string]any {
	body := map[string]any{}
	if p == nil {
		return body
	}
	rows := []map[string]string{{"auth0": "blocked", "scim": "active"}}
	for _, a := range p.of(strategy) {
		if a.from.SCIM != "" && a.name != "blocked" {
			rows = append(rows, map[string]string{"auth0": a.name, "scim": a.from.SCIM})
		}
	}
	body["mapping"] = rows
	if id := p.userID(strategy).SCIM; id != "" {
		body["user_id_attribute"] = id
	}
	return body
}

func scimPath(id string) string { return "/connections/" + url.PathEscape(id) + "/scim-configuration" }

func (d *Door) createProvisioning(c *call) (any, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
	if err != nil {
		return nil, err
	}
	if err := d.mayProvision(c, p); err != nil {
		return nil, err
	}
	profile, err := d.attributeProfile(c)
	if err != nil {
		return nil, err
	}
	if _, err := d.Manage(c.Ctx(), c.Store, "POST", scimPath(p.conn.ID), scimOf(profile, p.conn.Strategy)); err != nil {
		return nil, err
	}
	return d.readProvisioning(c)
}

// mayProvision refuses provisioning that the tenant's profile does not have.
func (d *Door) mayProvision(c *call, p *provider) error {
	profile, err := d.profile(c)
	if err != nil {
		return err
	}
	if profile == nil {
		return misconfigured()
	}
	if !slices.Contains(profile.features(p.conn.Strategy), "provisioning") {
		return bearer.Bad("Identity providers of the strategy %s have no provisioning here.", p.conn.Strategy)
	}
	return nil
}

func (d *Door) deleteProvisioning(c *call) (any, error) {
	p, _, err := c.provisioning()
	if err != nil {
		return nil, err
	}
	_, err = d.Manage(c.Ctx(), c.Store, "DELETE", scimPath(p.conn.ID), nil)
	return nil, err
}

func (d *Door) refreshProvisioning(c *call) (any, error) {
	p, s, err := c.provisioning()
	if err != nil {
		return nil, err
	}
	profile, err := d.attributeProfile(c)
	if err != nil {
		return nil, err
	}
	if profile == nil {
		return nil, misconfigured()
	}
	body := scimOf(profile, p.conn.Strategy)
	if body["user_id_attribute"] == nil {
		body["user_id_attribute"] = s.UserIDAttribute
	}
	if _, err := d.Manage(c.Ctx(), c.Store, "PATCH", scimPath(p.conn.ID), body); err != nil {
		return nil, err
	}
	return d.readProvisioning(c)
}

// scimToken is a token of provisioning as the Management API has it; the token itself only when it was made.
type scimToken struct {
	ID         string   `json:"token_id"`
	Token      string   `json:"token,omitempty"`
	Scopes     []string `json:"scopes"`
	CreatedAt  string   `json:"created_at"`
	ValidUntil string   `json:"valid_until,omitempty"`
}

func (d *Door) listSCIMTokens(c *call) (any, error) {
	p, _, err := c.provisioning()
	if err != nil {
		return nil, err
	}
	answer, err := d.Manage(c.Ctx(), c.Store, "GET", scimPath(p.conn.ID)+"/tokens", nil)
	if err != nil {
		return nil, err
	}
	all := []scimToken{}
	return map[string]any{"scim_tokens": &all}, json.Unmarshal(answer, &all)
}

type scimTokenIn struct {
	Lifetime web.Opt[int] `json:"token_lifetime" schema:"notnull,min=901,max=2147483647" doc:"How long it works, in seconds"`
}

func (d *Door) createSCIMToken(c *call, in scimTokenIn) (any, error) {
	p, _, err := c.provisioning()
	if err != nil {
		return nil, err
	}
	if err := d.mayProvision(c, p); err != nil {
		return nil, err
	}
	body := map[string]any{}
	if in.Lifetime.Set {
		body["token_lifetime"] = in.Lifetime.Value
	}
	answer, err := d.Manage(c.Ctx(), c.Store, "POST", scimPath(p.conn.ID)+"/tokens", body)
	if err != nil {
		return nil, err
	}
	var made scimToken
	return &made, json.Unmarshal(answer, &made)
}

func (d *Door) deleteSCIMToken(c *call) (any, error) {
	p, s, err := c.provisioning()
	if err != nil {
		return nil, err
	}
	id := c.R.PathValue("idp_scim_token_id")
	if !slices.ContainsFunc(s.Tokens, func(t stagedoor.SCIMToken) bool { return t.ID == id }) {
		return nil, missing("token")
	}
	_, err = d.Manage(c.Ctx(), c.Store, "DELETE", scimPath(p.conn.ID)+"/tokens/"+url.PathEscape(id), nil)
	return nil, err
}

// endProvisioning takes all tokens of provisioning from a connection.
func (c *call) endProvisioning(id string) error {
	_, err := store.SCIMConfigs.Update(c.Ctx(), c.Store, id, func(s *stagedoor.SCIMConfig) error {
		s.Tokens = nil
		return nil
	})
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	return err
}
