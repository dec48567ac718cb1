package store

import (
	"context"

	"github.com/stagedoor/stagedoor"
)

// A Kind keeps one kind of configuration that is looked up by its id or its name alone: each value is a JSON document in the
// table documents. Settings that exist once are a Kind with one fixed id. A Kind holds no state; its functions take the
// tenant's handle. Lists are in the order of creation. A kind that several rooms know is a variable of this package, in the
// file of its noun.
//
//	var logStreams = store.Kind[stagedoor.LogStream]{
//		Name: "log_stream", ID: func(l *stagedoor.LogStream) *string { return &l.ID }, …
//	}
type Kind[T any] struct {
	Name    string                    // of the kind: a word of the field, never shown
	ID      func(*T) *string          // where a value has its id
	Unique  func(*T) string           // what only one value of the kind may have in a tenant, "" = nothing; nil = no value has it
	Secret  func(*T) *string          // what is sealed apart from the document; nil = nothing
	NewID   func() string             // makes the id of a value that comes without
	Missing *stagedoor.Error          // the wire's words for "there is none"
	Clash   func(*T) *stagedoor.Error // the wire's words for a duplicate
	Runs    func(*T) (string, error)  // the id of the action that a value has run, "" = none; nil = no value has one
	Cached  bool                      // part of what is kept in memory with the tenant
}

// changed tells that what is kept in memory may be old.
func (k *Kind[T]) changed(s *Store) {
	if k.Cached {
		s.db.forget(s.tenant.ID)
	}
}

func (k *Kind[T]) noun() *noun[T] {
	return &noun[T]{
		table: "documents", kind: k.Name, order: "added, id",
		id: k.ID, newID: k.NewID, secret: k.Secret, missing: k.Missing,
		columns: []string{"name"},
		values: func(v *T) []any {
			if k.Unique == nil || k.Unique(v) == "" {
				return []any{nil}
			}
			return []any{k.Unique(v)}
		},
		clash: func(v *T, _ string) *stagedoor.Error {
			if k.Clash == nil {
				return stagedoor.Errorf(stagedoor.Conflict, "", "There is one with the same id already.")
			}
			return k.Clash(v)
		},
	}
}

// All returns the tenant's values in the order of their creation.
func (k *Kind[T]) All(ctx context.Context, s *Store) ([]T, error) { return k.noun().all(ctx, s) }

// Pages are the tenant's values in the order of their creation, read in parts.
func (k *Kind[T]) Pages(s *Store) Pages[T] { return Pages[T]{k.noun(), s} }

// Get returns one value by its id, or k.Missing.
func (k *Kind[T]) Get(ctx context.Context, s *Store, id string) (*T, error) {
	return k.noun().read(ctx, s, "id = ?", id)
}

// ByName returns the value whose Unique is name, or k.Missing.
func (k *Kind[T]) ByName(ctx context.Context, s *Store, name string) (*T, error) {
	return k.noun().read(ctx, s, "name = ?", name)
}

// Create adds a value, which gets an id if it has none. A value whose id or Unique is taken is k.Clash.
func (k *Kind[T]) Create(ctx context.Context, s *Store, v *T) error {
	n := k.noun()
	defer k.changed(s)
	return n.named(v, s.write(ctx, func(q querier) error { return k.add(ctx, s, q, n, v) }))
}

// add inserts v behind the values that are there.
func (k *Kind[T]) add(ctx context.Context, s *Store, q querier, n *noun[T], v *T) error {
	if *k.ID(v) == "" {
		*k.ID(v) = newID(ctx, k.NewID)
	}
	doc, sealed, err := n.encode(s, v)
	if err != nil {
		return err
	}
	if k.Runs != nil {
		runs, err := k.Runs(v)
		if err == nil {
			err = s.actionThere(ctx, q, "", runs)
		}
		if err != nil {
			return err
		}
	}
	size := len(doc) + len(sealed)
	if err := n.fits(ctx, s, q, *k.ID(v), size); err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO documents (tenant, kind, id, name, doc, sealed, size, added) VALUES (?, ?, ?, ?, ?, ?, ?,
		(SELECT COALESCE(MAX(added), 0) + 1 FROM documents WHERE tenant = ? AND kind = ?))`,
		s.tenant.ID, k.Name, *k.ID(v), n.values(v)[0], doc, sealed, size, s.tenant.ID, k.Name)
	return err
}

// Update changes one value in a transaction. If change returns an error, nothing happens.
func (k *Kind[T]) Update(ctx context.Context, s *Store, id string, change func(*T) error) (*T, error) {
	defer k.changed(s)
	if k.Runs == nil {
		return k.noun().update(ctx, s, id, change)
	}
	var before string
	return k.noun().updateThen(ctx, s, id, func(v *T) (err error) {
		if before, err = k.Runs(v); err != nil {
			return err
		}
		return change(v)
	}, func(q querier, v *T) error {
		runs, err := k.Runs(v)
		if err != nil {
			return err
		}
		return s.actionThere(ctx, q, before, runs)
	})
}

// Set changes one value in a transaction; where there is none, change gets what start returns, and the value is added.
func (k *Kind[T]) Set(ctx context.Context, s *Store, id string, start func() *T, change func(*T) error) (*T, error) {
	for try := 1; ; try++ {
		v, err := k.Update(ctx, s, id, change)
		if !stagedoor.IsKind(err, stagedoor.NotFound) {
			return v, err
		}
		v = start()
		*k.ID(v) = id
		if err := change(v); err != nil {
			return nil, err
		}
		err = k.Create(ctx, s, v)
		if err == nil {
			return v, nil
		}
		if !stagedoor.IsKind(err, stagedoor.Conflict) || try == attempts {
			return nil, err
		} // somebody else added it in between: change theirs
	}
}

// Delete removes one value and tells whether there was one.
func (k *Kind[T]) Delete(ctx context.Context, s *Store, id string) (found bool, err error) {
	defer k.changed(s)
	err = s.write(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM documents WHERE kind = '"+k.Name+"' AND tenant = ? AND id = ?", s.tenant.ID, id)
		found = n > 0
		return err
	})
	return found, err
}
