package stagedoor

import (
	"encoding/json"
	"slices"
)

// Rendering says which front end of the tenant's own takes the place of a hosted page (Advanced Customizations for Universal Login).
type Rendering struct {
	Mode            string            `json:"rendering_mode"`        // advanced, or standard: the page is ours
	Context         []string          `json:"context_configuration"` // what the front end is told
	HeadTags        []HeadTag         `json:"head_tags"`
	NoDefaultTags   bool              `json:"default_head_tags_disabled"`
	UsePageTemplate bool              `json:"use_page_template"`
	Filters         *RenderingFilters `json:"filters"` // nil: for everybody
}

// HeadTag is an element of the page's head.
type HeadTag struct {
	Tag        string                     `json:"tag"`
	Attributes map[string]json.RawMessage `json:"attributes"` // texts, lists of texts, true
	Content    string                     `json:"content"`
}

// RenderingFilters tell for whom a front end is.
type RenderingFilters struct {
	MatchType     string           `json:"match_type"` // includes_any, excludes_any
	Clients       []RenderingMatch `json:"clients"`
	Organizations []RenderingMatch `json:"organizations"`
	Domains       []RenderingMatch `json:"domains"`
}

// RenderingMatch is one thing by its id, or all that have some metadata.
type RenderingMatch struct {
	ID       string         `json:"id"`
	Metadata map[string]any `json:"metadata"`
}

// Runs tells whether there is a front end that can be shown: one without a script would be an empty page.
func (r *Rendering) Runs() bool {
	return r != nil && r.Mode == "advanced" && slices.ContainsFunc(r.HeadTags, func(t HeadTag) bool { return t.Tag == "script" })
}

// Meets tells whether a front end is for a login of the client, to the organization, at the custom domain; each may be nil.
func (r *Rendering) Meets(c *Client, o *Organization, d *CustomDomain) bool {
	f := r.Filters
	if f == nil || len(f.Clients)+len(f.Organizations)+len(f.Domains) == 0 {
		return true
	}
	met := c != nil && meets(f.Clients, c.ID, c.Metadata) || o != nil && meets(f.Organizations, o.ID, o.Metadata) || d != nil && meets(f.Domains, d.ID, d.Metadata)
	return met == (f.MatchType != "excludes_any")
}

func meets(list []RenderingMatch, id string, metadata map[string]string) bool {
	return slices.ContainsFunc(list, func(m RenderingMatch) bool {
		if m.ID != "" {
			return m.ID == id
		}
		for name, value := range m.Metadata {
			if has, found := metadata[name]; !found || value != has {
				return false
			}
		}
		return len(m.Metadata) > 0
	})
}
