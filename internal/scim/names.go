package scim

import (
	"strings"

	"github.com/stagedoor/stagedoor"
)

// attributeNames are the attributes of RFC 7643 as it writes them: their names are the same in any case (section 2.1).
const attributeNames = `schemas id externalId meta userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active password emails
	phoneNumbers ims photos addresses groups entitlements roles x509Certificates formatted familyName givenName middleName honorificPrefix honorificSuffix value
	display type primary $ref streetAddress locality region postalCode country employeeNumber costCenter organization division department manager members
	resourceType created lastModified location version`

var canonicalNames = func() map[string]string {
	out := map[string]string{}
	for _, name := range strings.Fields(attributeNames) {
		out[strings.ToLower(name)] = name
	}
	return out
}()

// canonical is an attribute's name as RFC 7643 writes it; others stay as they are.
func canonical(name string) string {
	if known, ok := canonicalNames[strings.ToLower(name)]; ok {
		return known
	}
	return name
}

// The attributes that are lists of objects, the ones that are true or false, the texts of users, and those whose values differ by case.
var (
	manyValued = set("emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates members")
	flags      = set("active primary")
	texts      = set("userName externalId displayName nickName profileUrl title userType preferredLanguage locale timezone")
	caseExact  = set("id externalId $ref version value")
	readOnly   = set("id meta schemas groups")
)

func set(names string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(names) {
		out[name] = true
	}
	return out
}

// Bounds of what a resource holds.
const (
	maxDepth    = 8
	maxElements = 1000     // of a list other than members
	maxResource = 64 << 10 // bytes of a user
)

func clipped(text string) string { return stagedoor.Clip(text, 200) }

// tidy gives a value that came from outside the names and types of RFC 7643: names in its case, flags that came as texts as flags, lists where it
// has lists, and nothing that is null. Passwords are dropped at once.
func tidy(name string, v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, bad(invalidSyntax, "The resource is nested too deeply.")
	}
	switch v := v.(type) {
	case string:
		return tidyText(name, v, depth)
	case map[string]any:
		return tidyObject(name, v, depth)
	case []any:
		return tidyList(name, v, depth)
	case nil:
		return nil, nil
	}
	if _, is := v.(bool); flags[name] && !is || texts[name] || name == "name" && depth == 1 {
		return nil, bad(invalidValue, "The value of %s has another type than RFC 7643 says.", name)
	}
	return v, nil
}

func tidyText(name, text string, depth int) (any, error) {
	if strings.ContainsRune(text, 0) {
		return nil, bad(invalidValue, "A text holds a NUL character.")
	}
	if flags[name] {
		switch strings.ToLower(text) { // Entra ID sends "True" and "False"
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, bad(invalidValue, "%s must be true or false.", name)
	}
	if manyValued[name] && depth <= 1 {
		return []any{map[string]any{"value": text}}, nil
	}
	return text, nil
}

func tidyObject(name string, members map[string]any, depth int) (any, error) {
	out := make(map[string]any, len(members))
	for key, one := range members {
		key = canonicalKey(key)
		if _, twice := out[key]; twice {
			return nil, bad(invalidSyntax, "The attribute %s is there twice.", clipped(key))
		}
		if one == nil || key == "password" {
			continue
		}
		if key == "" || len(key) > 255 || strings.ContainsRune(key, 0) {
			return nil, bad(invalidSyntax, "An attribute has no usable name.")
		}
		kept, err := tidy(key, one, depth+1)
		if err != nil {
			return nil, err
		}
		out[key] = kept
	}
	if manyValued[name] && depth == 1 {
		return []any{out}, nil
	}
	return out, nil
}

func tidyList(name string, values []any, depth int) (any, error) {
	if len(values) > maxElements && name != "members" {
		return nil, bad(invalidValue, "%s has more than %d values.", clipped(name), maxElements)
	}
	out := make([]any, 0, len(values))
	for _, one := range values {
		if text, is := one.(string); is && manyValued[name] {
			one = map[string]any{"value": text}
		}
		kept, err := tidy("", one, depth+1)
		if err != nil {
			return nil, err
		}
		if kept == nil {
			continue
		}
		if _, object := kept.(map[string]any); manyValued[name] && !object {
			return nil, bad(invalidValue, "The values of %s must be objects.", name)
		}
		out = append(out, kept)
	}
	return out, nil
}

// canonicalKey is canonical for the members of a resource, of which one is named after the extension's schema.
func canonicalKey(key string) string {
	if strings.EqualFold(key, enterpriseSchema) {
		return enterpriseSchema
	}
	return canonical(key)
}

// onePrimary leaves one value primary at most: the last that was told so, which is at index.
func onePrimary(all []any, index int) {
	chosen, _ := all[index].(map[string]any)
	if chosen["primary"] != true {
		return
	}
	for i, one := range all {
		if object, ok := one.(map[string]any); ok && i != index && object["primary"] == true {
			object["primary"] = false
		}
	}
}
