package mgmt

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/lucene"
	"github.com/stagedoor/stagedoor/internal/web"
)

// meaning reads a query in Lucene's syntax, which came as the parameter name. An error points at the place.
func meaning(schema *lucene.Schema, name, text string) (*lucene.Expr, error) {
	node, err := lucene.Parse(text)
	if err == nil {
		var e *lucene.Expr
		if e, err = schema.Compile(node); err == nil {
			return e, nil
		}
	}
	return nil, (&web.Violation{Path: name, Reason: err.Error(), Doc: "Query in Lucene query string syntax"}).Query()
}

// withinReach refuses pages beyond what the tenant lets lists reach (Management API fact sheet 1.4).
func withinReach(c *call, p web.Paging) error {
	limit := c.store.Tenant().Settings.Local.MaxSearchResults
	if limit == 0 || p.Start()+p.Size() <= limit {
		return nil
	}
	return bad("invalid_paging", fmt.Sprintf("You can only page through the first %d records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation", limit))
}

// Fields of the grants of a client, which q of clients knows.
const (
	grantOrganization    = "client_grant.organization_id"
	grantAnyOrganization = "client_grant.allow_any_organization"
)

// clientSchema is what q of clients knows: the two fields of grants that the wire documents, and what names a client.
var clientSchema = lucene.Schema{
	Bare: []string{"client_id", "name"}, Dates: []string{"updated_at"}, Fold: named,
	Known: []string{"client_id", "external_client_id", "name", "description", "app_type", "is_first_party", "global", "updated_at", "metadata.*", grantOrganization, grantAnyOrganization},
}

// within is a schema of what the caller can read alone: whoever sees a summary finds nothing out about the rest by asking for it.
func within(schema *lucene.Schema, whole bool, summary []string) *lucene.Schema {
	if whole {
		return schema
	}
	part := *schema
	part.Known = slices.DeleteFunc(slices.Clone(schema.Known), func(field string) bool { return !slices.Contains(summary, field) })
	return &part
}

// clientsSchema is what the caller's q of clients knows.
func (c *call) clientsSchema() *lucene.Schema {
	return within(&clientSchema, c.wholeClients(), clientSummary)
}

// clientsThat returns those of the clients that q finds. They are few, so that each is asked.
func (c *call) clientsThat(q string, all []stagedoor.Client) ([]stagedoor.Client, error) {
	where, err := meaning(c.clientsSchema(), "q", q)
	if err != nil {
		return nil, err
	}
	values, err := c.clientValues(where)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(cl stagedoor.Client) bool {
		of := values(cl).of
		return !where.Match(func(path string) []string { return of[path] })
	}), nil
}

// clientValues returns what a query of clients can find; grants are read only where it asks for them.
func (c *call) clientValues(where *lucene.Expr) (func(stagedoor.Client) values, error) {
	byGrants := map[string]values{} // by client
	if where.Mentions(grantOrganization) || where.Mentions(grantAnyOrganization) {
		grants, err := c.store.ClientGrants(c.ctx())
		if err != nil {
			return nil, err
		}
		organizations, err := c.organizationsOfGrants(where.Mentions(grantOrganization))
		if err != nil {
			return nil, err
		}
		for _, g := range grants {
			v, known := byGrants[g.ClientID]
			if !known {
				v = newValues(&clientSchema)
				byGrants[g.ClientID] = v
			}
			v.flags(map[string]bool{grantAnyOrganization: g.AllowAnyOrganization != nil && *g.AllowAnyOrganization})
			v.of[grantOrganization] = append(v.of[grantOrganization], organizations[g.ID]...)
		}
	}
	return func(cl stagedoor.Client) values {
		v := newValues(&clientSchema)
		maps.Copy(v.of, byGrants[cl.ID].of)
		if cl.UpdatedAt != 0 {
			v.texts("", map[string]string{"updated_at": stagedoor.FormatTime(time.UnixMilli(cl.UpdatedAt))})
		}
		return v.texts("", map[string]string{"client_id": cl.ID, externalClientID: optionText(cl.Stored, externalClientID), "name": cl.Name, "description": cl.Description, "app_type": cl.AppType}).
			texts("metadata.", cl.Metadata).flags(map[string]bool{"is_first_party": cl.IsFirstParty, "global": cl.Global})
	}, nil
}

// organizationsOfGrants are the forms of the ids of the organizations that each grant may be used for, if they are asked for: in one statement, for there may be many grants.
func (c *call) organizationsOfGrants(asked bool) (map[string][]string, error) {
	if !asked {
		return map[string][]string{}, nil
	}
	out, err := c.store.GrantOrganizations(c.ctx())
	for _, ids := range out {
		for i := range ids {
			ids[i] = lucene.Text(ids[i])
		}
	}
	return out, err
}

// domainSchema is what q of custom domains knows, groupSchema what that of a directory's groups does.
var (
	domainSchema = lucene.Schema{Bare: []string{"domain"}, Known: []string{"custom_domain_id", "domain", "status", "type"}}
	groupSchema  = lucene.Schema{Bare: []string{"name"}, Known: []string{"id", "name", "email"}}
)

// found returns those of the records that q finds, whose members are texts. They are few, so that each is asked.
func found[T any](schema *lucene.Schema, q string, all []T, members func(T) map[string]string) (out []T, err error) {
	where, err := meaning(schema, "q", q)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		texts := members(one)
		if where.Match(func(path string) []string {
			if texts[path] == "" {
				return nil
			}
			return []string{lucene.Text(texts[path])}
		}) {
			out = append(out, one)
		}
	}
	return out, nil
}
