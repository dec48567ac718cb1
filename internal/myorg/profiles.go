package myorg

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// What a connection profile says of a switch: it is off, on unless somebody says otherwise, or on.
const (
	never    = "none"
	optional = "optional"
	always   = "required"
)

// connectionProfile is what the tenant says of connections that others make.
type connectionProfile struct {
	Organization struct {
		ShowAsButton     string `json:"show_as_button"`
		AssignMembership string `json:"assign_membership_on_login"`
	} `json:"organization"`
	NamePrefix string   `json:"connection_name_prefix_template"`
	Features   []string `json:"enabled_features"`
	Overrides  map[string]struct {
		Features []string `json:"enabled_features"`
	} `json:"strategy_overrides"`
}

// ownPrefix is how names begin where the profile does not say: an organization takes no name that others of the tenant may want, such as that of a social connection.
const ownPrefix = "{org_id}-"

// document reads a profile that the client names into out; no tells that it names none.
func (d *Door) document(c *call, noun, id string, out any) (no bool, err error) {
	if id == "" {
		return true, nil
	}
	raw, err := d.Manage(c.Ctx(), c.Store, http.MethodGet, "/"+noun+"/"+url.PathEscape(id), nil)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return false, misconfigured()
	}
	if err != nil {
		return false, err
	}
	return false, json.Unmarshal(raw, out)
}

// profile is the connection profile of the client; nil: it names none.
func (d *Door) profile(c *call) (*connectionProfile, error) {
	p := new(connectionProfile)
	no, err := d.document(c, "connection-profiles", c.conf.ConnectionProfile, p)
	if no || err != nil {
		return nil, err
	}
	if p.NamePrefix == "" {
		p.NamePrefix = ownPrefix
	}
	if p.Organization.ShowAsButton == "" {
		p.Organization.ShowAsButton = optional
	}
	if p.Organization.AssignMembership == "" {
		p.Organization.AssignMembership = optional
	}
	return p, nil
}

// features are what connections of a strategy may have, in the words of this API.
func (p *connectionProfile) features(strategy string) []string {
	from, out := p.Features, []string{}
	if o, is := p.Overrides[strategy]; is && o.Features != nil {
		from = o.Features
	}
	if slices.Contains(from, "scim") && slices.Contains(provisioned, strategy) {
		out = append(out, "provisioning")
	}
	if slices.Contains(from, "universal_logout") {
		out = append(out, "universal_logout")
	}
	return out
}

// prefix is how the names of the organization's connections begin. Names of connections hold no _, ids and names of organizations do.
func (p *connectionProfile) prefix(o *stagedoor.Organization) string {
	return strings.ReplaceAll(strings.NewReplacer("{org_id}", o.ID, "{org_name}", o.Name).Replace(p.NamePrefix), "_", "-")
}

// readProviderConfig tells what identity providers can be here.
func (d *Door) readProviderConfig(c *call) (any, error) {
	p, err := d.profile(c)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, misconfigured()
	}
	strategies := map[string]any{}
	for _, name := range c.conf.Strategies {
		if kinds[name] == nil {
			continue
		}
		features, methods := p.features(name), []string{}
		if slices.Contains(features, "provisioning") {
			methods = append(methods, "scim")
		}
		strategies[strings.ReplaceAll(name, "-", "")] = map[string]any{"enabled_features": features, "provisioning_methods": methods}
	}
	return map[string]any{
		"organization": map[string]any{
			"can_set_show_as_button": p.Organization.ShowAsButton == optional, "can_set_assign_membership_on_login": p.Organization.AssignMembership == optional,
		},
		"strategies": strategies,
	}, nil
}

// attributeProfile is which values of identity providers become which of a user's, by the tenant's word.
type attributeProfile struct {
	UserID struct {
		userID
		Overrides map[string]userID `json:"strategy_overrides"`
	} `json:"user_id"`
	Attributes map[string]struct {
		Label       string `json:"label"`
		Description string `json:"description"`
		Required    bool   `json:"profile_required"`
		Name        string `json:"auth0_mapping"`
		sources
		Overrides map[string]sources `json:"strategy_overrides"`
	} `json:"user_attributes"`
}

type userID struct {
	SAML []string `json:"saml_mapping"`
	SCIM string   `json:"scim_mapping"`
}

// sources are where an attribute comes from, by protocol.
type sources struct {
	OIDC *struct {
		Mapping string `json:"mapping"`
	} `json:"oidc_mapping"`
	SAML []string `json:"saml_mapping"`
	SCIM string   `json:"scim_mapping"`
}

// attributeProfile is the user attribute profile of the client; nil: it names none.
func (d *Door) attributeProfile(c *call) (*attributeProfile, error) {
	p := new(attributeProfile)
	no, err := d.document(c, "user-attribute-profiles", c.conf.AttributeProfile, p)
	if no || err != nil {
		return nil, err
	}
	return p, nil
}

// expected is one attribute as it is to come from a strategy.
type expected struct {
	name, label, description string
	required                 bool
	from                     sources
}

// of are the attributes for a strategy, by the names that users have them under.
func (p *attributeProfile) of(strategy string) (all []expected) {
	if p == nil {
		return nil
	}
	for _, a := range p.Attributes {
		from := a.sources
		if o, is := a.Overrides[strategy]; is {
			if o.OIDC != nil {
				from.OIDC = o.OIDC
			}
			if o.SAML != nil {
				from.SAML = o.SAML
			}
			if o.SCIM != "" {
				from.SCIM = o.SCIM
			}
		}
		all = append(all, expected{a.Name, a.Label, a.Description, a.Required, from})
	}
	slices.SortFunc(all, func(a, b expected) int { return strings.Compare(a.name, b.name) })
	return all
}

func (p *attributeProfile) userID(strategy string) userID {
	id := p.UserID.userID
	if o := p.UserID.Overrides[strategy]; o.SAML != nil {
		id.SAML = o.SAML
	}
	if o := p.UserID.Overrides[strategy]; o.SCIM != "" {
		id.SCIM = o.SCIM
	}
	return id
}
