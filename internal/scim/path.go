package scim

import (
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// The URNs of RFC 7643 and RFC 7644.
const (
	userSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	errorSchema      = "urn:ietf:params:scim:api:messages:2.0:Error"
	listSchema       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	searchSchema     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	patchSchema      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// maxText is how long a filter or a path may be, in bytes: the parser is recursive.
const maxText = 4096

// path is where an attribute is: of the resource, or of its extension.
type path struct {
	extension bool
	name, sub string // canonical; name "" is the extension as a whole
	where     filter.Expression
}

// parsePath reads a path of RFC 7644 section 3.5.2. Mappings write a dot behind the name of the extension where the standard has a colon.
func parsePath(text string) (path, error) {
	text = strings.TrimSpace(text)
	wrong := bad(invalidPath, "The path cannot be read: %q", clipped(text))
	if text == "" || len(text) > maxText {
		return path{}, wrong
	}
	var p path
	if rest, ok := cutPrefixFold(text, enterpriseSchema); ok {
		p.extension = true
		if rest == "" {
			return p, nil
		}
		if rest[0] != ':' && rest[0] != '.' {
			return path{}, wrong
		}
		text = rest[1:]
	} else if rest, ok := cutPrefixFold(text, userSchema+":"); ok {
		text = rest
	} else if rest, ok := cutPrefixFold(text, groupSchema+":"); ok {
		text = rest
	}
	parsed, err := filter.ParsePath([]byte(text))
	if err != nil || parsed.AttributePath.URI() != "" {
		return path{}, wrong
	}
	p.name, p.sub, p.where = canonical(parsed.AttributePath.AttributeName), parsed.AttributePath.SubAttributeName(), parsed.ValueExpression
	if p.where != nil {
		p.sub = parsed.SubAttributeName()
	}
	p.sub = canonical(p.sub)
	if p.where != nil {
		if p.where, err = normal(p.where); err != nil {
			return path{}, bad(invalidPath, "The filter of the path cannot be read.")
		}
	}
	return p, nil
}

// CheckPath returns an error if a path of a configuration cannot be read: a row of a mapping with such a one has no effect.
func CheckPath(text string) error {
	_, err := parsePath(text)
	return err
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// container is the object that holds the attribute; nil if there is none.
func (p path) container(doc map[string]any) map[string]any {
	if !p.extension {
		return doc
	}
	of, _ := doc[enterpriseSchema].(map[string]any)
	return of
}

// value is what stands at the path: the first of several. The one element of a list is its primary one, whether it says so or not.
func (p path) value(doc map[string]any) (any, bool) {
	if p.extension && p.name == "" {
		of := p.container(doc)
		return of, of != nil
	}
	v, ok := p.container(doc)[p.name]
	if !ok {
		return nil, false
	}
	all, many := v.([]any)
	if !many {
		if p.sub == "" {
			return v, true
		}
		object, _ := v.(map[string]any)
		v, ok = object[p.sub]
		return v, ok
	}
	if p.where == nil && p.sub == "" {
		return v, true
	}
	for _, one := range all {
		object, _ := one.(map[string]any)
		if p.where != nil && !matches(p.where, object) && !(len(all) == 1 && asksPrimary(p.where)) {
			continue
		}
		if p.sub == "" {
			return one, true
		}
		if v, ok := object[p.sub]; ok {
			return v, true
		}
	}
	return nil, false
}

func asksPrimary(e filter.Expression) bool {
	a, ok := e.(*filter.AttributeExpression)
	return ok && canonical(a.AttributePath.AttributeName) == "primary" && a.Operator == filter.EQ && a.CompareValue == true
}
