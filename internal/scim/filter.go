package scim

import (
	"encoding/json"
	"regexp"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// Directories ask for emails[type eq "work"].value eq "x", which the grammar of RFC 7644 has in paths alone.
var valueOfSelected = regexp.MustCompile(`^\s*([A-Za-z][\w$-]*)\[(.+)\]\.([A-Za-z$][\w$-]*)\s+(.+)$`)

// parseFilter reads a filter of RFC 7644 section 3.4.2.2; nil where there is none.
func parseFilter(text string) (filter.Expression, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > maxText {
		return nil, bad(invalidFilter, "The filter is longer than %d characters.", maxText)
	}
	if m := valueOfSelected.FindStringSubmatch(text); m != nil {
		text = m[1] + "[" + m[2] + " and " + m[3] + " " + m[4] + "]"
	}
	e, err := filter.ParseFilter([]byte(strings.TrimSpace(text)))
	if err != nil || e == nil {
		return nil, bad(invalidFilter, "The filter cannot be read.")
	}
	return normal(e)
}

// normal is a filter in one form: pointers alone, texts without their escapes. It refuses comparisons that mean nothing: greater and less of truths
// and of nothing, parts of what is no text (RFC 7644 section 3.4.2.2).
func normal(e filter.Expression) (filter.Expression, error) {
	var err error
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Left, err = normal(e.Left); err == nil {
			e.Right, err = normal(e.Right)
		}
		return e, err
	case *filter.NotExpression:
		e.Expression, err = normal(e.Expression)
		return e, err
	case *filter.ValuePath:
		e.ValueFilter, err = normal(e.ValueFilter)
		return e, err
	case *filter.AttributeExpression:
		text, isText := e.CompareValue.(string)
		if isText {
			var plain string
			if json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil || strings.ContainsRune(plain, 0) {
				return nil, bad(invalidFilter, "A text of the filter cannot be read.")
			}
			e.CompareValue = plain
		}
		_, flag := e.CompareValue.(bool)
		switch e.Operator {
		case filter.CO, filter.SW, filter.EW:
			if !isText {
				return nil, bad(invalidFilter, "The operator %s compares texts.", e.Operator)
			}
		case filter.GT, filter.GE, filter.LT, filter.LE:
			if flag || e.CompareValue == nil {
				return nil, bad(invalidFilter, "The operator %s compares texts and numbers.", e.Operator)
			}
		}
		return e, nil
	}
	return nil, bad(invalidFilter, "The filter cannot be read.")
}

// matches tells whether a filter holds for a resource or for one of its values.
func matches(e filter.Expression, of map[string]any) bool {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator == filter.AND {
			return matches(e.Left, of) && matches(e.Right, of)
		}
		return matches(e.Left, of) || matches(e.Right, of)
	case *filter.NotExpression:
		return !matches(e.Expression, of)
	case *filter.ValuePath:
		holder, name := attributeOf(e.AttributePath, of)
		switch v := holder[name].(type) {
		case []any:
			for _, one := range v {
				if object, ok := one.(map[string]any); ok && matches(e.ValueFilter, object) {
					return true
				}
			}
		case map[string]any:
			return matches(e.ValueFilter, v)
		}
		return false
	case *filter.AttributeExpression:
		return compares(e, of)
	}
	return false
}

// attributeOf is the object that holds what an attribute path names, and the name in it.
func attributeOf(p filter.AttributePath, of map[string]any) (map[string]any, string) {
	if strings.EqualFold(strings.TrimSuffix(p.URI(), ":"), enterpriseSchema) {
		of, _ = of[enterpriseSchema].(map[string]any)
	}
	return of, canonical(p.AttributeName)
}

func compares(e *filter.AttributeExpression, of map[string]any) bool {
	holder, name := attributeOf(e.AttributePath, of)
	sub := canonical(e.AttributePath.SubAttributeName())
	values := valuesOf(holder[name], sub)
	op := e.Operator
	exact := caseExact[name] && (sub == "" || sub == "value") && name != "value"
	if name == "members" {
		exact = true
	}
	if op == filter.PR {
		return len(values) > 0
	}
	if len(values) == 0 {
		return op == filter.EQ && e.CompareValue == nil || op == filter.NE && e.CompareValue != nil
	}
	for _, v := range values {
		if compare(op, v, e.CompareValue, exact) {
			return true
		}
	}
	return false
}

// valuesOf are the values that a comparison looks at: of a list, those of its objects' value.
func valuesOf(v any, sub string) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		if sub == "" {
			sub = "value"
		}
		var out []any
		for _, one := range v {
			switch one := one.(type) {
			case map[string]any:
				if inner, ok := one[sub]; ok {
					out = append(out, inner)
				}
			default:
				out = append(out, one)
			}
		}
		return out
	case map[string]any:
		if sub == "" {
			if len(v) == 0 {
				return nil
			}
			if inner, ok := v["value"]; ok {
				return []any{inner}
			}
			return []any{v}
		}
		if inner, ok := v[sub]; ok {
			return []any{inner}
		}
		return nil
	}
	if sub != "" || v == "" {
		return nil
	}
	return []any{v}
}

func compare(op filter.CompareOperator, v, with any, exact bool) bool {
	switch with := with.(type) {
	case string:
		text, ok := v.(string)
		if !ok {
			flag, isFlag := v.(bool) // Entra ID asks for active eq "True"
			equal := isFlag && strings.EqualFold(with, map[bool]string{true: "true", false: "false"}[flag])
			return op == filter.EQ && equal || op == filter.NE && !equal
		}
		if !exact {
			text, with = strings.ToLower(text), strings.ToLower(with)
		}
		switch op {
		case filter.EQ:
			return text == with
		case filter.NE:
			return text != with
		case filter.CO:
			return strings.Contains(text, with)
		case filter.SW:
			return strings.HasPrefix(text, with)
		case filter.EW:
			return strings.HasSuffix(text, with)
		}
		return ordered(op, strings.Compare(text, with))
	case bool:
		flag, ok := v.(bool)
		return ok && (op == filter.EQ && flag == with || op == filter.NE && flag != with)
	case nil:
		return op == filter.NE
	}
	a, aok := number(v)
	b, bok := number(with)
	if !aok || !bok {
		return op == filter.NE
	}
	order := 0
	if a < b {
		order = -1
	} else if a > b {
		order = 1
	}
	switch op {
	case filter.EQ:
		return order == 0
	case filter.NE:
		return order != 0
	}
	return ordered(op, order)
}

func ordered(op filter.CompareOperator, order int) bool {
	switch op {
	case filter.GT:
		return order > 0
	case filter.GE:
		return order >= 0
	case filter.LT:
		return order < 0
	case filter.LE:
		return order <= 0
	}
	return false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// wanted is the text that an attribute must equal for the filter to hold: what an index can find. "" = any.
func wanted(e filter.Expression, name string) string {
	switch e := e.(type) {
	case *filter.AttributeExpression:
		if text, ok := e.CompareValue.(string); ok && e.Operator == filter.EQ && canonical(e.AttributePath.AttributeName) == name && e.AttributePath.SubAttributeName() == "" {
			return text
		}
	case *filter.LogicalExpression:
		if e.Operator == filter.AND {
			if text := wanted(e.Left, name); text != "" {
				return text
			}
			return wanted(e.Right, name)
		}
	}
	return ""
}

// only tells whether the filter is no more than that equality.
func only(e filter.Expression, name string) bool {
	a, ok := e.(*filter.AttributeExpression)
	return ok && wanted(a, name) != ""
}

// mentions tells whether the filter speaks of an attribute.
func mentions(e filter.Expression, name string) bool {
	switch e := e.(type) {
	case *filter.AttributeExpression:
		return canonical(e.AttributePath.AttributeName) == name
	case *filter.ValuePath:
		return canonical(e.AttributePath.AttributeName) == name
	case *filter.NotExpression:
		return mentions(e.Expression, name)
	case *filter.LogicalExpression:
		return mentions(e.Left, name) || mentions(e.Right, name)
	}
	return false
}
