package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A tenant goes with all that it has, in pieces, and nothing of another one's.
func TestDeleteTenant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		gone, stays := storetest.Tenant(t, db, "gone"), storetest.Tenant(t, db, "stays")
		for _, s := range []*store.Store{gone, stays} {
			var users []*stagedoor.User
			for i := range 700 {
				id := fmt.Sprint("auth0|", i)
				users = append(users, &stagedoor.User{ID: id, Connection: "Users", Email: fmt.Sprintf("u%d@example.com", i), UserMetadata: stagedoor.Metadata{"a": []byte(`"x"`), "b": []byte(`1`)}})
			}
			ok(t, s.CreateUsers(ctx, users))
			for i := range 2100 {
				s.Log(stagedoor.LogEvent{Type: "s", UserID: fmt.Sprint("auth0|", i)})
			}
			ok(t, s.CreateSession(ctx, "cookie "+s.Tenant().ID, &stagedoor.Session{ID: "sid", UserID: "auth0|1", CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), IdleExpiresAt: time.Now().Add(time.Hour)}))
		}
		_, before, err := stays.Logs(ctx, store.LogQuery{PerPage: 1})
		ok(t, err)
		var told []int64
		ok(t, db.DeleteTenant(ctx, "gone", func(rows int64) { told = append(told, rows) }))
		if len(told) < 5 || told[len(told)-1] < 700+2100 {
			t.Errorf("progress %v", told)
		}
		ok(t, db.DeleteTenant(ctx, "gone", nil))
		tables := "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'tenant'"
		if strings.HasSuffix(t.Name(), "postgres") {
			tables = "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant' AND table_schema = current_schema()"
		}
		for _, table := range store.Rows(t, db, 1, tables) {
			if left := store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM "+table[0]+" WHERE tenant = 'gone'"); left[0][0] != "0" {
				t.Errorf("%s rows are left in %s", left[0][0], table[0])
			}
		}
		if _, err := db.TenantByID(ctx, "gone"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("error %v", err)
		}
		if _, after, err := stays.Logs(ctx, store.LogQuery{PerPage: 1}); err != nil || after != before {
			t.Errorf("%d events of the other tenant, %d before; %v", after, before, err)
		}
		all, err := db.TenantSummaries(ctx)
		ok(t, err)
		if len(all) != 1 || all[0].Users != 700 {
			t.Errorf("%+v", all)
		}
		if c := must(db.Check(ctx, nil))(t); len(c.Faults) > 0 {
			t.Errorf("faults %v", c.Faults)
		}
	})
}

// What expires by itself, of which there may be as much, goes in pieces, too: each login keeps records of the actions that it ran.
func TestDeleteTenantWithManyShortLivedThings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "gone")
		for i := range 30 {
			ok(t, s.SaveActionExecution(ctx, &stagedoor.ActionExecution{ID: fmt.Sprint(i)}))
			must(s.SendEvent(ctx, "stream", "user.created", i))(t)
		}
		rows := int64(0)
		ok(t, db.DeleteTenant(ctx, "gone", func(n int64) { rows = n }))
		if rows != 60 {
			t.Errorf("%d rows went in pieces", rows)
		}
	})
}
