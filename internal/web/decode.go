package web

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Decode reads a request body. Its errors are *stagedoor.Error of kind Invalid.
func (s *Schema[T]) Decode(data []byte) (into T, err error) {
	err = s.root.body(data, reflect.ValueOf(&into).Elem())
	return into, err
}

func (n *node) body(data []byte, into reflect.Value) error {
	if err := CheckJSON(data); err != nil {
		return err
	}
	if v := n.decode(data, into, place{}); v != nil {
		return v.Body()
	}
	return nil
}

// Check reads a value that is no body of its own, and tells what is wrong with it; nil if nothing is.
func (s *Schema[T]) Check(data []byte) (into T, wrong *Violation) {
	wrong = s.root.decode(data, reflect.ValueOf(&into).Elem(), place{})
	return into, wrong
}

// place is where a value stands, for error texts.
type place struct{ path, doc string }

func (p place) member(name, doc string) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{name, doc}
}

func (p place) item(i int) place { return place{fmt.Sprintf("%s[%d]", p.path, i), p.doc} }

func (p place) violation(format string, args ...any) *Violation {
	return &Violation{Reason: fmt.Sprintf(format, args...), Path: p.path, Doc: p.doc}
}

func (p place) wrongType(n *node, raw []byte) *Violation {
	v := WrongType(p.path, kindNames[n.kind], raw)
	v.Doc = p.doc
	return v
}

func (n *node) decode(raw json.RawMessage, into reflect.Value, at place) *Violation {
	found := TypeOf(raw)
	if found == "null" {
		switch {
		case n.notNull || !n.optional && !n.pointer && n.kind != rawKind:
			return at.wrongType(n, raw)
		case n.optional:
			into.Addr().Interface().(optional).set(true)
			return nil
		case n.pointer:
			return nil
		}
	}
	if n.optional {
		into = reflect.ValueOf(into.Addr().Interface().(optional).set(false)).Elem()
	}
	if n.pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	wanted := kindNames[n.kind]
	if wanted != "" && found != wanted && !(wanted == "number" && found == "integer") {
		return at.wrongType(n, raw)
	}
	switch n.kind {
	case rawKind:
		into.SetBytes(slices.Clone(raw))
		return nil
	case listKind:
		return n.list(raw, into, at)
	case dictKind:
		return n.dict(raw, into, at)
	case objectKind:
		return n.members(raw, into, at)
	case integerKind:
		whole, _ := integer(raw)
		into.SetInt(whole)
		return n.numberRules(float64(whole), raw, at)
	case textKind:
		if err := json.Unmarshal(raw, into.Addr().Interface()); err != nil {
			return at.wrongType(n, raw)
		}
		return n.textRules(into.String(), at)
	}
	if err := json.Unmarshal(raw, into.Addr().Interface()); err != nil {
		return at.wrongType(n, raw)
	}
	if n.kind == numberKind {
		return n.numberRules(into.Float(), raw, at)
	}
	return nil
}

func (n *node) numberRules(value float64, raw json.RawMessage, at place) *Violation {
	switch {
	case n.max != nil && value > float64(*n.max):
		return at.violation("Value %s is greater than maximum %d", raw, *n.max)
	case n.min != nil && value < float64(*n.min):
		return at.violation("Value %s is less than minimum %d", raw, *n.min)
	}
	return nil
}

func (n *node) textRules(s string, at place) *Violation {
	length := int64(utf8.RuneCountInString(s))
	switch {
	case n.max != nil && length > *n.max:
		return at.violation("String is too long (%d chars), maximum %d", length, *n.max)
	case n.min != nil && length < *n.min:
		return at.violation("String is too short (%d chars), minimum %d", length, *n.min)
	case n.enum != nil && !slices.Contains(n.enum, s):
		return at.violation("No enum match for: %s", s)
	case n.pattern != nil && !n.pattern.MatchString(s):
		return at.violation("String does not match pattern %s: %s", n.pattern, s)
	case n.format != "" && !hasFormat(n.format, s):
		return at.violation("Object didn't pass validation for format %s: %s", n.format, s)
	}
	return nil
}

func hasFormat(format, s string) bool {
	switch format {
	case "email":
		parsed, err := mail.ParseAddress(s)
		return err == nil && parsed.Address == s && len(s) <= 320
	case "uri":
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "") && !strings.ContainsAny(s, " \t\r\n")
	case "nospace":
		return !strings.ContainsAny(s, " \t\r\n\v\f")
	}
	panic("web: unknown format " + format)
}

func (n *node) list(raw json.RawMessage, into reflect.Value, at place) *Violation {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return at.wrongType(n, raw)
	}
	switch count := int64(len(items)); {
	case n.min != nil && count < *n.min:
		return at.violation("Array is too short (%d), minimum %d", count, *n.min)
	case n.max != nil && count > *n.max:
		return at.violation("Array is too long (%d), maximum %d", count, *n.max)
	}
	if n.unique {
		seen := map[string]int{}
		for i, item := range items {
			if first, twice := seen[string(item)]; twice {
				return at.violation("Array items are not unique (indexes %d and %d)", first, i)
			}
			seen[string(item)] = i
		}
	}
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for i, item := range items {
		if v := n.elem.decode(item, into.Index(i), at.item(i)); v != nil {
			return v
		}
	}
	return nil
}

func (n *node) dict(raw json.RawMessage, into reflect.Value, at place) *Violation {
	all := members(raw)
	if v := n.count(len(all), at); v != nil {
		return v
	}
	into.Set(reflect.MakeMapWithSize(into.Type(), len(all)))
	for _, m := range all {
		value := reflect.New(into.Type().Elem()).Elem()
		if v := n.elem.decode(m.value, value, at.member(m.name, "")); v != nil {
			return v
		}
		into.SetMapIndex(reflect.ValueOf(m.name).Convert(into.Type().Key()), value)
	}
	return nil
}

func (n *node) count(members int, at place) *Violation {
	switch count := int64(members); {
	case n.min != nil && count < *n.min:
		return at.violation("Too few properties defined (%d), minimum %d", count, *n.min)
	case n.max != nil && count > *n.max:
		return at.violation("Too many properties defined (%d), maximum %d", count, *n.max)
	}
	return nil
}

func (n *node) members(raw json.RawMessage, into reflect.Value, at place) *Violation {
	all := members(raw)
	var unknown []string
	rest := map[string]json.RawMessage{}
	byName := make(map[string]json.RawMessage, len(all))
	for _, m := range all {
		byName[m.name] = m.value
		if !slices.ContainsFunc(n.fields, func(f field) bool { return f.name == m.name }) {
			unknown = append(unknown, m.name)
			rest[m.name] = m.value
		}
	}
	for _, f := range n.fields {
		if _, here := byName[f.name]; f.required && !here {
			return at.violation("Missing required property: %s", f.name)
		}
	}
	if len(unknown) > 0 && n.rest == nil {
		v := Unknown(at.path, unknown...)
		v.Reason += n.hint
		return v
	}
	if v := n.count(len(all), at); v != nil {
		return v
	}
	for _, f := range n.fields {
		if value, here := byName[f.name]; here {
			if v := f.node.decode(value, into.FieldByIndex(f.index), at.member(f.name, f.doc)); v != nil {
				return v
			}
		}
	}
	if len(rest) > 0 {
		into.FieldByIndex(n.rest).Set(reflect.ValueOf(rest))
	}
	return nil
}
