package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Limits of actions (Management API fact sheet 3.3).
const (
	maxActions       = 100
	keptVersions     = 50
	keptExecutionFor = 10 * 24 * time.Hour
)

func noAction() *stagedoor.Error {
	return stagedoor.Errorf(stagedoor.NotFound, "", "That action does not exist.")
}

var actions = noun[stagedoor.Action]{
	table: "actions", order: "added, id",
	id:      func(a *stagedoor.Action) *string { return &a.ID },
	newID:   stagedoor.NewUUID,
	secret:  func(a *stagedoor.Action) *string { return &a.Sealed },
	columns: []string{"name", "deployed"},
	values:  func(a *stagedoor.Action) []any { return []any{a.Name, a.Deployed} },
	missing: noAction(),
	clash: func(*stagedoor.Action, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "An action with the same name already exists.")
	},
}

var actionVersions = noun[stagedoor.ActionVersion]{
	table: "action_versions", order: "number DESC",
	id:      func(v *stagedoor.ActionVersion) *string { return &v.ID },
	newID:   stagedoor.NewUUID,
	secret:  func(v *stagedoor.ActionVersion) *string { return &v.Sealed },
	columns: []string{"action", "number"},
	values:  func(v *stagedoor.ActionVersion) []any { return []any{v.Action, v.Number} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "That action version does not exist."),
	clash: func(*stagedoor.ActionVersion, string) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "The action is being deployed by somebody else.")
	},
}

// Action returns an action by its id.
func (s *Store) Action(ctx context.Context, id string) (*stagedoor.Action, error) {
	return actions.read(ctx, s, "id = ?", id)
}

// Actions lists the tenant's actions, oldest first.
func (s *Store) Actions(ctx context.Context) ([]stagedoor.Action, error) { return actions.all(ctx, s) }

// CreateAction adds an action.
func (s *Store) CreateAction(ctx context.Context, a *stagedoor.Action) error {
	return actions.named(a, s.write(ctx, func(q querier) error {
		var n int
		if err := q.row(ctx, "SELECT COUNT(*) FROM actions WHERE tenant = ?", []any{s.tenant.ID}, &n); err != nil {
			return err
		}
		if n >= maxActions {
			return stagedoor.Errorf(stagedoor.Forbidden, "too_many_entities", "You reached the limit of entities of this type for this tenant.")
		}
		if err := s.modulesThere(ctx, q, nil, a.Draft.Modules); err != nil {
			return err
		}
		if a.ID == "" {
			a.ID = newID(ctx, actions.newID)
		}
		doc, sealed, err := actions.encode(s, a)
		if err != nil {
			return err
		}
		size := len(doc) + len(sealed)
		if err := actions.fits(ctx, s, q, a.ID, size); err != nil {
			return err
		}
		_, err = q.exec(ctx, `INSERT INTO actions (tenant, id, name, deployed, doc, sealed, size, added) VALUES (?, ?, ?, ?, ?, ?, ?,
			(SELECT COALESCE(MAX(added), 0) + 1 FROM actions WHERE tenant = ?))`, s.tenant.ID, a.ID, a.Name, a.Deployed, doc, sealed, size, s.tenant.ID)
		return err
	}))
}

// UpdateAction changes an action in one transaction.
func (s *Store) UpdateAction(ctx context.Context, id string, change func(*stagedoor.Action) error) (*stagedoor.Action, error) {
	var before []stagedoor.ActionModuleUse
	return actions.updateThen(ctx, s, id, func(a *stagedoor.Action) error {
		before = a.Draft.Modules
		return change(a)
	}, func(q querier, a *stagedoor.Action) error { return s.modulesThere(ctx, q, before, a.Draft.Modules) })
}

// DeleteAction removes an action with its versions. One that is bound, or that something else names, is a Conflict, unless force removes these too: its bindings, the event streams
// and token exchange profiles that are nothing without it, and custom_password_hash of connections.
func (s *Store) DeleteAction(ctx context.Context, id string, force bool) error {
	defer s.db.forget(s.tenant.ID) // event streams are kept in memory
	var runners []runner
	err := s.write(ctx, func(q querier) (err error) {
		if _, err := actions.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		if runners, err = s.runnersOf(ctx, q, id); err != nil {
			return err
		}
		if len(runners) > 0 && !force {
			return stagedoor.Errorf(stagedoor.Conflict, "", "The action is used by %s: change that first, or delete the action with force.", runners[0].called)
		}
		for _, r := range runners {
			if err := r.drop(); err != nil {
				return err
			}
		}
		var bound int
		if err := q.row(ctx, "SELECT COUNT(*) FROM action_bindings WHERE tenant = ? AND action = ?", []any{s.tenant.ID, id}, &bound); err != nil {
			return err
		}
		if bound > 0 && !force {
			return stagedoor.Errorf(stagedoor.Conflict, "", "The action is bound to a trigger: remove its bindings first, or delete it with force.")
		}
		return actions.delete(ctx, s, q, id)
	})
	for i := 0; err == nil && i < len(runners); i++ {
		if runners[i].stream != "" {
			err = s.DropEvents(ctx, runners[i].stream)
		}
	}
	return err
}

// DeployAction makes a version of an action and puts it in force. make returns it, and may change the action; the version's id, number and
// time are given here, and versions beyond the number that is kept are dropped, oldest first.
func (s *Store) DeployAction(ctx context.Context, id string, make func(*stagedoor.Action) (*stagedoor.ActionVersion, error)) (*stagedoor.Action, *stagedoor.ActionVersion, error) {
	var a *stagedoor.Action
	var v *stagedoor.ActionVersion
	err := s.write(ctx, func(q querier) (err error) {
		if a, err = actions.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		if v, err = make(a); err != nil {
			return err
		}
		a.Last++
		v.ID, v.Action, v.Number, v.CreatedAt = stagedoor.NewUUID(), id, a.Last, s.db.clock.Now()
		a.Deployed = v.ID
		if err := actionVersions.insert(ctx, s, q, v); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM action_versions WHERE tenant = ? AND action = ? AND number <= ?", s.tenant.ID, id, a.Last-keptVersions); err != nil {
			return err
		}
		return actions.save(ctx, s, q, id, a)
	})
	if err != nil {
		return nil, nil, err
	}
	return a, v, nil
}

// ActionVersions lists the versions of an action, newest first.
func (s *Store) ActionVersions(ctx context.Context, action string) ([]stagedoor.ActionVersion, error) {
	if _, err := s.Action(ctx, action); err != nil {
		return nil, err
	}
	out := []stagedoor.ActionVersion{}
	err := s.read().each(ctx, actionVersions.selects()+" WHERE tenant = ? AND action = ? ORDER BY number DESC", []any{s.tenant.ID, action}, func(scan func(...any) error) error {
		v, err := actionVersions.known(s, scan)
		if err == nil {
			out = append(out, *v)
		}
		return err
	})
	return out, err
}

// ActionVersion returns one version of an action.
func (s *Store) ActionVersion(ctx context.Context, action, id string) (*stagedoor.ActionVersion, error) {
	return actionVersions.read(ctx, s, "action = ? AND id = ?", action, id)
}

// SaveActionExecution keeps the record of a run for ten days (extensibility fact sheet 3.2).
func (s *Store) SaveActionExecution(ctx context.Context, e *stagedoor.ActionExecution) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	until := s.db.clock.Now().Add(keptExecutionFor).UnixMilli()
	return s.writeOne(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO action_executions (tenant, id, doc, expires_at) VALUES (?, ?, ?, ?)", s.tenant.ID, e.ID, document(b), until)
		return err
	})
}

// ActionExecution returns the record of a run.
func (s *Store) ActionExecution(ctx context.Context, id string) (*stagedoor.ActionExecution, error) {
	var doc string
	err := s.read().row(ctx, "SELECT doc FROM action_executions WHERE tenant = ? AND id = ? AND expires_at > ?", []any{s.tenant.ID, id, s.db.clock.Now().UnixMilli()}, &doc)
	if errors.Is(err, errNoRows) {
		return nil, stagedoor.Errorf(stagedoor.NotFound, "", "That execution does not exist.")
	}
	if err != nil {
		return nil, err
	}
	e := &stagedoor.ActionExecution{}
	return e, json.Unmarshal([]byte(doc), e)
}
