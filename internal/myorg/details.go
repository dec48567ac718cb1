package myorg

import (
	"encoding/json"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
	"github.com/stagedoor/stagedoor/internal/web"
)

func (d *Door) readConfig(c *call) (any, error) {
	return map[string]any{"allowed_strategies": append([]string{}, c.conf.Strategies...), "connection_deletion_behavior": c.conf.Deletion}, nil
}

func showDetails(o *stagedoor.Organization) any {
	out := map[string]any{"id": o.ID, "name": o.Name}
	if o.DisplayName != "" {
		out["display_name"] = o.DisplayName
	}
	if o.Branding != nil {
		out["branding"] = o.Branding
	}
	return out
}

func (d *Door) readDetails(c *call) (any, error) { return showDetails(c.org), nil }

type detailsIn struct {
	_           struct{}                 `schema:"min=1"`
	ID          web.Opt[string]          `json:"id" schema:"notnull,max=50" doc:"As it was read; it stays"`
	Name        web.Opt[string]          `json:"name" schema:"notnull,min=1,max=50" doc:"What people type"`
	DisplayName web.Opt[string]          `json:"display_name" schema:"min=1,max=255" doc:"What people see"`
	Branding    web.Opt[json.RawMessage] `json:"branding" doc:"How the pages of logins look"`
}

func (d *Door) updateDetails(c *call, in detailsIn) (any, error) {
	change := map[string]any{}
	if in.ID.Set && in.ID.Value != c.org.ID {
		return nil, bearer.Wrong("id", "The id of an organization stays.")
	}
	if in.Name.Set && in.Name.Value != c.org.Name {
		change["name"] = in.Name.Value
	}
	if in.DisplayName.Set {
		change["display_name"] = orNull(in.DisplayName)
	}
	if in.Branding.Set {
		var logo struct {
			URL string `json:"logo_url"`
		}
		if json.Unmarshal(in.Branding.Value, &logo) == nil && logo.URL != "" && !strings.HasPrefix(logo.URL, "https://") {
			return nil, bearer.Wrong("branding.logo_url", "It is no https address.")
		}
		change["branding"] = orNull(in.Branding)
	}
	if len(change) == 0 {
		return showDetails(c.org), nil
	}
	if _, err := d.manage(c, "PATCH", "", change); err != nil {
		return nil, err
	}
	o, err := c.Store.Organization(c.Ctx(), c.org.ID)
	if err != nil {
		return nil, err
	}
	return showDetails(o), nil
}

// orNull is what was sent, as the Management API takes it: null takes away what was there.
func orNull[T any](v web.Opt[T]) any {
	if v.Null {
		return nil
	}
	return v.Value
}

// deleteOrganization deletes the organization as the tenant would: members, invitations and what is theirs alone go with it, users stay.
func (d *Door) deleteOrganization(c *call) (any, error) {
	_, err := d.manage(c, "DELETE", "", nil)
	return nil, err
}
