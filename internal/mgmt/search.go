package mgmt

import (
	"fmt"

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
