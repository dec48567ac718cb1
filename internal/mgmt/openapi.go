package mgmt

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor/internal/web"
)

// OpenAPI returns the description of every served operation as OpenAPI 3.1, made from the rows themselves: what is in it is what
// requests are checked against. issuer is https://domain/ of the request.
func (a *API) OpenAPI(issuer string) map[string]any {
	paths, tags := map[string]any{}, []string{}
	for i := range a.rows {
		r := &a.rows[i]
		item, _ := paths[r.pattern].(map[string]any)
		if item == nil {
			item = map[string]any{}
			paths[r.pattern] = item
		}
		item[strings.ToLower(r.method)] = r.describe()
		if !slices.Contains(tags, r.tag()) {
			tags = append(tags, r.tag())
		}
	}
	named := []any{}
	for _, tag := range tags {
		named = append(named, map[string]any{"name": tag})
	}
	scopes := map[string]string{}
	for _, s := range ManagementScopes() {
		scopes[s.Value] = s.Description
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Stagedoor Management API", "version": "v2", "license": map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Users, their data and everything that decides about them. Tokens come from POST /oauth/token with the audience " +
				strings.TrimSuffix(issuer, "/") + Base + "/.",
		},
		"servers": []any{map[string]any{"url": strings.TrimSuffix(issuer, "/") + Base}},
		"tags":    named,
		"paths":   paths,
		"components": map[string]any{
			"securitySchemes": map[string]any{"token": map[string]any{"type": "oauth2", "flows": map[string]any{
				"clientCredentials": map[string]any{"tokenUrl": issuer + "oauth/token", "scopes": scopes},
			}}},
			"schemas": map[string]any{"Error": errorSchema},
			"responses": map[string]any{"Error": map[string]any{
				"description": "What was wrong; nothing was changed",
				"content":     map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Error"}}},
			}},
		},
	}
}

var errorSchema = map[string]any{
	"type": "object", "required": []string{"statusCode", "error", "message"},
	"properties": map[string]any{
		"statusCode": map[string]any{"type": "integer", "description": "The HTTP status"},
		"error":      map[string]any{"type": "string", "description": "The text of the HTTP status"},
		"message":    map[string]any{"type": "string", "description": "What was wrong, for people"},
		"errorCode":  map[string]any{"type": "string", "description": "What was wrong, for machines"},
	},
}

// tag is the noun that a row is about: the first segment of its path.
func (r *row) tag() string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(r.pattern, "/"), "/")
	return noun
}

// placeholders finds the wildcards of a pattern.
var placeholders = regexp.MustCompile(`\{(\w+)\}`)

// ID is the operationId of a row: its method and the words of its path.
func (r *row) ID() string {
	var b strings.Builder
	b.WriteString(strings.ToLower(r.method))
	for _, word := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(r.pattern, -1) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func (r *row) describe() map[string]any {
	parameters := []any{}
	for _, m := range placeholders.FindAllStringSubmatch(r.pattern, -1) {
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string", "minLength": 1}})
	}
	if r.query != nil {
		for _, p := range r.query.Parameters() {
			parameters = append(parameters, parameter(p))
		}
	}
	success := map[string]any{"description": http.StatusText(r.status)}
	if r.status != http.StatusNoContent {
		success["content"] = map[string]any{cmp.Or(r.gives, "application/json"): map[string]any{"schema": map[string]any{}}}
	}
	responses := map[string]any{strconv.Itoa(r.status): success}
	for _, status := range []string{"400", "401", "403", "404", "409", "429"} {
		responses[status] = map[string]any{"$ref": "#/components/responses/Error"}
	}
	out := map[string]any{
		"operationId": r.ID(), "summary": r.title, "tags": []string{r.tag()}, "parameters": parameters, "responses": responses, "security": r.security(),
	}
	if r.body != nil {
		media := r.media
		if media == "" {
			media = "application/json"
		}
		out["requestBody"] = map[string]any{"required": true, "content": map[string]any{media: map[string]any{"schema": r.body.JSONSchema()}}}
	}
	return out
}

func parameter(p web.Parameter) map[string]any {
	out := map[string]any{"name": p.Name, "in": "query", "required": p.Required, "schema": p.Schema}
	if p.Doc != "" {
		out["description"] = p.Doc
	}
	if p.Schema["type"] == "array" {
		out["style"], out["explode"] = "form", !p.Comma
	}
	return out
}

// security tells the scopes that each are enough; where several are needed together they stand together.
func (r *row) security() []any {
	together := [][]string{{}}
	for _, group := range r.groups() {
		var next [][]string
		for _, so := range together {
			for _, scope := range group {
				next = append(next, append(slices.Clone(so), scope))
			}
		}
		together = next
	}
	out := []any{}
	for _, scopes := range together {
		out = append(out, map[string]any{"token": scopes})
	}
	return out
}
