package web

import (
	"fmt"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// A Violation is what is wrong with one value of a body, a query or a path.
type Violation struct {
	Reason string // in the words that clients know: Missing required property: x
	Path   string // user_metadata.color, callbacks[0]; empty means the whole
	Doc    string // what the property means, if that is known
}

func (v *Violation) text(part string) string {
	text := part + " validation error: '" + stagedoor.Shorten(v.Reason, 1000) + "'"
	if v.Path != "" {
		text += " on property " + stagedoor.Shorten(v.Path, 300)
		if v.Doc != "" {
			text += " (" + strings.TrimSuffix(v.Doc, ".") + ")"
		}
	}
	return text + "."
}

// Error is the reason alone; answers have more.
func (v *Violation) Error() string { return v.Reason }

// Body returns the violation as the error of a request body (400 invalid_body), within which it can be found.
func (v *Violation) Body() *stagedoor.Error {
	return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_body", Message: v.text("Payload"), Err: v}
}

// Query returns the violation as the error of a query parameter (400 invalid_query_string), within which it can be found.
func (v *Violation) Query() *stagedoor.Error {
	return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_query_string", Message: v.text("Query"), Err: v}
}

// URI returns the violation as the error of a path segment (400 invalid_uri).
func (v *Violation) URI() *stagedoor.Error {
	return &stagedoor.Error{Kind: stagedoor.Invalid, Code: "invalid_uri", Message: v.text("Path")}
}

// Unknown is the violation of properties that a schema does not have, in the order in which they came.
func Unknown(path string, names ...string) *Violation {
	return &Violation{Reason: notAllowed + strings.Join(names, ","), Path: path}
}

const notAllowed = "Additional properties not allowed: "

// Names are the properties that the schema does not have, if that is what is wrong.
func (v *Violation) Names() []string {
	names, is := strings.CutPrefix(v.Reason, notAllowed)
	if !is {
		return nil
	}
	return strings.Split(names, ",")
}

// WrongType is the violation of a value of another JSON type than wanted.
func WrongType(path, wanted string, raw []byte) *Violation {
	return &Violation{Reason: fmt.Sprintf("Expected type %s but found type %s", wanted, TypeOf(raw)), Path: path}
}

// TypeOf returns the JSON type of an encoded value: object, array, string, integer, number, boolean or null.
func TypeOf(raw []byte) string {
	for _, c := range raw {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return "object"
		case '[':
			return "array"
		case '"':
			return "string"
		case 't', 'f':
			return "boolean"
		case 'n':
			return "null"
		}
		break
	}
	if _, whole := integer(raw); whole {
		return "integer"
	}
	return "number"
}
