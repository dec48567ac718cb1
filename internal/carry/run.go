package carry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/web"
)

// Do runs an operation of the Management API for the operator; target is the path with its query.
type Do func(ctx context.Context, st *store.Store, method, target string, body any) (json.RawMessage, error)

// Carrier carries configuration into a tenant.
type Carrier struct {
	DB     *store.DB
	Do     Do
	Tenant string // its id
	Ahead  Ahead  // nil: operations ask others' servers in the transaction
}

// errUndo undoes a transaction of which only the plan was wanted, or a part that changed nothing.
var errUndo = errors.New("carry: undone")

// Ahead reads documents of others' servers before the transaction in which operations want them, so that no writer waits for these.
type Ahead interface {
	In(ctx context.Context) context.Context // of operations that take what was read, and refuse what was not yet
	Wants() bool                            // whether there was any that was not
	Read(ctx context.Context)               // reads it
}

// Plan tries everything and undoes it.
func (c *Carrier) Plan(ctx context.Context, a *Assets, cfg Config) (*Plan, error) {
	p, err := c.together(ctx, a, cfg, func(*Plan) error { return errUndo })
	if errors.Is(err, errUndo) {
		err = nil
	}
	return p, err
}

// Apply does what the plan says in one transaction. If the tenant has changed meanwhile so that something else would happen, nothing does.
func (c *Carrier) Apply(ctx context.Context, a *Assets, cfg Config, plan *Plan) (*Plan, error) {
	return c.together(ctx, a, cfg, func(p *Plan) error {
		if !p.same(plan) {
			return stagedoor.Errorf(stagedoor.Conflict, "", "The tenant has changed since the plan was made. Nothing was changed; make a new plan.")
		}
		return nil
	})
}

// errWants undoes a transaction in which something was wanted that is to be read first.
var errWants = errors.New("carry: something is to be read first")

// together does everything in one transaction, of which nothing is kept if then fails.
func (c *Carrier) together(ctx context.Context, a *Assets, cfg Config, then func(*Plan) error) (p *Plan, err error) {
	within := ctx
	if c.Ahead != nil {
		within = c.Ahead.In(ctx)
	}
	for {
		err = c.DB.Together(ctx, func(in *store.DB) (err error) {
			switch p, err = c.all(within, in, a, cfg); {
			case err != nil:
				return err
			case c.Ahead != nil && c.Ahead.Wants():
				return errWants
			}
			return then(p)
		})
		if !errors.Is(err, errWants) {
			return p, err
		}
		c.Ahead.Read(ctx)
	}
}

func (c *Carrier) all(ctx context.Context, in *store.DB, a *Assets, cfg Config) (*Plan, error) {
	r := &run{ctx: ctx, db: in, do: c.Do, tenant: c.Tenant, cfg: cfg, assets: a, lists: map[string][]map[string]any{}}
	r.plan.Objects = slices.Clone(a.Problems)
	known := map[string]bool{}
	for _, k := range table() {
		known[k.asset] = true
		if v := a.Kinds[k.asset]; v != nil {
			if err := k.carry(r, k, clone(v)); err != nil {
				return nil, fmt.Errorf("carrying the %s: %w", k.asset, err)
			}
		}
	}
	for _, asset := range slices.Sorted(maps.Keys(a.Kinds)) {
		if empty := encoded(a.Kinds[asset]); !known[asset] && empty != "{}" && empty != "[]" {
			r.plan.Objects = append(r.plan.Objects, Object{Kind: asset, Action: Refused, Lost: []Loss{{Reason: "this server knows no objects of this kind"}}})
		}
	}
	return &r.plan, nil
}

// run is one pass over the assets within a transaction.
type run struct {
	ctx    context.Context
	db     *store.DB
	do     Do
	tenant string
	cfg    Config
	assets *Assets
	plan   Plan
	lists  map[string][]map[string]any // what is there, by the path of its list
}

// item carries one object within a part of the transaction: fn may fail, then nothing of the object is kept and the plan says why.
func (r *run) item(title, name string, fn func(o *Object) error) error {
	var o Object
	lists := maps.Clone(r.lists)
	err := r.db.Part(r.ctx, func() error {
		o = Object{Kind: title, Name: name, Action: Left}
		if err := fn(&o); err != nil {
			return err
		}
		if o.Action == Left || o.Action == Refused {
			return errUndo
		}
		return nil
	})
	if err != nil && (o.Action != Left || !errors.Is(err, errUndo)) { // all is as it was before; of what was left as it is nothing was undone
		r.lists = lists
	}
	if err != nil && !errors.Is(err, errUndo) {
		e := stagedoor.AsError(err)
		if fatal(e) || r.ctx.Err() != nil {
			return err
		}
		o.Action, o.Changes = Refused, nil
		var wrong *web.Violation
		if errors.As(err, &wrong) {
			o.lose(wrong.Path, wrong.Reason)
		} else {
			o.lose("", e.Message)
		}
	}
	r.plan.Objects = append(r.plan.Objects, o)
	return nil
}

// fatal tells whether an error is not about the object.
func fatal(e *stagedoor.Error) bool {
	return e.Kind == stagedoor.Internal || e.Kind == stagedoor.Unavailable || e.Kind == stagedoor.TooMany
}

// call runs an operation and decodes what it answers.
func (r *run) call(method, target string, body any) (any, error) {
	return r.callWith(r.ctx, method, target, body)
}

func (r *run) callWith(ctx context.Context, method, target string, body any) (any, error) {
	st, err := r.db.TenantByID(r.ctx, r.tenant)
	if err != nil {
		return nil, err
	}
	raw, err := r.do(ctx, st, method, target, body)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err = dec.Decode(&v)
	return v, err
}

// object reads what an address of the Management API answers as an object.
func (r *run) object(target string) (map[string]any, error) {
	v, err := r.call("GET", target, nil)
	m, _ := v.(map[string]any)
	return m, err
}

// pageSize is how many objects of a list are asked for at a time.
const pageSize = 100

// all returns the objects of a list, page by page if it has pages.
func (r *run) all(path string, paged bool) ([]map[string]any, error) {
	if known, is := r.lists[path]; is {
		return known, nil
	}
	var out []map[string]any
	for page, from := 0, ""; ; page++ {
		target := path
		switch {
		case path == "/organizations":
			target = fmt.Sprintf("%s?take=%d&from=%s", path, pageSize, from) // pages by number end after the first 1000
		case paged:
			target = fmt.Sprintf("%s?per_page=%d&page=%d", path, pageSize, page)
		}
		v, err := r.call("GET", target, nil)
		if err != nil {
			return nil, err
		}
		items := objects(v)
		out = append(out, items...)
		if envelope, is := v.(map[string]any); is {
			from = textOf(envelope, "next")
		}
		if !paged || len(items) < pageSize || path == "/organizations" && from == "" {
			break
		}
	}
	r.lists[path] = out
	return out, nil
}

// objects are the objects of a list, or of the one list that an envelope holds.
func objects(v any) []map[string]any {
	if m, is := v.(map[string]any); is {
		for _, member := range m {
			if list, is := member.([]any); is {
				v = list
			}
		}
	}
	list, _ := v.([]any)
	var out []map[string]any
	for _, one := range list {
		if m, is := one.(map[string]any); is {
			out = append(out, m)
		}
	}
	return out
}

func textOf(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

// nameOf is what an object is called in the plan.
func nameOf(m map[string]any) string {
	for _, member := range []string{"name", "client_id", "identifier", "domain", "template", "displayName", "description", "key"} {
		if s := textOf(m, member); s != "" {
			return s
		}
	}
	return ""
}

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// clone is a deep copy of a JSON value.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = clone(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clone(v[i])
		}
		return out
	}
	return v
}

func segment(id string) string { return url.PathEscape(id) }
