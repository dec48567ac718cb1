package store

import (
	"context"
	"errors"

	"github.com/stagedoor/stagedoor"
)

var actionBindings = noun[stagedoor.ActionBinding]{
	table: "action_bindings", order: "position",
	id:      func(b *stagedoor.ActionBinding) *string { return &b.ID },
	newID:   stagedoor.NewUUID,
	secret:  func(b *stagedoor.ActionBinding) *string { return &b.Sealed },
	missing: stagedoor.Errorf(stagedoor.NotFound, "", "That binding does not exist."),
}

// ActionBindings lists the bindings of a trigger in the order in which they run.
func (s *Store) ActionBindings(ctx context.Context, trigger string) ([]stagedoor.ActionBinding, error) {
	return s.bindings(ctx, s.read(), trigger)
}

func (s *Store) bindings(ctx context.Context, q querier, trigger string) ([]stagedoor.ActionBinding, error) {
	out := []stagedoor.ActionBinding{}
	err := q.each(ctx, actionBindings.selects()+" WHERE tenant = ? AND trigger_id = ? ORDER BY position", []any{s.tenant.ID, trigger}, func(scan func(...any) error) error {
		b, err := actionBindings.scan(s, scan)
		if err == nil {
			out = append(out, *b)
		}
		return err
	})
	return out, err
}

// SetActionBindings replaces the bindings of a trigger with what change returns, in its order. change sees the bindings that are there and
// all actions; it runs in the transaction.
func (s *Store) SetActionBindings(ctx context.Context, trigger string, change func(old []stagedoor.ActionBinding, all []stagedoor.Action) ([]stagedoor.ActionBinding, error)) ([]stagedoor.ActionBinding, error) {
	var next []stagedoor.ActionBinding
	err := s.write(ctx, func(q querier) error {
		var id string // one replacement at a time
		if err := q.row(ctx, "SELECT id FROM tenants WHERE id = ?"+s.db.noKeyUpdate(), []any{s.tenant.ID}, &id); err != nil {
			if errors.Is(err, errNoRows) {
				return stagedoor.Errorf(stagedoor.NotFound, "", "The tenant does not exist.")
			}
			return err
		}
		var all []stagedoor.Action
		err := q.each(ctx, actions.selects()+actions.mine()+" ORDER BY id"+s.db.keyShare(), []any{s.tenant.ID}, func(scan func(...any) error) error {
			a, err := actions.scan(s, scan)
			if err == nil {
				all = append(all, *a)
			}
			return err
		})
		if err != nil {
			return err
		}
		old, err := s.bindings(ctx, q, trigger)
		if err != nil {
			return err
		}
		if next, err = change(old, all); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM action_bindings WHERE tenant = ? AND trigger_id = ?", s.tenant.ID, trigger); err != nil {
			return err
		}
		for i := range next {
			if err := s.bind(ctx, q, trigger, i, &next[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return next, err
}

func (s *Store) bind(ctx context.Context, q querier, trigger string, position int, b *stagedoor.ActionBinding) error {
	if b.Trigger = trigger; b.ID == "" {
		b.ID, b.CreatedAt = stagedoor.NewUUID(), s.db.clock.Now()
	}
	doc, sealed, err := actionBindings.encode(s, b)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "INSERT INTO action_bindings (tenant, id, trigger_id, position, action, doc, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
		s.tenant.ID, b.ID, trigger, position, b.Action, doc, sealed)
	return err
}

// BoundActions returns what runs at a trigger, in order: one query, so that a login without actions pays for no more.
func (s *Store) BoundActions(ctx context.Context, trigger string) ([]stagedoor.BoundAction, error) {
	return keptList(ctx, s, configKey{table: "action_bindings", where: "bound", args: [3]string{trigger}}, func(size *int) ([]stagedoor.BoundAction, error) {
		return s.boundActions(ctx, trigger, size)
	})
}

func (s *Store) boundActions(ctx context.Context, trigger string, size *int) ([]stagedoor.BoundAction, error) {
	var out []stagedoor.BoundAction
	err := s.read().each(ctx, `SELECT b.doc, b.sealed, a.name, v.doc, v.sealed FROM action_bindings b
		JOIN actions a ON a.tenant = b.tenant AND a.id = b.action JOIN action_versions v ON v.tenant = a.tenant AND v.id = a.deployed
		WHERE b.tenant = ? AND b.trigger_id = ? ORDER BY b.position`, []any{s.tenant.ID, trigger}, func(scan func(...any) error) error {
		var t [5]string
		if err := weighed(scan, size)(&t[0], &t[1], &t[2], &t[3], &t[4]); err != nil {
			return err
		}
		b, err := actionBindings.known(s, texts(t[0], t[1]))
		if err != nil {
			return err
		}
		v, err := actionVersions.known(s, texts(t[3], t[4]))
		if err == nil {
			out = append(out, stagedoor.BoundAction{Binding: *b, Name: t[2], Version: *v})
		}
		return err
	})
	return out, err
}

// texts scans two texts that were read already.
func texts(doc, sealed string) func(...any) error {
	return func(dest ...any) error {
		*dest[0].(*string), *dest[1].(*string) = doc, sealed
		return nil
	}
}
