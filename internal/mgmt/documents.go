package mgmt

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// documents are the five verbs of a plain noun: configuration that is checked, kept as it came and shown again. A noun that means more
// than its members has functions of its own.
type documents struct {
	kind     store.Kind[stagedoor.Document]
	key      string                     // of lists
	defaults map[string]json.RawMessage // members that are there unless they are sent
	unique   string                     // the member that only one may have, "" = none
	hide     func(map[string]any)       // takes away what is never shown
	complete func(map[string]any)       // puts in what holds where a member was left out
	brief    []string                   // members that lists show besides id and times; nil = all
	deep     bool                       // objects in a body are put on those that are there, not in their place
	bare     bool                       // a list without totals is a bare array
	gone     bool                       // deleting what is not there is 404
	timeless bool                       // when it was made and changed is not shown; the deploy tool would send it back
}

// newDocuments makes the verbs of a noun. missing is the wire's text for one that is not there, {id} its id.
func newDocuments(kind, prefix, key, missing string) documents {
	return documents{key: key, kind: store.Kind[stagedoor.Document]{
		Name: kind, ID: func(d *stagedoor.Document) *string { return &d.ID }, Secret: func(d *stagedoor.Document) *string { return &d.Sealed },
		NewID: func() string { return prefix + stagedoor.NewBase58(22) }, Unique: func(d *stagedoor.Document) string { return d.Name },
		Missing: stagedoor.Errorf(stagedoor.NotFound, "", "%s", missing),
		Clash: func(d *stagedoor.Document) *stagedoor.Error {
			return stagedoor.Errorf(stagedoor.Conflict, "", "There is one with the name %s already.", d.Name)
		},
	}}
}

func (n documents) show(d *stagedoor.Document) (any, error) {
	out := map[string]any{}
	if err := json.Unmarshal([]byte(d.Sealed), &out); err != nil {
		return nil, err
	}
	if n.complete != nil {
		n.complete(out)
	}
	if n.hide != nil {
		n.hide(out)
	}
	out["id"] = d.ID
	if n.timeless {
		return out, nil
	}
	out["created_at"], out["updated_at"] = stagedoor.FormatTime(time.UnixMilli(d.CreatedAt)), stagedoor.FormatTime(time.UnixMilli(d.UpdatedAt))
	return out, nil
}

type listDocumentsIn struct {
	web.Paging
	web.Checkpoint
	web.Fields
	Hydrate []string `json:"hydrate" doc:"Further counts to show; there are none"`
}

func (n documents) list(c *call, in listDocumentsIn) (any, error) {
	return n.listThose(c, in, nil)
}

// listWith lists those whose members, texts, are as wanted; an empty text wants nothing.
func (n documents) listWith(c *call, in listDocumentsIn, wanted map[string]string) (any, error) {
	maps.DeleteFunc(wanted, func(_, text string) bool { return text == "" })
	if len(wanted) == 0 {
		return n.list(c, in)
	}
	return n.listThose(c, in, func(members map[string]any) bool {
		for name, text := range wanted {
			if members[name] != text {
				return false
			}
		}
		return true
	})
}

// listThose lists those that are wanted; nil wants all.
func (n documents) listThose(c *call, in listDocumentsIn, wanted func(members map[string]any) bool) (any, error) {
	if !n.bare && !in.Asked() {
		in.IncludeTotals = true
	}
	show := func(d stagedoor.Document) (any, error) {
		shown, err := n.show(&d)
		if err != nil {
			return nil, err
		}
		if members, whole := shown.(map[string]any); whole && n.brief != nil {
			maps.DeleteFunc(members, func(name string, _ any) bool {
				return !slices.Contains(n.brief, name) && !slices.Contains([]string{"id", "created_at", "updated_at"}, name)
			})
		}
		return in.Pick(shown)
	}
	if wanted == nil {
		return listedPages(c, in.Paging, in.Checkpoint, n.key, n.kind.Pages(c.store), show)
	}
	all, err := n.kind.All(c.ctx(), c.store)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d stagedoor.Document) bool {
		var members map[string]any
		if json.Unmarshal([]byte(d.Sealed), &members) != nil {
			return false // what cannot be read is shown, so that the error is told
		}
		return !wanted(members)
	})
	return listed(c, in.Paging, in.Checkpoint, n.key, all, func(d stagedoor.Document) string { return d.ID }, show)
}

func (n documents) read(c *call) (any, error) {
	d, err := n.kind.Get(c.ctx(), c.store, c.id())
	if err != nil {
		return nil, naming(err, c.id())
	}
	return n.show(d)
}

// naming puts the id into the texts of the wire that tell it.
func naming(err error, id string) error {
	if e := stagedoor.AsError(err); e.Kind == stagedoor.NotFound && strings.Contains(e.Message, "{id}") {
		named := *e
		named.Message = strings.Replace(e.Message, "{id}", bounded(id, 100), 1)
		return &named
	}
	return err
}

func (n documents) delete(c *call) (any, error) {
	found, err := n.kind.Delete(c.ctx(), c.store, c.id())
	if err == nil && !found && n.gone {
		err = n.kind.Missing
	}
	return map[string]any{}, err
}

// set puts the members of the request's body on d: null removes one.
func (n documents) set(c *call, d *stagedoor.Document) error {
	members := map[string]json.RawMessage{}
	for _, text := range []string{d.Sealed, string(c.body)} {
		var more map[string]json.RawMessage
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &more); err != nil {
			return err
		}
		if n.deep {
			for name, value := range more {
				if old := members[name]; web.TypeOf(value) == "object" && old != nil {
					more[name] = mergeDeep(old, value)
				}
			}
		}
		keepStored(&members, more)
	}
	if n.unique != "" {
		d.Name = ""
		if err := json.Unmarshal(members[n.unique], &d.Name); err != nil {
			return err
		}
	}
	b, err := json.Marshal(members)
	d.Sealed = string(b)
	d.UpdatedAt = c.store.Clock().Now().UnixMilli()
	return err
}

// create adds what the request's body describes, unless check refuses it; nil checks nothing.
func (n documents) create(c *call, check func(*stagedoor.Document) error) (any, error) {
	d := &stagedoor.Document{CreatedAt: c.store.Clock().Now().UnixMilli()}
	if n.defaults != nil {
		b, err := json.Marshal(n.defaults)
		if err != nil {
			return nil, err
		}
		d.Sealed = string(b)
	}
	if err := n.set(c, d); err != nil {
		return nil, err
	}
	if check != nil {
		if err := check(d); err != nil {
			return nil, err
		}
	}
	if err := n.kind.Create(c.ctx(), c.store, d); err != nil {
		return nil, err
	}
	return n.show(d)
}

// createDocument adds what a body that In takes describes.
func createDocument[In any](n documents) func(*call, In) (any, error) {
	return func(c *call, _ In) (any, error) { return n.create(c, nil) }
}

// changeDocument changes the members of a body that In takes.
func changeDocument[In any](n documents) func(*call, In) (any, error) {
	return func(c *call, _ In) (any, error) {
		d, err := n.kind.Update(c.ctx(), c.store, c.id(), func(d *stagedoor.Document) error { return n.set(c, d) })
		if err != nil {
			return nil, naming(err, c.id())
		}
		return n.show(d)
	}
}

// mergeDeep puts the members of the object patch on those of the object old, and so on for objects in them; null removes one.
func mergeDeep(old, patch json.RawMessage) json.RawMessage {
	var under, over map[string]any
	if json.Unmarshal(old, &under) != nil || under == nil || json.Unmarshal(patch, &over) != nil {
		return patch
	}
	overlay(under, over)
	out, err := json.Marshal(under)
	if err != nil {
		return patch
	}
	return out
}
