package scim

import (
	"encoding/json"
	"strconv"
	"strings"

	filter "github.com/scim2/filter-parser/v2"

	"github.com/stagedoor/stagedoor"
)

// The sizes of pages (RFC 7644 section 3.4.2.4).
const (
	pageSize    = 100
	maxPageSize = 200
)

// query is a list that somebody asks for, by GET or by POST to .search (RFC 7644 sections 3.4.2 and 3.4.3).
type query struct {
	where        filter.Expression // nil: all
	start, count int               // start counts from 1
	chosen, left []string          // attributes and excludedAttributes
	by           *path             // what is sorted by; nil: the order in which they were made
	descending   bool
}

// search is the body of POST to .search.
type search struct {
	Schemas            []string `json:"schemas"`
	Filter             string   `json:"filter"`
	StartIndex         *int     `json:"startIndex"`
	Count              *int     `json:"count"`
	Attributes         []string `json:"attributes"`
	ExcludedAttributes []string `json:"excludedAttributes"`
	SortBy             string   `json:"sortBy"`
	SortOrder          string   `json:"sortOrder"`
}

// query reads what is asked for.
func (c *call) query() (*query, error) {
	var in search
	if c.row.search {
		if err := json.Unmarshal(c.body, &in); err != nil {
			return nil, bad(invalidSyntax, "The body is no SearchRequest message.")
		}
		if len(in.Schemas) != 1 || !strings.EqualFold(in.Schemas[0], searchSchema) {
			return nil, bad(invalidSyntax, "The schemas of the body lack %s.", searchSchema)
		}
	} else {
		asked := c.r.URL.Query()
		in.Filter, in.Attributes, in.ExcludedAttributes = asked.Get("filter"), commas(asked.Get("attributes")), commas(asked.Get("excludedAttributes"))
		in.SortBy, in.SortOrder = asked.Get("sortBy"), asked.Get("sortOrder")
		for name, into := range map[string]**int{"startIndex": &in.StartIndex, "count": &in.Count} {
			if text := asked.Get(name); text != "" {
				n, err := strconv.Atoi(text)
				if err != nil {
					return nil, bad(invalidValue, "%s must be a number.", name)
				}
				*into = &n
			}
		}
	}
	for _, names := range [][]string{in.Attributes, in.ExcludedAttributes} {
		if err := fewNames(names); err != nil {
			return nil, err
		}
	}
	q := &query{start: 1, count: pageSize, chosen: in.Attributes, left: in.ExcludedAttributes}
	if in.StartIndex != nil {
		q.start = min(max(*in.StartIndex, 1), 1<<30)
	}
	if in.Count != nil {
		q.count = min(max(*in.Count, 0), maxPageSize)
	}
	if err := q.sort(in.SortBy, in.SortOrder); err != nil {
		return nil, err
	}
	var err error
	q.where, err = parseFilter(in.Filter)
	return q, err
}

// maxNames is how many attributes somebody may name: they are looked for in each resource.
const maxNames = 200

func fewNames(names []string) error {
	if len(names) > maxNames {
		return bad(invalidValue, "attributes and excludedAttributes name at most %d attributes each.", maxNames)
	}
	return nil
}

func commas(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// cut cuts a page of groups.
func (q *query) cut(all []stagedoor.Group) []stagedoor.Group { return window(q, all) }

func window[T any](q *query, all []T) []T {
	from := min(q.start-1, len(all))
	return all[from:min(from+q.count, len(all))]
}

// answer is a ListResponse.
func (q *query) answer(found []map[string]any, total int) map[string]any {
	shown := make([]any, len(found))
	for i, one := range found {
		shown[i] = choose(one, q.chosen, q.left)
	}
	return map[string]any{
		"schemas": []string{listSchema}, "totalResults": total, "startIndex": q.start, "itemsPerPage": len(found), "Resources": shown,
	}
}

func (q *query) wants(name string) bool { return wants(q.chosen, q.left, name) }

// wants tells whether an attribute of the request's answer is asked for.
func (c *call) wants(name string) bool {
	asked := c.r.URL.Query()
	return wants(commas(asked.Get("attributes")), commas(asked.Get("excludedAttributes")), name)
}

func wants(chosen, left []string, name string) bool {
	names := func(all []string) bool {
		for _, one := range all {
			if p, err := parsePath(one); err == nil && p.name == name && !p.extension {
				return true
			}
		}
		return false
	}
	return (len(chosen) == 0 || names(chosen)) && !names(left)
}

// choose leaves of a resource what attributes names, or what excludedAttributes does not (RFC 7644 section 3.9). What is always returned stays.
func choose(doc map[string]any, chosen, left []string) map[string]any {
	out := doc
	if len(chosen) > 0 {
		out = map[string]any{}
		for _, name := range []string{"schemas", "id", "meta"} {
			if v, ok := doc[name]; ok {
				out[name] = v
			}
		}
		for _, text := range chosen {
			if p, err := parsePath(text); err == nil {
				copyTo(out, doc, p)
			}
		}
	}
	for _, text := range left {
		p, err := parsePath(text)
		if err != nil || p.where != nil || !p.extension && (p.name == "id" || p.name == "schemas") {
			continue
		}
		switch holder := p.container(out); {
		case p.extension && p.name == "":
			delete(out, enterpriseSchema)
		case holder != nil:
			removeAt(holder, p)
		}
	}
	return out
}

// copyTo copies what stands at a path.
func copyTo(out, doc map[string]any, p path) {
	key, from, into := p.name, p.container(doc), out
	if p.extension {
		if from == nil {
			return
		}
		if p.name == "" {
			out[enterpriseSchema] = from
			return
		}
		inner, _ := out[enterpriseSchema].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			out[enterpriseSchema] = inner
		}
		into = inner
	}
	v, ok := from[key]
	if !ok {
		return
	}
	if p.sub == "" {
		into[key] = v
		return
	}
	switch v := v.(type) {
	case map[string]any:
		inner, _ := into[key].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
		}
		if part, ok := v[p.sub]; ok {
			inner[p.sub] = part
			into[key] = inner
		}
	case []any:
		already, _ := into[key].([]any)
		parts := make([]any, len(v))
		for i, one := range v {
			part := map[string]any{}
			if i < len(already) {
				part, _ = already[i].(map[string]any)
			}
			if object, _ := one.(map[string]any); object != nil && object[p.sub] != nil {
				part[p.sub] = object[p.sub]
			}
			parts[i] = part
		}
		into[key] = parts
	}
}
