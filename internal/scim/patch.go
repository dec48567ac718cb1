package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// operation is one of PATCH (RFC 7644 section 3.5.2).
type operation struct {
	Op    string          `json:"op"` // in any case: Entra ID writes Add, Replace, Remove
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// maxOperations is how many a request may hold.
const maxOperations = 1000

// readPatch reads the body of PATCH. Its members have any case: Entra ID writes Operations, others operations.
func readPatch(body []byte) ([]operation, error) {
	var in struct {
		Schemas    []string    `json:"schemas"`
		Operations []operation `json:"Operations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, bad(invalidSyntax, "The body is no PatchOp message.")
	}
	if !slices.ContainsFunc(in.Schemas, func(s string) bool { return strings.EqualFold(s, patchSchema) }) {
		return nil, bad(invalidSyntax, "The schemas of the body lack %s.", patchSchema)
	}
	if len(in.Operations) == 0 || len(in.Operations) > maxOperations {
		return nil, bad(invalidSyntax, "A PatchOp message has 1 to %d operations.", maxOperations)
	}
	for i := range in.Operations {
		o := &in.Operations[i]
		o.Op = strings.ToLower(o.Op)
		if !slices.Contains([]string{"add", "replace", "remove"}, o.Op) {
			return nil, bad(invalidSyntax, "op must be add, replace or remove.")
		}
		if o.Op == "remove" && strings.TrimSpace(o.Path) == "" {
			return nil, bad(noTarget, "remove needs a path.")
		}
	}
	return in.Operations, nil
}

// patch changes a user by an operation.
func patch(doc map[string]any, o operation) error {
	value, err := decode(o.Value)
	if err != nil {
		return err
	}
	if strings.TrimSpace(o.Path) != "" {
		p, err := parsePath(o.Path)
		if err != nil {
			return err
		}
		return change(doc, o.Op, p, value)
	}
	members, ok := value.(map[string]any)
	if !ok {
		return bad(invalidValue, "The value of an operation without path must be an object.")
	}
	for _, key := range slices.Sorted(maps.Keys(members)) { // keys may be paths: Entra ID writes name.givenName
		if name := canonicalKey(key); readOnly[name] { // Okta repeats the id
			continue
		}
		p, err := parsePath(key)
		if err == nil {
			err = change(doc, o.Op, p, members[key])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decode(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, bad(invalidSyntax, "The value of an operation cannot be read.")
	}
	return v, nil
}

// change does an operation at a path.
func change(doc map[string]any, op string, p path, value any) error {
	if readOnly[p.name] && !p.extension {
		return bad(mutability, "%s cannot be changed.", p.name)
	}
	if p.name == "password" {
		return nil // is not kept; who comes through a connection has none here
	}
	if op != "remove" && value == nil {
		if op = "remove"; p.where == nil && p.sub == "" && p.name == "userName" {
			return bad(invalidValue, "userName is required.")
		}
	}
	if p.extension && p.name == "" {
		return changeExtension(doc, op, value)
	}
	holder := holderOf(doc, op, p)
	switch {
	case holder == nil:
		return nil
	case p.where != nil:
		return changeSelected(holder, op, p, value)
	case op == "remove":
		removeAt(holder, p)
		return nil
	case p.sub != "":
		return setSub(holder, p, value)
	}
	return setWhole(holder, op, p, value)
}

// holderOf returns what has the attribute of a path: the user or the extension, which is made; nil if there is nothing that could be removed.
func holderOf(doc map[string]any, op string, p path) map[string]any {
	if !p.extension {
		return doc
	}
	of, _ := doc[enterpriseSchema].(map[string]any)
	if of == nil && op != "remove" {
		of = map[string]any{}
		doc[enterpriseSchema] = of
	}
	return of
}

// setWhole sets a whole attribute, or adds to it.
func setWhole(holder map[string]any, op string, p path, value any) error {
	kept, err := tidy(p.name, value, 1)
	if err != nil {
		return err
	}
	if text, ok := kept.(string); ok && p.extension && p.name == "manager" { // Entra ID
		kept = map[string]any{"value": text}
	}
	switch now := kept.(type) {
	case []any:
		if before, ok := holder[p.name].([]any); ok && op == "add" {
			kept, err = added(before, now)
		} else if manyValued[p.name] {
			kept, err = added(nil, now)
		}
		if err != nil {
			return err
		}
		if len(now) == 0 && op == "replace" {
			delete(holder, p.name)
			return nil
		}
	case map[string]any:
		if before, ok := holder[p.name].(map[string]any); ok { // what is not named stays (RFC 7644 sections 3.5.2.1 and 3.5.2.3)
			sum := maps.Clone(before)
			maps.Copy(sum, now)
			kept = sum
		}
	}
	holder[p.name] = kept
	return nil
}

func changeExtension(doc map[string]any, op string, value any) error {
	if op == "remove" {
		delete(doc, enterpriseSchema)
		return nil
	}
	members, ok := value.(map[string]any)
	if !ok {
		return bad(invalidValue, "The value of the extension must be an object.")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		p, err := parsePath(enterpriseSchema + ":" + name)
		if err == nil {
			err = change(doc, op, p, members[name])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// added joins values, each once. What is primary now takes that from the others.
func added(before, more []any) ([]any, error) {
	out, known := slices.Clone(before), make(map[string]int, len(before)+len(more))
	place := func(one any) (at int, there bool, err error) {
		key, err := json.Marshal(one) // to compare each with each takes long where there are many
		if at, there = known[string(key)]; !there {
			at = len(known)
			known[string(key)] = at
		}
		return at, there, err
	}
	places := make([]int, 0, len(before))
	for i, one := range before {
		if _, there, err := place(one); err != nil {
			return nil, err
		} else if !there {
			places = append(places, i)
		}
	}
	primary := -1
	for _, one := range more {
		at, there, err := place(one)
		if err != nil {
			return nil, err
		}
		if !there {
			out, places = append(out, one), append(places, len(out))
		}
		if object, ok := one.(map[string]any); ok && object["primary"] == true {
			primary = places[at]
		}
	}
	if len(out) > maxElements {
		return nil, bad(invalidValue, "An attribute has more than %d values.", maxElements)
	}
	if primary >= 0 {
		onePrimary(out, primary)
	}
	return out, nil
}

// setSub sets an attribute of an object, or of all objects of a list.
func setSub(holder map[string]any, p path, value any) error {
	value, err := tidy(p.sub, value, 2)
	if err != nil {
		return err
	}
	switch there := holder[p.name].(type) {
	case map[string]any:
		there[p.sub] = value
	case []any:
		for _, one := range there {
			if object, ok := one.(map[string]any); ok {
				object[p.sub] = value
			}
		}
		if len(there) == 0 {
			holder[p.name] = []any{map[string]any{p.sub: value}}
		}
	case nil:
		if manyValued[p.name] {
			holder[p.name] = []any{map[string]any{p.sub: value}}
		} else {
			holder[p.name] = map[string]any{p.sub: value}
		}
	default:
		return bad(invalidPath, "%s has no attributes of its own.", p.name)
	}
	return nil
}

func removeAt(holder map[string]any, p path) {
	if p.sub == "" {
		delete(holder, p.name)
		return
	}
	switch there := holder[p.name].(type) {
	case map[string]any:
		delete(there, p.sub)
	case []any:
		for _, one := range there {
			if object, ok := one.(map[string]any); ok {
				delete(object, p.sub)
			}
		}
	}
}

// changeSelected changes the values of a list that the path selects.
func changeSelected(holder map[string]any, op string, p path, value any) error {
	all, list := holder[p.name].([]any)
	if !list && holder[p.name] != nil {
		return bad(invalidPath, "%s has one value, which is not selected.", p.name)
	}
	if op == "remove" {
		removeSelected(holder, p, all)
		return nil
	}
	found, primary := false, -1
	for i, one := range all {
		object, _ := one.(map[string]any)
		if object == nil || !matches(p.where, object) {
			continue
		}
		found = true
		if err := setIn(object, p, value); err != nil {
			return err
		}
		if object["primary"] == true {
			primary = i
		}
	}
	if primary >= 0 {
		onePrimary(all, primary)
	}
	if found {
		return nil
	}
	if op == "replace" {
		return bad(noTarget, "No value of %s is selected by the path.", p.name)
	}
	fresh := map[string]any{} // add: a value for which the filter holds
	if !satisfy(fresh, p.where) {
		return bad(noTarget, "No value of %s is selected by the path, and none can be made of it.", p.name)
	}
	if err := setIn(fresh, p, value); err != nil {
		return err
	}
	sum, err := added(all, []any{fresh})
	if err == nil {
		holder[p.name] = sum
	}
	return err
}

// removeSelected removes the values of a list that the path selects, or an attribute of theirs.
func removeSelected(holder map[string]any, p path, all []any) {
	kept := []any{}
	for _, one := range all {
		object, _ := one.(map[string]any)
		if !matches(p.where, object) {
			kept = append(kept, one)
			continue
		}
		if p.sub != "" {
			delete(object, p.sub)
			kept = append(kept, object)
		}
	}
	holder[p.name] = kept
	if len(kept) == 0 {
		delete(holder, p.name)
	}
}

// setIn sets what the path names in a value of a list: attributes of it, or one.
func setIn(object map[string]any, p path, value any) error {
	if p.sub != "" {
		kept, err := tidy(p.sub, value, 3)
		if err == nil {
			object[p.sub] = kept
		}
		return err
	}
	kept, err := tidy("", value, 2)
	if err != nil {
		return err
	}
	members, ok := kept.(map[string]any)
	if !ok {
		return bad(invalidValue, "The values of %s must be objects.", p.name)
	}
	maps.Copy(object, members)
	return nil
}

// satisfy makes a filter of equalities hold for an object.
func satisfy(object map[string]any, e filter.Expression) bool {
	switch e := e.(type) {
	case *filter.AttributeExpression:
		if e.Operator != filter.EQ || e.CompareValue == nil || e.AttributePath.SubAttributeName() != "" {
			return false
		}
		name := canonical(e.AttributePath.AttributeName)
		value, err := tidy(name, e.CompareValue, 3)
		object[name] = value
		return err == nil
	case *filter.LogicalExpression:
		return e.Operator == filter.AND && satisfy(object, e.Left) && satisfy(object, e.Right)
	}
	return false
}
