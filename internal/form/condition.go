package form

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// A Condition is what a router or an if/then action asks: an operator over values, or over conditions.
//
//	{"operator": "AND", "operands": [{"operator": "EQ", "operands": ["{{fields.plan}}", "pro"]}, …]}
type Condition struct {
	Operator string            `json:"operator"`
	Operands []json.RawMessage `json:"operands"`
}

// operators are the comparisons: how many operands each takes, and what it asks. The names beside are other words for them.
var operators = map[string]struct {
	operands int
	holds    func(a, b any) bool
}{
	"EQ":           {2, same},
	"NEQ":          {2, func(a, b any) bool { return !same(a, b) }},
	"GT":           {2, func(a, b any) bool { n, ok := order(a, b); return ok && n > 0 }},
	"GTE":          {2, func(a, b any) bool { n, ok := order(a, b); return ok && n >= 0 }},
	"LT":           {2, func(a, b any) bool { n, ok := order(a, b); return ok && n < 0 }},
	"LTE":          {2, func(a, b any) bool { n, ok := order(a, b); return ok && n <= 0 }},
	"CONTAINS":     {2, contains},
	"NOT_CONTAINS": {2, func(a, b any) bool { return !contains(a, b) }},
	"STARTS_WITH":  {2, func(a, b any) bool { return a != nil && strings.HasPrefix(Text(a), Text(b)) }},
	"ENDS_WITH":    {2, func(a, b any) bool { return a != nil && strings.HasSuffix(Text(a), Text(b)) }},
	"EXISTS":       {1, func(a, _ any) bool { return a != absent }},
	"NOT_EXISTS":   {1, func(a, _ any) bool { return a == absent }},
	"NULL":         {1, func(a, _ any) bool { return a == nil }},
	"NOT_NULL":     {1, func(a, _ any) bool { return a != nil }},
	"HAS_VALUE":    {1, func(a, _ any) bool { return hasValue(a) }},
	"HAS_NO_VALUE": {1, func(a, _ any) bool { return !hasValue(a) }},
	"TRUE":         {1, func(a, _ any) bool { return same(a, true) }},
	"FALSE":        {1, func(a, _ any) bool { return same(a, false) }},
}

var otherWords = map[string]string{
	"EQUALS": "EQ", "EQUAL": "EQ", "NE": "NEQ", "NOT_EQ": "NEQ", "NOT_EQUALS": "NEQ", "DIFFERENT": "NEQ", "INCLUDES": "CONTAINS", "NOT_INCLUDES": "NOT_CONTAINS",
	"GREATER_THAN": "GT", "LESS_THAN": "LT", "GREATER_THAN_OR_EQUAL": "GTE", "LESS_THAN_OR_EQUAL": "LTE",
	"IS_NULL": "NULL", "IS_NOT_NULL": "NOT_NULL", "NOT_HAS_VALUE": "HAS_NO_VALUE", "HAS_NOT_VALUE": "HAS_NO_VALUE", "IS_TRUE": "TRUE", "IS_FALSE": "FALSE",
}

func (c *Condition) operator() string {
	name := strings.ToUpper(c.Operator)
	if other := otherWords[name]; other != "" {
		return other
	}
	return name
}

// check tells what of a condition cannot be asked.
func (c *Condition) check(depth int) *stagedoor.Error {
	if c == nil {
		return errorf("a rule has no condition")
	}
	if depth > maxNested {
		return errorf("conditions are nested too deeply")
	}
	op := c.operator()
	if op != "AND" && op != "OR" && op != "NOT" {
		known, is := operators[op]
		switch {
		case !is:
			return errorf("the operator %q is not supported by this server", c.Operator)
		case len(c.Operands) != known.operands:
			return errorf("the operator %s takes %d operands", c.Operator, known.operands)
		}
		return nil
	}
	if len(c.Operands) == 0 || len(c.Operands) > maxActions || op == "NOT" && len(c.Operands) != 1 {
		return errorf("the operator %s has operands that it cannot take", c.Operator)
	}
	for _, raw := range c.Operands {
		inner := new(Condition)
		if err := json.Unmarshal(raw, inner); err != nil {
			return errorf("an operand of %s is no condition", c.Operator)
		}
		if err := inner.check(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// Holds asks the condition of what is known.
func (c *Condition) Holds(e *Env) (bool, error) { return c.holds(e, 0) }

func (c *Condition) holds(e *Env, depth int) (bool, error) {
	if depth == 0 {
		if err := c.check(0); err != nil {
			return false, err
		}
	}
	op := c.operator()
	if known, is := operators[op]; is {
		values := []any{nil, nil}
		for i, raw := range c.Operands {
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				return false, err
			}
			v, err := e.value(v, 0)
			if err != nil {
				return false, err
			}
			if v == absent && op != "EXISTS" && op != "NOT_EXISTS" {
				v = nil
			}
			values[i] = v
		}
		return known.holds(values[0], values[1]), nil
	}
	for _, raw := range c.Operands {
		inner := new(Condition)
		if err := json.Unmarshal(raw, inner); err != nil {
			return false, err
		}
		holds, err := inner.holds(e, depth+1)
		switch {
		case err != nil:
			return false, err
		case op == "NOT":
			return !holds, nil
		case holds != (op == "AND"):
			return holds, nil
		}
	}
	return op == "AND", nil
}

// same compares as people do who write what they compare with as text: the number 5 is "5", true is "true".
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == b
	}
	return Text(a) == Text(b)
}

func order(a, b any) (int, bool) {
	if a == nil || b == nil {
		return 0, false
	}
	x, errX := strconv.ParseFloat(Text(a), 64)
	y, errY := strconv.ParseFloat(Text(b), 64)
	switch {
	case errX != nil || errY != nil:
		return strings.Compare(Text(a), Text(b)), true
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, x == y // not for NaN
}

func contains(a, b any) bool {
	if list, is := a.([]any); is {
		return slices.ContainsFunc(list, func(one any) bool { return same(one, b) })
	}
	return a != nil && strings.Contains(Text(a), Text(b))
}

func hasValue(a any) bool {
	switch v := a.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}
