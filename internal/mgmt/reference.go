package mgmt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/web"
	"github.com/stagedoor/stagedoor/ui"
)

// Reference returns the operations as a page shows them, by noun, in the order of the table of contents.
func (a *API) Reference(issuer string) []ui.ReferenceGroup {
	var groups []ui.ReferenceGroup
	at := map[string]int{}
	for i := range a.rows {
		r := &a.rows[i]
		n, known := at[r.tag()]
		if !known {
			n = len(groups)
			at[r.tag()] = n
			groups = append(groups, ui.ReferenceGroup{Name: r.tag()})
		}
		o := ui.ReferenceOperation{ID: r.ID(), Method: r.method, Path: r.pattern, Title: r.title, Status: r.status, Scopes: r.spokenScopes(), Example: r.example(issuer)}
		if r.query != nil {
			for _, p := range r.query.Parameters() {
				o.Parameters = append(o.Parameters, referenceField(p.Name, p.Required, p.Doc, p.Schema))
			}
		}
		if r.body != nil {
			o.Body = referenceFields("", r.body.JSONSchema(), 0)
		}
		groups[n].Operations = append(groups[n].Operations, o)
	}
	return groups
}

func (r *row) spokenScopes() string {
	var groups []string
	for _, group := range r.groups() {
		groups = append(groups, strings.Join(group, " or "))
	}
	if len(groups) == 1 {
		return groups[0]
	}
	return "(" + strings.Join(groups, ") and (") + ")"
}

// deepest is how far members of members are listed.
const deepest = 2

func referenceFields(prefix string, schema map[string]any, depth int) []ui.ReferenceField {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]string)
	var out []ui.ReferenceField
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		member, _ := properties[name].(map[string]any)
		doc, _ := member["description"].(string)
		out = append(out, referenceField(prefix+name, slices.Contains(required, name), doc, member))
		if depth < deepest {
			inner, suffix := member, "."
			if items, isList := member["items"].(map[string]any); isList {
				inner, suffix = items, "[]."
			}
			out = append(out, referenceFields(prefix+name+suffix, inner, depth+1)...)
		}
	}
	return out
}

func referenceField(name string, required bool, doc string, schema map[string]any) ui.ReferenceField {
	f := ui.ReferenceField{Name: name, Required: required, Doc: doc, Type: typeName(schema)}
	var rules []string
	for _, keyword := range []string{"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "pattern", "format"} {
		if value, set := schema[keyword]; set {
			rules = append(rules, fmt.Sprintf("%s %v", keyword, value))
		}
	}
	choices, _ := schema["enum"].([]any)
	if items, isList := schema["items"].(map[string]any); isList && choices == nil {
		choices, _ = items["enum"].([]any)
	}
	if choices != nil {
		var words []string
		for _, c := range choices {
			if c == nil { // which the type says
				continue
			}
			words = append(words, fmt.Sprint(c))
		}
		rules = append(rules, "one of "+strings.Join(words, ", "))
	}
	f.Rules = strings.Join(rules, "; ")
	return f
}

func typeName(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		if items, isList := schema["items"].(map[string]any); isList {
			return "list of " + typeName(items)
		}
		return t
	case []string:
		plain := maps.Clone(schema)
		plain["type"] = t[0]
		return typeName(plain) + " or null"
	}
	return "any"
}

// example is a request for a shell, with what is required and no more.
func (r *row) example(issuer string) string {
	address := strings.TrimSuffix(issuer, "/") + Base + placeholders.ReplaceAllStringFunc(r.pattern, func(s string) string { return strings.ToUpper(strings.Trim(s, "{}")) })
	var asked []string
	if r.query != nil {
		for _, p := range r.query.Parameters() {
			if p.Required {
				asked = append(asked, p.Name+"="+strings.ToUpper(p.Name))
			}
		}
	}
	if len(asked) > 0 {
		address += "?" + strings.Join(asked, "&")
	}
	var b strings.Builder
	b.WriteString("curl")
	if r.method != "GET" {
		b.WriteString(" -X " + r.method)
	}
	fmt.Fprintf(&b, " '%s' \\\n  -H \"Authorization: Bearer $TOKEN\"", address)
	switch {
	case r.media != "":
		fmt.Fprintf(&b, " \\\n  -F …")
	case r.body != nil:
		body, err := json.Marshal(web.Sample(r.body.JSONSchema()))
		if err == nil {
			fmt.Fprintf(&b, " \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'", body)
		}
	}
	return b.String()
}
