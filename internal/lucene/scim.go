package lucene

import (
	"encoding/json"
	"fmt"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// ParseSCIM reads a filter in the syntax of RFC 7644 section 3.4.2.2, as a query that [Schema.Compile] takes. Selections in brackets after an attribute are not
// part of it: records have no lists of objects. Its errors are *SyntaxError, which point at the beginning.
func ParseSCIM(text string) (*Node, error) {
	if strings.TrimSpace(text) == "" {
		return &Node{Op: All}, nil
	}
	if depth := strings.Count(text, "("); depth > maxDepth {
		return nil, &SyntaxError{Reason: fmt.Sprintf("more than %d brackets", maxDepth)}
	}
	e, err := filter.ParseFilter([]byte(strings.TrimSpace(text)))
	if err != nil || e == nil {
		return nil, &SyntaxError{Reason: `the filter cannot be read; it is written as in name eq "a" and created_at gt "2026-01-01"`}
	}
	r := scimReader{}
	return r.node(e)
}

type scimReader struct{ clauses int }

func (r *scimReader) node(e filter.Expression) (*Node, error) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		left, err := r.node(e.Left)
		if err != nil {
			return nil, err
		}
		right, err := r.node(e.Right)
		if e.Operator == filter.AND {
			return &Node{Op: And, Args: []*Node{left, right}}, err
		}
		return &Node{Op: Or, Args: []*Node{left, right}}, err
	case *filter.NotExpression:
		return not(r.node(e.Expression))
	case *filter.AttributeExpression:
		if r.clauses++; r.clauses > maxClauses {
			return nil, &SyntaxError{Reason: fmt.Sprintf("more than %d conditions", maxClauses)}
		}
		return comparison(e)
	}
	return nil, &SyntaxError{Reason: "conditions in square brackets are not supported"}
}

func not(n *Node, err error) (*Node, error) { return &Node{Op: Not, Args: []*Node{n}}, err }

// comparison is one condition. "ne" holds, too, for records without a value.
func comparison(e *filter.AttributeExpression) (*Node, error) {
	path := e.AttributePath.AttributeName
	if sub := e.AttributePath.SubAttributeName(); sub != "" {
		path += "." + sub
	}
	n := &Node{Op: Is, Field: path}
	value, isText, err := scimValue(e.CompareValue)
	if err != nil {
		return nil, err
	}
	switch op := e.Operator; {
	case op == filter.PR:
		n.Exists = true
		return n, nil
	case value == nil && op == filter.EQ:
		n.Exists = true
		return not(n, nil)
	case value == nil && op == filter.NE:
		n.Exists = true
		return n, nil
	case value == nil:
		return nil, &SyntaxError{Reason: fmt.Sprintf("null is not compared by %s", op)}
	case !isText && (op == filter.CO || op == filter.SW || op == filter.EW):
		return nil, &SyntaxError{Reason: fmt.Sprintf("the operator %s compares texts", op)}
	}
	none := word{text: star}
	switch e.Operator {
	case filter.EQ:
		n.Value = *value
	case filter.NE:
		n.Value = *value
		return not(n, nil)
	case filter.SW:
		n.Value = word{text: value.text + star}
	case filter.EW:
		n.Value = word{text: star + value.text}
	case filter.CO:
		n.Value = word{text: star + value.text + star}
	case filter.GT:
		n.Range = &bounds{from: *value, to: none, after: true}
	case filter.GE:
		n.Range = &bounds{from: *value, to: none}
	case filter.LT:
		n.Range = &bounds{from: none, to: *value, notBefore: true}
	case filter.LE:
		n.Range = &bounds{from: none, to: *value}
	default:
		return nil, &SyntaxError{Reason: fmt.Sprintf("there is no operator %s", e.Operator)}
	}
	return n, nil
}

// scimValue is what is compared with as a word; nil is null.
func scimValue(v any) (w *word, isText bool, err error) {
	switch v := v.(type) {
	case nil:
		return nil, false, nil
	case string:
		var plain string // the parser leaves escapes as they are
		if json.Unmarshal([]byte(`"`+v+`"`), &plain) != nil {
			return nil, false, &SyntaxError{Reason: "a text of the filter cannot be read"}
		}
		return &word{text: plain, quoted: true}, true, nil
	}
	return &word{text: fmt.Sprint(v)}, false, nil
}
