package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Whatever has a time at which it is over is gone behind a sweep, from every table that knows such a time, and what is not over stays.
func TestSweepTakesAllThatIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, acme, evil := t.Context(), storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "evil")
		for _, s := range []*store.Store{acme, evil} {
			furnish(t, s)
			must(s.UseAssertion(ctx, "client "+s.Tenant().ID, "jti", time.Now().Add(time.Hour)))(t)
			photograph(t, s) // which has its log written
		}
		count := func(table string) int64 {
			return store.Number(t, db, "SELECT COUNT(*) FROM "+table+" WHERE tenant = 'acme'")
		}
		all := store.TablesOf(t, db)
		over := map[string]string{"connected_accounts": "wanted_at", "job_parts": ""} // when nobody wants them; with their job
		for _, table := range all {
			if table.Has("expires_at") && table.Has("tenant") {
				over[table.Name()] = "expires_at"
			}
		}
		ok(t, db.Sweep(ctx)) // of some that was furnished the time is over
		// What is kept behind its time stays: a replay is still known for one, a device or a person is told that a code is over, and a job waits.
		behind := map[string]time.Duration{"codes": 23 * time.Hour, "mfa_tokens": 23 * time.Hour, "device_codes": 50 * time.Minute, "one_time_codes": 50 * time.Minute, "connected_accounts": 360 * 24 * time.Hour}
		before := map[string]int64{"jobs": count("jobs"), "job_parts": count("job_parts")}
		store.Exec(t, db, "UPDATE jobs SET status = 'pending', expires_at = 1 WHERE tenant = 'acme'")
		for table, age := range behind {
			before[table] = count(table)
			store.Exec(t, db, "UPDATE "+table+" SET "+over[table]+" = ? WHERE tenant = 'acme'", time.Now().Add(-age).UnixMilli())
		}
		ok(t, db.Sweep(ctx))
		for table, n := range before {
			if left := count(table); left != n {
				t.Errorf("%d of %d rows of %s are kept", left, n, table)
			}
		}
		store.Exec(t, db, "UPDATE jobs SET status = 'completed' WHERE tenant = 'acme'")
		for table, column := range over {
			if count(table) == 0 {
				t.Errorf("%s is empty: the test proves nothing about it", table)
			}
			if column != "" {
				store.Exec(t, db, "UPDATE "+table+" SET "+column+" = 1 WHERE tenant = 'acme'")
			}
		}
		stays := store.Dump(ctx, t, db, all, "evil")
		ok(t, db.Sweep(ctx))
		for table := range over {
			n := count(table)
			if table == "logout_notices" { // of sessions that ended so, clients are told
				n = store.Number(t, db, "SELECT COUNT(*) FROM logout_notices WHERE tenant = 'acme' AND expires_at = 1")
			}
			if n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		if store.Dump(ctx, t, db, all, "evil") != stays {
			t.Error("something went that is not over")
		}
		// A family that has no end is forgotten a year after its tokens were superseded.
		ok(t, acme.CreateRefreshToken(ctx, "endless", &stagedoor.RefreshToken{FamilyID: "endless", UserID: "auth0|acme", ClientID: "c"}))
		store.Exec(t, db, "UPDATE refresh_tokens SET used_at = ? WHERE tenant = 'acme'", time.Now().Add(-360*24*time.Hour).UnixMilli())
		ok(t, db.Sweep(ctx))
		if n := count("refresh_tokens"); n != 1 {
			t.Error("a superseded token is forgotten too early")
		}
		store.Exec(t, db, "UPDATE refresh_tokens SET used_at = 1 WHERE tenant = 'acme'")
		ok(t, db.Sweep(ctx))
		if n := count("refresh_tokens"); n != 0 {
			t.Errorf("%d superseded tokens are left", n)
		}
	})
}
