package scim

import (
	"net/http"
	"strings"

	"github.com/stagedoor/stagedoor"
)

const (
	configSchema       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	resourceTypeSchema = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// serviceProvider tells what the server can do (RFC 7643 section 5).
func (d *Door) serviceProvider(c *call) (int, map[string]any, error) {
	return http.StatusOK, map[string]any{
		"schemas": []string{configSchema},
		"patch":   map[string]any{"supported": true},
		"bulk":    map[string]any{"supported": true, "maxOperations": maxBulk, "maxPayloadSize": maxBody},
		"filter":  map[string]any{"supported": true, "maxResults": maxPageSize},
		"sort":    map[string]any{"supported": true}, "etag": map[string]any{"supported": true}, "changePassword": map[string]any{"supported": false},
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "Bearer token", "description": "A token of the connection's SCIM configuration", "specUri": "https://www.rfc-editor.org/info/rfc6750", "primary": true,
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": strings.TrimSuffix(c.location("ServiceProviderConfig", ""), "/")},
	}, nil
}

// resourceTypes are the resources of a discovery endpoint; their addresses are completed for each request.
func resourceTypes(c *call) []map[string]any {
	one := func(id, schema string, extensions ...any) map[string]any {
		out := map[string]any{
			"schemas": []string{resourceTypeSchema}, "id": id, "name": id, "endpoint": "/" + id + "s", "schema": schema,
			"meta": map[string]any{"resourceType": "ResourceType", "location": c.location("ResourceTypes", id)},
		}
		if len(extensions) > 0 {
			out["schemaExtensions"] = extensions
		}
		return out
	}
	return []map[string]any{one("User", userSchema, map[string]any{"schema": enterpriseSchema, "required": false}), one("Group", groupSchema)}
}

// An attribute of a schema, as one line: name, type, and what is not as usual: many, required, readOnly, immutable, exact, unique, of: what a reference leads to,
// only: the one value.
const (
	userAttributes = `userName string required unique
externalId string exact
name complex
displayName string
nickName string
profileUrl reference exact
title string
userType string
preferredLanguage string
locale string
timezone string
active boolean
emails complex many
phoneNumbers complex many
ims complex many
photos complex many
addresses complex many
groups complex many readOnly
entitlements complex many
roles complex many
x509Certificates complex many`
	groupAttributes = `displayName string required
externalId string exact
members complex many`
	enterpriseAttributes = `employeeNumber string
costCenter string
organization string
division string
department string
manager complex`
	valueAttributes = `value string
display string
type string
primary boolean`
)

// subAttributes are those of complex attributes that are no plain values.
var subAttributes = map[string]string{
	"name":      "formatted string\nfamilyName string\ngivenName string\nmiddleName string\nhonorificPrefix string\nhonorificSuffix string",
	"addresses": "formatted string\nstreetAddress string\nlocality string\nregion string\npostalCode string\ncountry string\ntype string\nprimary boolean",
	"groups":    "value string readOnly\n$ref reference readOnly of:Group\ndisplay string readOnly\ntype string readOnly",
	"members":   "value string immutable exact\n$ref reference immutable of:User\ndisplay string readOnly\ntype string immutable only:User",
	"manager":   "value string\n$ref reference of:User\ndisplayName string",
}

// described reads attributes as RFC 7643 section 7 describes them.
func described(lines string) []any {
	var out []any
	for _, line := range strings.Split(lines, "\n") {
		words := strings.Fields(line)
		is := func(word string) bool { return contains(words[2:], word) }
		one := map[string]any{
			"name": words[0], "type": words[1], "multiValued": is("many"), "required": is("required"), "caseExact": is("exact"),
			"mutability": "readWrite", "returned": "default", "uniqueness": "none", "description": words[0],
		}
		if is("readOnly") {
			one["mutability"] = "readOnly"
		}
		if is("immutable") {
			one["mutability"] = "immutable"
		}
		if is("unique") {
			one["uniqueness"] = "server"
		}
		if words[1] == "reference" {
			one["referenceTypes"] = []string{"external"}
		}
		for _, word := range words[2:] {
			if kind, is := strings.CutPrefix(word, "of:"); is {
				one["referenceTypes"] = []string{kind}
			}
			if value, is := strings.CutPrefix(word, "only:"); is {
				one["canonicalValues"] = []string{value}
			}
		}
		if words[1] == "complex" {
			sub := subAttributes[words[0]]
			if sub == "" {
				sub = valueAttributes
			}
			one["subAttributes"] = described(sub)
		}
		out = append(out, one)
	}
	return out
}

// named puts into attributes what the connection demands of the one by which it knows people: it is there, and stays. Validators make their requests by that.
func named(attributes []any, id string) {
	for _, a := range attributes {
		if one := a.(map[string]any); one["name"] == id {
			one["required"], one["mutability"] = true, "immutable"
		}
	}
}

func schemas(c *call) []map[string]any {
	one := func(id, name, lines string) map[string]any {
		return map[string]any{
			"schemas": []string{schemaSchema}, "id": id, "name": name, "description": name, "attributes": described(lines),
			"meta": map[string]any{"resourceType": "Schema", "location": c.location("Schemas", id)},
		}
	}
	user := one(userSchema, "User", userAttributes)
	named(user["attributes"].([]any), c.config.UserIDAttribute) //nolint:errcheck // as one made it
	return []map[string]any{user, one(groupSchema, "Group", groupAttributes), one(enterpriseSchema, "EnterpriseUser", enterpriseAttributes)}
}

// listOf answers all of a discovery endpoint. A filter is refused (RFC 7644 section 4).
func (d *Door) listOf(all func(*call) []map[string]any) func(*call) (int, map[string]any, error) {
	return func(c *call) (int, map[string]any, error) {
		if c.r.URL.Query().Has("filter") {
			return 0, nil, stagedoor.Errorf(stagedoor.Forbidden, "", "These resources are not filtered.")
		}
		found := all(c)
		q := &query{start: 1, count: len(found)}
		return http.StatusOK, q.answer(found, len(found)), nil
	}
}

func (d *Door) oneOf(all func(*call) []map[string]any) func(*call) (int, map[string]any, error) {
	return func(c *call) (int, map[string]any, error) {
		for _, one := range all(c) {
			if one["id"] == c.id() {
				return http.StatusOK, one, nil
			}
		}
		return 0, nil, stagedoor.Errorf(stagedoor.NotFound, "", "There is no such resource.")
	}
}
