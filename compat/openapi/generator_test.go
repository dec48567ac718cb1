package openapi

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
)

// generator makes values and requests from what the document says.
type generator struct{ *rand.Rand }

func (g *generator) pick(of ...string) string { return of[g.IntN(len(of))] }

// requests are the ways in which an operation is tried once.
func (g *generator) requests(o operation) []request {
	query := g.query(o)
	var schema map[string]any
	if o.RequestBody != nil {
		schema = o.RequestBody.Content["application/json"].Schema
	}
	out := []request{{query: query + "&nobody_knows_this=1", body: g.object(schema), wrong: "a parameter that is not there"}}
	for _, p := range o.Parameters {
		if p.In == "query" && p.Required {
			out = append(out, request{body: g.object(schema), wrong: "the parameter " + p.Name + " is missing"})
		}
		if p.In == "query" && kindOf(p.Schema) == "integer" {
			out = append(out, request{query: p.Name + "=abc", body: g.object(schema), wrong: p.Name + " is not a number"})
		}
	}
	if !slices.Contains(dangerous, o.OperationID) {
		out = append(out, request{query: query, body: g.object(schema)})
	}
	if schema == nil || kindOf(schema) != "object" {
		return out
	}
	properties, _ := schema["properties"].(map[string]any)
	if schema["additionalProperties"] == false && len(properties) > 0 {
		whole := g.object(schema)
		whole["nobody_knows_this"] = 1
		out = append(out, request{query: query, body: whole, wrong: "a member that is not there"})
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		member, _ := properties[name].(map[string]any)
		bad, why := g.bad(member)
		if why == "" {
			continue
		}
		whole := g.object(schema)
		whole[name] = bad
		out = append(out, request{query: query, body: whole, wrong: name + ": " + why})
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		whole := g.object(schema)
		delete(whole, fmt.Sprint(name))
		out = append(out, request{query: query, body: whole, wrong: fmt.Sprint(name) + " is missing"})
	}
	return out
}

func (g *generator) query(o operation) string {
	var pairs []string
	for _, p := range o.Parameters {
		if p.In == "query" && (p.Required || g.IntN(5) == 0) {
			value := fmt.Sprint(g.value(p.Schema))
			if list, isList := g.value(p.Schema).([]any); isList {
				value = ""
				if len(list) > 0 {
					value = fmt.Sprint(list[0])
				}
			}
			pairs = append(pairs, p.Name+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(pairs, "&")
}

func kindOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		return fmt.Sprint(t[0])
	}
	return ""
}

func nullable(schema map[string]any) bool {
	kinds, several := schema["type"].([]any)
	return several && slices.Contains(kinds, any("null"))
}

func bound(schema map[string]any, keyword string, otherwise int) int {
	if n, set := schema[keyword].(float64); set {
		return int(n)
	}
	return otherwise
}

// object is a body: what is required, and some of the rest.
func (g *generator) object(schema map[string]any) map[string]any {
	if schema == nil {
		return nil
	}
	out := map[string]any{}
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || g.IntN(4) == 0 {
			member, _ := properties[name].(map[string]any)
			out[name] = g.value(member)
		}
	}
	return out
}

// value is one that the schema allows, as far as its keywords tell.
func (g *generator) value(schema map[string]any) any {
	if choices, _ := schema["enum"].([]any); len(choices) > 0 {
		return choices[g.IntN(len(choices))]
	}
	if nullable(schema) && g.IntN(10) == 0 {
		return nil
	}
	switch kindOf(schema) {
	case "string":
		switch schema["format"] {
		case "email":
			return fmt.Sprintf("p%d@example.com", g.IntN(1e9))
		case "uri":
			return "https://example.com/" + fmt.Sprint(g.IntN(1e9))
		}
		least, most := bound(schema, "minLength", 0), min(bound(schema, "maxLength", 20), 40)
		text := g.pick("x", "Ada", "ünïcode ☂", "'; DROP TABLE users; --", "<script>alert(1)</script>", "${7*7}", "a b", "🎭", "read:users", fmt.Sprint(g.IntN(1e9)))
		for len([]rune(text)) < least {
			text += "x"
		}
		return string([]rune(text)[:min(len([]rune(text)), max(most, least))])
	case "integer", "number":
		least := bound(schema, "minimum", 0)
		return least + g.IntN(max(1, min(bound(schema, "maximum", 1000)-least, 1000)))
	case "boolean":
		return g.IntN(2) == 0
	case "array":
		items, _ := schema["items"].(map[string]any)
		list := []any{}
		for range max(bound(schema, "minItems", 0), g.IntN(2)) {
			list = append(list, g.value(items))
		}
		return list
	case "object":
		if _, known := schema["properties"]; known {
			return g.object(schema)
		}
		member, _ := schema["additionalProperties"].(map[string]any)
		return map[string]any{"a": g.value(member)}
	}
	switch g.IntN(4) { // anything
	case 0:
		return map[string]any{"a": 1}
	case 1:
		return []any{"a"}
	case 2:
		return "a"
	}
	return g.IntN(100)
}

// bad is a value that the schema forbids, and why; it is not wrong if nothing is forbidden.
func (g *generator) bad(schema map[string]any) (any, string) {
	var ways []func() (any, string)
	kind := kindOf(schema)
	if kind != "" {
		ways = append(ways, func() (any, string) {
			if kind == "array" {
				return map[string]any{"a": 1}, "not an array"
			}
			return []any{[]any{}}, "not of the type " + kind
		})
		if !nullable(schema) {
			ways = append(ways, func() (any, string) { return nil, "null" })
		}
	}
	if schema["enum"] != nil {
		ways = append(ways, func() (any, string) { return "no such choice", "not one of the choices" })
	}
	if kind == "string" && schema["maxLength"] != nil {
		ways = append(ways, func() (any, string) { return strings.Repeat("x", bound(schema, "maxLength", 0)+1), "too long" })
	}
	if kind == "string" && bound(schema, "minLength", 0) > 0 {
		ways = append(ways, func() (any, string) { return "", "empty" })
	}
	if kind == "integer" && schema["maximum"] != nil {
		ways = append(ways, func() (any, string) { return bound(schema, "maximum", 0) + 1, "too large" })
	}
	if kind == "integer" && schema["minimum"] != nil {
		ways = append(ways, func() (any, string) { return bound(schema, "minimum", 0) - 1, "too small" })
	}
	if len(ways) == 0 {
		return nil, ""
	}
	return ways[g.IntN(len(ways))]()
}
