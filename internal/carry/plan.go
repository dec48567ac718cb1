package carry

import (
	"cmp"
	"slices"
)

// What happens to an object.
const (
	Created = "create"
	Changed = "change"
	Left    = "leave"  // it is so already
	Refused = "refuse" // it cannot be carried
)

// Loss is a part of an object that cannot be carried, and why.
type Loss struct {
	Path   string `json:"path,omitempty"` // empty: the whole
	Reason string `json:"reason"`
}

// Object is what happens to one object.
type Object struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"`
	Action  string   `json:"action"`
	Changes []string `json:"changes,omitempty"` // members that become different; never their values
	Lost    []Loss   `json:"not_carried,omitempty"`
	Unset   []string `json:"to_be_set,omitempty"` // secrets that the files do not tell
}

func (o *Object) lose(path, reason string) {
	if loss := (Loss{path, reason}); !slices.Contains(o.Lost, loss) {
		o.Lost = append(o.Lost, loss)
	}
}

func (o *Object) unset(path string) {
	if !slices.Contains(o.Unset, path) {
		o.Unset = append(o.Unset, path)
	}
}

// Plan is what a run does, or did, in order.
type Plan struct {
	Objects []Object `json:"objects"`
}

// Count counts the objects with an action.
func (p *Plan) Count(action string) int {
	n := 0
	for i := range p.Objects {
		if p.Objects[i].Action == action {
			n++
		}
	}
	return n
}

// Work tells whether something is to be created or changed.
func (p *Plan) Work() bool { return p.Count(Created)+p.Count(Changed) > 0 }

// Whole tells whether all is carried, secrets apart.
func (p *Plan) Whole() bool {
	return !slices.ContainsFunc(p.Objects, func(o Object) bool { return len(o.Lost) > 0 || o.Action == Refused })
}

// same tells whether two plans do the same.
func (p *Plan) same(other *Plan) bool {
	return slices.EqualFunc(p.Objects, other.Objects, func(a, b Object) bool {
		return cmp.Compare(a.Kind+"\x00"+a.Name+"\x00"+a.Action, b.Kind+"\x00"+b.Name+"\x00"+b.Action) == 0 && slices.Equal(a.Changes, b.Changes)
	})
}
