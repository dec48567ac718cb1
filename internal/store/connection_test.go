package store_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Where passwords are checked is changed by many at once, each with one connection to the database, and not where there are users.
func TestWherePasswordsAreChecked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c := &stagedoor.Connection{Name: "Own", Strategy: stagedoor.StrategyDatabase}
		ok(t, s.CreateConnection(ctx, c))
		turn := func(c *stagedoor.Connection) error {
			on := json.RawMessage(`true`)
			if c.Scripts().On {
				on = json.RawMessage(`false`)
			}
			c.Options.Stored = map[string]json.RawMessage{"enabledDatabaseCustomization": on}
			return nil
		}
		var group sync.WaitGroup
		for range 40 {
			group.Go(func() {
				_, err := s.UpdateConnection(ctx, c.ID, turn)
				ok(t, err)
			})
		}
		group.Wait()
		ok(t, s.CreateUser(ctx, &stagedoor.User{ID: "auth0|own", Connection: "Own", Email: "own@x.test"}, ""))
		if _, err := s.UpdateConnection(ctx, c.ID, turn); !stagedoor.IsKind(err, stagedoor.Invalid) {
			t.Errorf("with users: %v", err)
		}
		must(s.UpdateConnection(ctx, c.ID, func(c *stagedoor.Connection) error { c.DisplayName = "Ours"; return nil }))(t)
	})
}
