package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A change of a hook must not be lost because another hook is enabled in its place meanwhile.
func TestEnablingAHookLosesNoChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, st := t.Context(), storetest.Tenant(t, db, "acme")
		first := &stagedoor.Hook{Name: "first", Trigger: "pre-user-registration", Enabled: true, Dependencies: map[string]string{}}
		second := &stagedoor.Hook{Name: "second", Trigger: first.Trigger}
		ok(t, store.Hooks.Create(ctx, st, first))
		ok(t, store.Hooks.Create(ctx, st, second))
		const changes = 40
		var all sync.WaitGroup
		all.Go(func() {
			for i := range changes {
				_, err := store.Hooks.Update(ctx, st, first.ID, func(h *stagedoor.Hook) error { h.Dependencies[fmt.Sprint("m", i)] = "1"; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
		for i := range 2 * changes {
			ok(t, st.EnableHook(ctx, []*stagedoor.Hook{second, first}[i%2]))
		}
		all.Wait()
		if h := must(store.Hooks.Get(ctx, st, first.ID))(t); len(h.Dependencies) != changes || !h.Enabled {
			t.Errorf("%d changes of %d are there, enabled %v", len(h.Dependencies), changes, h.Enabled)
		}
	})
}
