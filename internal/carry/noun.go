package carry

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// A kind is one row of the table of what is carried.
type kind struct {
	asset string
	title string
	carry func(r *run, k kind, v any) error
	noun
}

// A noun is how the objects of a kind with a list are carried. The zero value of a field does nothing.
type noun struct {
	path  string // of the list
	paged bool   // the list comes in pages
	key   string // the member by which an object is found again; name if empty
	id    string // the member with the id; id if empty
	keeps bool   // an object keeps the id that it had, if the files tell it
	shown bool   // the id is one that applications know, so that another one is a loss

	fixed    []string // members that are given at creation only
	derived  []string // members that the server makes: not sent, and not missed
	volatile []string // members that say nothing about the object

	skip    func(r *run, item map[string]any) bool                        // it is no object to carry
	prepare func(r *run, o *Object, item, there map[string]any) error     // names become ids; there is nil for a new one
	parts   func(r *run, o *Object, id string, item map[string]any) error // what has operations of its own; takes it out of item before
	hidden  func(r *run, st *store.Store, id string) (any, error)         // secrets that no answer shows, for comparing
	put     string                                                        // method of the update; PATCH if empty
	split   func(item map[string]any) (rest map[string]any)               // takes the parts out of the item
}

// usual members that the server makes.
var derived = []string{"id", "created_at", "updated_at", "tenant", "client_secret_masked"}

func titleOf(asset string) string {
	for _, k := range table() {
		if k.asset == asset {
			return k.title
		}
	}
	return asset
}

func (n *noun) keyName() string {
	if n.key == "" {
		return "name"
	}
	return n.key
}

func (n *noun) idName() string {
	if n.id == "" {
		return "id"
	}
	return n.id
}

// carryAll carries the objects of a list.
func carryAll(r *run, k kind, v any) error {
	seen := map[string]bool{}
	for _, item := range objects(v) {
		name := textOf(item, k.keyName())
		if k.skip != nil && k.skip(r, item) || slices.Contains(r.cfg.Names[k.asset], nameOf(item)) {
			continue
		}
		twice := name != "" && seen[name] && textOf(item, k.idName()) == ""
		seen[name] = true
		err := r.item(k.title, name, func(o *Object) error {
			if name == "" {
				return stagedoor.Errorf(stagedoor.Invalid, "", "It has no %s.", k.keyName())
			}
			if twice {
				return stagedoor.Errorf(stagedoor.Conflict, "", "The files have another object of this %s.", k.keyName())
			}
			return k.one(r, o, item)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// find returns the object that an item is of, nil if there is none: by the id that it keeps, else by its key.
func (k *kind) find(r *run, item map[string]any) (map[string]any, error) {
	all, err := r.all(k.path, k.paged)
	if err != nil {
		return nil, err
	}
	id, key := textOf(item, k.idName()), textOf(item, k.keyName())
	var named map[string]any
	for _, there := range all {
		if k.keeps && id != "" && textOf(there, k.idName()) == id {
			return there, nil
		}
		if named == nil && textOf(there, k.keyName()) == key {
			named = there
		}
	}
	return named, nil
}

// one carries one object.
func (k *kind) one(r *run, o *Object, item map[string]any) error {
	there, err := k.find(r, item)
	if err != nil {
		return err
	}
	wanted := textOf(item, k.idName())
	if k.prepare != nil {
		if err := k.prepare(r, o, item, there); err != nil {
			return err
		}
	}
	if err := filled(textOf(item, k.keyName())); err != nil { // which is no secret to be set
		return err
	}
	hide(o, item, "")
	if err := filled(item); err != nil {
		return err
	}
	parts := map[string]any{}
	for name, value := range item {
		parts[name] = value
	}
	if k.split != nil {
		item = k.split(item)
	}
	for _, name := range slices.Concat(derived, k.derived) {
		delete(item, name)
	}
	if there == nil {
		return k.create(r, o, wanted, item, parts)
	}
	id := textOf(there, k.idName())
	if k.shown && wanted != "" && wanted != id {
		o.lose(k.idName(), fmt.Sprintf("one of this name is here already as %s and keeps that id", id))
	}
	before, err := k.state(r, id)
	if err != nil {
		return err
	}
	for _, name := range k.fixed {
		if value, given := item[name]; given && name != k.keyName() && !reflect.DeepEqual(value, before[name]) {
			o.lose(name, "it can be set at creation only")
		}
		delete(item, name)
	}
	method := "PATCH"
	if k.put != "" {
		method = k.put
	}
	if len(item) > 0 {
		if _, err := r.send(o, method, k.path+"/"+segment(id), item, ""); err != nil {
			return err
		}
	}
	if k.parts != nil {
		if err := k.parts(r, o, id, parts); err != nil {
			return err
		}
	}
	after, err := k.state(r, id)
	if err != nil {
		return err
	}
	o.differ(before, after)
	return nil
}

func (k *kind) create(r *run, o *Object, id string, item, parts map[string]any) error {
	if !k.keeps {
		id = ""
	}
	made, err := r.send(o, "POST", k.path, item, id)
	if err != nil {
		return err
	}
	o.Action = Created
	if list, known := r.lists[k.path]; known && made != nil {
		r.lists[k.path] = append(slices.Clip(list), made) // to read it anew for each would take longer and longer
	} else {
		delete(r.lists, k.path)
	}
	if k.parts == nil {
		return nil
	}
	return k.parts(r, o, textOf(made, k.idName()), parts)
}

// state is all that is known of an object.
func (k *kind) state(r *run, id string) (map[string]any, error) {
	m, err := r.object(k.path + "/" + segment(id))
	if err != nil {
		return nil, err
	}
	if k.hidden != nil {
		st, err := r.db.TenantByID(r.ctx, r.tenant)
		if err != nil {
			return nil, err
		}
		if m["secrets"], err = k.hidden(r, st, id); err != nil {
			return nil, err
		}
	}
	for _, name := range append([]string{"updated_at"}, k.volatile...) {
		delete(m, name)
	}
	if clients, is := m["enabled_clients"].([]any); is { // a set: its order is that of ids, which new clients draw anew in each transaction
		slices.SortFunc(clients, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return m, nil
}

// differ notes which members have become different.
func (o *Object) differ(before, after map[string]any) {
	for name := range before {
		if _, still := after[name]; !still {
			o.Changes = append(o.Changes, name)
		}
	}
	for name, value := range after {
		if !reflect.DeepEqual(plain(before[name]), plain(value)) {
			o.Changes = append(o.Changes, name)
		}
	}
	slices.Sort(o.Changes)
	o.Changes = slices.Compact(o.Changes)
	if len(o.Changes) > 0 && o.Action == Left {
		o.Action = Changed
	}
}

// plain is a value as its JSON reads, whatever Go made of it.
func plain(v any) any { return encoded(v) }

// send writes an object. Members that the server does not know are left out and noted; anything else that is wrong is an error. A new
// object gets the id, unless that is empty.
func (r *run) send(o *Object, method, target string, body map[string]any, id string) (map[string]any, error) {
	for {
		ctx := r.ctx
		if id != "" {
			ctx = store.WithID(ctx, id)
		}
		var made map[string]any
		err := r.db.Part(r.ctx, func() error {
			v, err := r.callWith(ctx, method, target, body)
			made, _ = v.(map[string]any)
			return err
		})
		var wrong *web.Violation
		if err == nil || !errors.As(err, &wrong) || len(wrong.Names()) == 0 {
			return made, err
		}
		gone := false
		for _, name := range wrong.Names() {
			path := strings.TrimPrefix(wrong.Path+"."+name, ".")
			if remove(body, path) {
				gone = true
				o.lose(path, "this server does not know the property")
			}
		}
		if !gone {
			return nil, err
		}
		if len(body) == 0 {
			return nil, nil
		}
	}
}

// remove takes the member at a path such as options.email[0].x out of a body.
func remove(body map[string]any, path string) bool {
	var at any = body
	for {
		name, rest, more := path, "", false
		if m, is := at.(map[string]any); is {
			if _, there := m[path]; there { // a name may hold dots itself
				delete(m, path)
				return true
			}
		}
		if i := strings.IndexAny(path, ".["); i >= 0 {
			name, rest, more = path[:i], path[i:], true
		}
		m, is := at.(map[string]any)
		if !is || !more {
			return false
		}
		at = m[name]
		for strings.HasPrefix(rest, "[") {
			number, after, _ := strings.Cut(rest[1:], "]")
			list, is := at.([]any)
			i := index(number)
			if !is || i < 0 || i >= len(list) {
				return false
			}
			at, rest = list[i], after
		}
		path = strings.TrimPrefix(rest, ".")
	}
}

func index(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1<<20 {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// hide takes secrets that the files do not tell out of an object, and notes where they are to be set.
func hide(o *Object, v any, path string) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			at := strings.TrimPrefix(path+"."+name, ".")
			if text, is := value.(string); is && masked(text) {
				delete(v, name)
				o.unset(at)
				continue
			}
			hide(o, value, at)
		}
		slices.Sort(o.Unset)
	case []any:
		for i := range v {
			hide(o, v[i], fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// filled fails where a keyword without value is within the texts of a value.
func filled(v any) error {
	if keyword := unfilledIn(v); keyword != "" {
		return stagedoor.Errorf(stagedoor.Invalid, "", "It holds the keyword %s, for which no value was given.", keyword)
	}
	return nil
}

// unfilledIn is the first keyword without value within the texts of a value.
func unfilledIn(v any) string {
	switch v := v.(type) {
	case string:
		return unfilled(v)
	case map[string]any:
		for _, one := range v {
			if k := unfilledIn(one); k != "" {
				return k
			}
		}
	case []any:
		for _, one := range v {
			if k := unfilledIn(one); k != "" {
				return k
			}
		}
	}
	return ""
}
