package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Everything within Together is kept or nothing is; a part that fails is undone alone.
func TestTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		outside := storetest.Tenant(t, db, "acme")
		broken := errors.New("broken")
		change := func(end error) func(in *store.DB) error {
			return func(in *store.DB) error {
				st, err := in.TenantByID(ctx, "acme")
				ok(t, err)
				ok(t, st.CreateRule(store.WithID(ctx, "rul_kept"), &stagedoor.Rule{Name: "one", Stage: "login_success"}))
				st.Log(stagedoor.LogEvent{Type: "sapi", Description: "kept"})
				if err := in.Part(ctx, func() error {
					ok(t, st.CreateRule(ctx, &stagedoor.Rule{Name: "two", Stage: "login_success"}))
					st.Log(stagedoor.LogEvent{Type: "sapi", Description: "undone"})
					return broken
				}); !errors.Is(err, broken) {
					t.Errorf("the part's error is %v", err)
				}
				err = st.CreateRule(ctx, &stagedoor.Rule{Name: "one", Stage: "login_success"})
				if !stagedoor.IsKind(err, stagedoor.Conflict) {
					t.Errorf("a duplicate within: %v", err)
				}
				_, err = st.UpdateSettings(ctx, func(s *stagedoor.TenantSettings) error { s.FriendlyName = "Inside"; return nil })
				ok(t, err)
				st, err = in.TenantByID(ctx, "acme")
				ok(t, err)
				if st.Tenant().Settings.FriendlyName != "Inside" {
					t.Error("what was written is not read within")
				}
				rules, err := st.Rules(ctx)
				ok(t, err)
				if len(rules) != 1 || rules[0].ID != "rul_kept" {
					t.Errorf("rules within: %+v", rules)
				}
				return end
			}
		}
		look := func(rules int, name string, logged int) {
			t.Helper()
			all, err := outside.Rules(ctx)
			ok(t, err)
			st, err := db.TenantByID(ctx, "acme")
			ok(t, err)
			events, _, err := st.Logs(ctx, store.LogQuery{PerPage: 10})
			ok(t, err)
			if len(all) != rules || st.Tenant().Settings.FriendlyName != name || len(events) != logged {
				t.Errorf("%d rules, name %q, %d events", len(all), st.Tenant().Settings.FriendlyName, len(events))
			}
		}
		if err := db.Together(ctx, change(broken)); !errors.Is(err, broken) {
			t.Fatalf("the error is %v", err)
		}
		look(0, "", 0)
		ok(t, db.Together(ctx, change(nil)))
		look(1, "Inside", 1)
		canceled, cancel := context.WithTimeout(ctx, time.Minute)
		cancel()
		if err := db.Together(canceled, change(nil)); err == nil {
			t.Error("a context that has ended is not noticed")
		}
	})
}
