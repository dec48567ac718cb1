package myorg

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/bearer"
)

// The options that say which values become which of a user's.
const (
	attributeMap = "attribute_map" // of OpenID Connect
	fieldsMap    = "fieldsMap"     // of SAML
)

// mapped is the mapping that a profile makes for a strategy, as the option has it; nil: there is nothing to say.
func (k *kind) mapped(strategy string, p *attributeProfile) (json.RawMessage, error) {
	if p == nil || k.mapping == "" {
		return nil, nil
	}
	values := map[string]any{}
	for _, a := range p.of(strategy) {
		switch {
		case k.mapping == fieldsMap && len(a.from.SAML) > 0:
			values[a.name] = a.from.SAML
		case k.mapping == attributeMap && a.from.OIDC != nil:
			values[a.name] = a.from.OIDC.Mapping
		}
	}
	if k.mapping == attributeMap {
		return json.Marshal(map[string]any{"mapping_mode": "use_map", "attributes": values})
	}
	if id := p.userID(strategy).SAML; len(id) > 0 {
		values["user_id"] = id
	}
	return json.Marshal(values)
}

// current are the values that a connection takes, by the name that users have them under.
func (k *kind) current(kept options) map[string][]string {
	var values map[string]any
	if k.mapping == attributeMap {
		var how struct {
			Mode       string         `json:"mapping_mode"`
			Attributes map[string]any `json:"attributes"`
		}
		if json.Unmarshal(kept[attributeMap], &how) == nil && how.Mode == "use_map" {
			values = how.Attributes
		}
	} else if json.Unmarshal(kept[fieldsMap], &values) != nil {
		values = nil
	}
	out := map[string][]string{}
	for name, value := range values {
		switch v := value.(type) {
		case string:
			out[name] = []string{strings.TrimSuffix(strings.TrimPrefix(v, "${context.tokenset."), "}")}
		case []any:
			for _, one := range v {
				if text, is := one.(string); is {
					out[name] = append(out[name], text)
				}
			}
		}
	}
	delete(out, "user_id")
	return out
}

// shown are the attributes of an identity provider beside those that the profile wants.
func shownAttributes[T any](wanted []expected, current map[string]T, field string, none T) []any {
	out := []any{}
	for _, a := range wanted {
		from, there := current[a.name]
		if !there {
			from = none
		}
		out = append(out, map[string]any{
			"user_attribute": a.name, "label": a.label, "description": a.description, "is_required": a.required, "is_extra": false, "is_missing": !there, field: from,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(current)) {
		if !slices.ContainsFunc(wanted, func(a expected) bool { return a.name == name }) {
			out = append(out, map[string]any{"user_attribute": name, "is_required": false, "is_extra": true, "is_missing": false, field: current[name]})
		}
	}
	return out
}

// refreshAttributes takes the values of an identity provider as the profile has them.
func (d *Door) refreshAttributes(c *call) (any, error) {
	p, err := c.full(c.R.PathValue("idp_id"))
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
	mapped, err := kinds[p.conn.Strategy].mapped(p.conn.Strategy, profile)
	if err != nil {
		return nil, err
	}
	if mapped == nil {
		return nil, bearer.Bad("Identity providers of the strategy %s have no attributes to map.", p.conn.Strategy)
	}
	p.conn, err = c.Store.UpdateConnection(c.Ctx(), p.conn.ID, func(conn *stagedoor.Connection) error {
		conn.Options.Stored = maps.Clone(conn.Options.Stored)
		conn.Options.Stored[kinds[conn.Strategy].mapping] = mapped
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.showProvider(c, p)
}
