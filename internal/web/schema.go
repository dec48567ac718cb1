package web

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// A Schema reads one Go struct from JSON or from a query. It is made once, when routes are built, and safe for concurrent use.
//
// Members are named by the json tag. The schema tag holds, separated by commas: required; notnull (null is refused; it is
// always refused for plain fields that are not an Opt); min=N and max=N (characters of a text, value of a number, items of a
// list, members of an object); format=email, uri or nospace; enum=a|b; unique (items of a list); comma (a list written in a
// query as a,b); rest (the map that takes members without a field; without one they are refused). The pattern tag holds a
// regular expression, the doc tag a short description for error texts. A blank field carries the tags of the struct itself;
// its hint tag is appended when unknown members are refused.
type Schema[T any] struct{ root *node }

// NewSchema compiles the tags of T. It panics if they are wrong, which building the routes in a test finds.
func NewSchema[T any]() *Schema[T] {
	return &Schema[T]{compile(reflect.TypeFor[T](), "")}
}

type kind int

const (
	rawKind kind = iota
	textKind
	integerKind
	numberKind
	booleanKind
	listKind
	dictKind
	objectKind
)

var kindNames = map[kind]string{
	textKind: "string", integerKind: "integer", numberKind: "number", booleanKind: "boolean",
	listKind: "array", dictKind: "object", objectKind: "object",
}

// node is the compiled form of one value.
type node struct {
	kind     kind
	optional bool // an Opt
	pointer  bool // a pointer: null leaves it nil
	notNull  bool
	min, max *int64
	format   string
	enum     []string
	pattern  *regexp.Regexp
	unique   bool
	comma    bool
	elem     *node   // of lists and dicts
	fields   []field // of objects
	rest     []int   // index of the field that takes what is unknown
	hint     string
}

type field struct {
	name     string
	doc      string
	index    []int
	required bool
	node     *node
}

func compile(t reflect.Type, tag reflect.StructTag) *node {
	n := &node{}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[optional]()) {
		value, _ := t.FieldByName("Value")
		n = compile(value.Type, tag)
		n.optional = true
		return n
	}
	if t.Kind() == reflect.Pointer {
		n = compile(t.Elem(), tag)
		n.pointer = true
		return n
	}
	n.rules(tag)
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		n.kind = rawKind
	case t.Kind() == reflect.String:
		n.kind = textKind
	case t.Kind() == reflect.Int:
		n.kind = integerKind
	case t.Kind() == reflect.Float64:
		n.kind = numberKind
	case t.Kind() == reflect.Bool:
		n.kind = booleanKind
	case t.Kind() == reflect.Slice:
		n.kind, n.elem = listKind, compile(t.Elem(), "")
		n.elem.format, n.elem.enum, n.elem.pattern = n.format, n.enum, n.pattern
		n.format, n.enum, n.pattern = "", nil, nil
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		n.kind, n.elem = dictKind, compile(t.Elem(), "")
	case t.Kind() == reflect.Struct:
		n.kind = objectKind
		n.object(t, nil)
	default:
		panic(fmt.Sprintf("web: no schema for %s", t))
	}
	return n
}

// object adds the fields of a struct, those of embedded structs included.
func (n *node) object(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Name == "_":
			n.rules(f.Tag)
			n.hint = f.Tag.Get("hint")
		case f.Anonymous && name == "":
			n.object(f.Type, at)
		case hasRule(f.Tag, "rest"):
			n.rest = at
		case f.IsExported() && name != "" && name != "-":
			n.fields = append(n.fields, field{name, f.Tag.Get("doc"), at, hasRule(f.Tag, "required"), compile(f.Type, f.Tag)})
		}
	}
}

func hasRule(tag reflect.StructTag, rule string) bool {
	return strings.Contains(","+tag.Get("schema")+",", ","+rule+",")
}

func (n *node) rules(tag reflect.StructTag) {
	if p := tag.Get("pattern"); p != "" {
		n.pattern = regexp.MustCompile(p)
	}
	for _, rule := range strings.Split(tag.Get("schema"), ",") {
		name, value, _ := strings.Cut(rule, "=")
		switch name {
		case "", "rest":
		case "required", "notnull":
			n.notNull = true
		case "unique":
			n.unique = true
		case "comma":
			n.comma = true
		case "format":
			n.format = value
		case "enum":
			n.enum = strings.Split(value, "|")
		case "min", "max":
			number, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				panic(fmt.Sprintf("web: schema rule %q: %v", rule, err))
			}
			if name == "min" {
				n.min = &number
			} else {
				n.max = &number
			}
		default:
			panic(fmt.Sprintf("web: unknown schema rule %q", rule))
		}
	}
}
