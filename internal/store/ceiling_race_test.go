package store_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Writes at the same time do not take a tenant above its ceiling together, whichever kind they are of, and whether they make something or change it.
func TestAttackConfigurationAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		sum := func(tenant, table, size string) int {
			rows := store.Rows(t, db, 1, "SELECT CAST(COALESCE(SUM("+size+"), 0) AS TEXT) FROM "+table+" WHERE tenant = '"+tenant+"'")
			return must(strconv.Atoi(rows[0][0]))(t)
		}
		for round, kind := range []string{"clients", "forms", "actions", "rules configs"} {
			tenant := fmt.Sprint("t", round)
			s := storetest.Tenant(t, db, tenant)
			for i := range 3 { // room for one more, or two
				ok(t, configurationKinds[kind](ctx, s, i))
			}
			var group sync.WaitGroup
			var made sync.Map
			for i := range 12 {
				group.Go(func() {
					if err := configurationKinds[kind](ctx, s, 100+i); err == nil {
						made.Store(i, true)
					} else if !stagedoor.HasCode(err, "too_many_entities") {
						t.Error(err)
					}
				})
			}
			group.Wait()
			n := 0
			made.Range(func(any, any) bool { n++; return true })
			table, size := map[string]string{"forms": "documents", "rules configs": "rules_configs"}[kind], "size"
			if table == "" {
				table = kind
			} else if table == "rules_configs" {
				size = "octet_length(sealed)"
			}
			if all := sum(tenant, table, size); all > 20000 || n == 0 {
				t.Errorf("%s: %d more, %d bytes", kind, n, all)
			}
		}
		s := storetest.Tenant(t, db, "changes")
		var ids []string
		for range 6 {
			c := &stagedoor.Client{Name: "small"}
			ok(t, s.CreateClient(ctx, c))
			ids = append(ids, c.ID)
		}
		var group sync.WaitGroup
		for _, id := range ids {
			group.Go(func() {
				_, _ = s.UpdateClient(ctx, id, func(c *stagedoor.Client) error { c.Name = large + large; return nil })
			})
		}
		group.Wait()
		if all := sum("changes", "clients", "size"); all > 20000 || all < 6000 {
			t.Errorf("changes: %d bytes", all)
		}
	}, func(o *store.Options) { o.Ceiling = 20000 })
}
