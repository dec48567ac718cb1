package web

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Shape describes what a Schema reads, for documents about an API (OpenAPI 3.1, whose schemas are JSON Schema 2020-12).
type Shape interface {
	// JSONSchema describes the whole value.
	JSONSchema() map[string]any
	// Parameters describes the members as parameters of a query.
	Parameters() []Parameter
}

// Parameter is one parameter of a query.
type Parameter struct {
	Name     string
	Doc      string
	Required bool
	Comma    bool // a list is written a,b; else the parameter is repeated
	Schema   map[string]any
}

// Shape describes what the schema reads. What a schema does that does not depend on T is done by its node, once: there are hundreds of Ts.
func (s *Schema[T]) Shape() Shape { return s.root }

func (n *node) JSONSchema() map[string]any { return n.describe() }

func (n *node) Parameters() []Parameter {
	var out []Parameter
	for _, f := range n.fields {
		out = append(out, Parameter{Name: f.name, Doc: f.doc, Required: f.required, Comma: f.node.comma, Schema: f.node.describe()})
	}
	return out
}

// bounds names the keywords for the smallest and largest size of each kind of value.
var bounds = map[kind][2]string{
	textKind: {"minLength", "maxLength"}, integerKind: {"minimum", "maximum"}, numberKind: {"minimum", "maximum"},
	listKind: {"minItems", "maxItems"}, dictKind: {"minProperties", "maxProperties"}, objectKind: {"minProperties", "maxProperties"},
}

func (n *node) describe() map[string]any {
	out := map[string]any{}
	if name := kindNames[n.kind]; name != "" {
		out["type"] = name
		if (n.optional || n.pointer) && !n.notNull {
			out["type"] = []string{name, "null"}
		}
	}
	if keywords, sized := bounds[n.kind]; sized {
		if n.min != nil {
			out[keywords[0]] = *n.min
		}
		if n.max != nil {
			out[keywords[1]] = *n.max
		}
	}
	if len(n.enum) > 0 {
		values := make([]any, len(n.enum))
		for i, text := range n.enum {
			values[i] = text
			if number, err := strconv.Atoi(text); err == nil && n.kind == integerKind {
				values[i] = number
			}
		}
		if (n.optional || n.pointer) && !n.notNull {
			values = append(values, nil)
		}
		out["enum"] = values
	}
	if n.pattern != nil {
		out["pattern"] = n.pattern.String()
	}
	switch n.format {
	case "email", "uri":
		out["format"] = n.format
	case "nospace":
		out["pattern"] = `^\S*$`
	}
	if n.unique {
		out["uniqueItems"] = true
	}
	switch n.kind {
	case listKind:
		out["items"] = n.elem.describe()
	case dictKind:
		out["additionalProperties"] = n.elem.describe()
	case objectKind:
		n.describeMembers(out)
	}
	return out
}

func (n *node) describeMembers(out map[string]any) {
	properties, required := map[string]any{}, []string{}
	for _, f := range n.fields {
		member := f.node.describe()
		if f.doc != "" {
			member["description"] = f.doc
		}
		properties[f.name] = member
		if f.required {
			required = append(required, f.name)
		}
	}
	out["properties"] = properties
	if len(required) > 0 {
		out["required"] = required
	}
	out["additionalProperties"] = n.rest != nil
}

// Sample returns the smallest value that a description of describe allows, for examples and tests.
func Sample(schema map[string]any) any {
	if choices, _ := schema["enum"].([]any); len(choices) > 0 {
		return choices[0]
	}
	kind, _ := schema["type"].(string)
	if kinds, several := schema["type"].([]string); several {
		kind = kinds[0]
	}
	least := func(keyword string) int64 {
		n, _ := schema[keyword].(int64)
		return n
	}
	switch kind {
	case "string":
		switch schema["format"] {
		case "email":
			return "person@example.com"
		case "uri":
			return "https://example.com/"
		}
		return strings.Repeat("x", int(max(1, least("minLength"))))
	case "integer", "number":
		return max(1, least("minimum"))
	case "boolean":
		return true
	case "array":
		items, _ := schema["items"].(map[string]any)
		list := []any{}
		for range least("minItems") {
			list = append(list, Sample(items))
		}
		return list
	case "object":
		object := map[string]any{}
		required, _ := schema["required"].([]string)
		properties, _ := schema["properties"].(map[string]any)
		for _, name := range required {
			member, _ := properties[name].(map[string]any)
			object[name] = Sample(member)
		}
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if int64(len(object)) >= least("minProperties") {
				break
			}
			member, _ := properties[name].(map[string]any)
			object[name] = Sample(member)
		}
		return object
	}
	return map[string]any{}
}
