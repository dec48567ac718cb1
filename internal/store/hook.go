package store

import (
	"context"
	"time"

	"github.com/stagedoor/stagedoor"
)

// Hooks are the tenant's scripts of the older kind.
var Hooks = Kind[stagedoor.Hook]{
	Name: "hook", ID: func(h *stagedoor.Hook) *string { return &h.ID }, Unique: func(h *stagedoor.Hook) string { return h.Name },
	Secret: func(h *stagedoor.Hook) *string { return &h.Sealed }, NewID: func() string { return stagedoor.NewULID(time.Now()) },
	Missing: stagedoor.Errorf(stagedoor.NotFound, "HookDoesNotExist", "Error: Hook does not exist"),
	Clash: func(*stagedoor.Hook) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "hook_conflict", "A hook with the same name already exists")
	},
}

// EnableHook makes a hook the one that is enabled at its trigger: another that was is not any more, in the same transaction.
func (s *Store) EnableHook(ctx context.Context, h *stagedoor.Hook) error {
	n := Hooks.noun()
	return s.write(ctx, func(q querier) error {
		var others []stagedoor.Hook
		err := q.each(ctx, n.selects()+n.mine()+" ORDER BY "+n.order+s.db.forUpdate(), []any{s.tenant.ID}, func(scan func(...any) error) error {
			o, err := n.scan(s, scan)
			if err == nil && o.Trigger == h.Trigger && o.Enabled != (o.ID == h.ID) {
				others = append(others, *o)
			}
			return err
		})
		for i := 0; err == nil && i < len(others); i++ {
			o := &others[i]
			o.Enabled = o.ID == h.ID
			err = n.save(ctx, s, q, o.ID, o)
		}
		return err
	})
}

// EnabledHook returns the hook that is enabled at a trigger; NotFound if none is.
func (s *Store) EnabledHook(ctx context.Context, trigger string) (*stagedoor.Hook, error) {
	all, err := Hooks.All(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Enabled && all[i].Trigger == trigger {
			return &all[i], nil
		}
	}
	missing := *Hooks.Missing
	return nil, &missing
}
