package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Searches and logs come from a replica, which finds what was written before, by whom and through which server ever; when it lags or is away,
// the primary answers.
func TestReplica(t *testing.T) {
	primary, replica := storetest.Replicated(t)
	p := storetest.NewProxy(t, replica)
	withReplica := func(o *store.Options) { o.Replicas = []string{p.URL} }
	a, b := storetest.OpenURL(t, primary, withReplica), storetest.OpenURL(t, primary, withReplica)
	s := storetest.Tenant(t, a, "acme")
	other := must(b.TenantByID(t.Context(), "acme"))(t)
	count := func(s *store.Store) int {
		t.Helper()
		_, total, err := s.Users(t.Context(), store.UserQuery{PerPage: 5})
		ok(t, err)
		return total
	}

	for i := range 20 { // what one server wrote the other one's replica has
		newUser(t, s, fmt.Sprint("auth0|", i))
		if n := count(other); n != i+1 {
			t.Fatalf("%d users were found of %d", n, i+1)
		}
	}
	asked := func(db *store.DB, before int64, read func()) { // on a busy machine it lags now and then, and is left alone for a while
		t.Helper()
		for deadline := time.Now().Add(time.Minute); store.ReplicaReads(db) == before; time.Sleep(50 * time.Millisecond) {
			if read(); time.Now().After(deadline) {
				t.Fatal("the replica was not asked")
			}
		}
	}
	asked(b, 0, func() { count(other) })
	s.Log(stagedoor.LogEvent{ID: s.NewLogID(), Type: "s", Date: time.Now()})
	asked(a, store.ReplicaReads(a), func() {
		if _, n, err := s.Logs(t.Context(), store.LogQuery{PerPage: 5}); err != nil || n != 1 {
			t.Errorf("%d log events, error %v", n, err)
		}
	})

	statement(t, replica, "SELECT pg_wal_replay_pause()")
	newUser(t, s, "auth0|late")
	start := time.Now()
	if n := count(other); n != 21 {
		t.Errorf("the replica lags: %d users were found", n)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	before := store.ReplicaReads(b)
	if n := count(other); n != 21 || store.ReplicaReads(b) != before {
		t.Errorf("%d users, and the replica was asked", n)
	}
	statement(t, replica, "SELECT pg_wal_replay_resume()")
	asked(b, before, func() {
		if n := count(other); n != 21 {
			t.Errorf("%d users", n)
		}
	})

	// Where commits do not wait for the disk, what was acknowledged may not have been sent to the replica yet.
	c := storetest.OpenURL(t, primary+"&synchronous_commit=off", withReplica)
	hasty := must(c.TenantByID(t.Context(), "acme"))(t)
	asked(c, 0, func() { count(hasty) })
	for i := range 20 {
		newUser(t, hasty, fmt.Sprint("auth0|hasty", i))
		if n := count(hasty); n != 22+i {
			t.Fatalf("%d users were found of %d", n, 22+i)
		}
	}
	store.SharedPositionIsNotAsked(t, a)

	p.Down()
	newUser(t, s, "auth0|away")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, n, err := other.Users(t.Context(), store.UserQuery{PerPage: 5}); err != nil || n != 42 {
				t.Errorf("the replica is away: %d users, error %v", n, err)
			}
		})
	}
	group.Wait()
}

// Who has begun to read what a replica answers gets one clear error when it goes away, and no row twice; who has not yet is answered by the primary.
func TestReplicaThatGoesAwayAmidARead(t *testing.T) {
	primary, replica := storetest.Replicated(t)
	p := storetest.NewProxy(t, replica)
	db := storetest.OpenURL(t, primary, func(o *store.Options) { o.Replicas = []string{p.URL} })
	const all = 200_000
	read := func(amid func(n int)) (n int, err error) {
		before := store.ReplicaReads(db)
		err = store.EachNumberElsewhere(t.Context(), db, fmt.Sprint("SELECT generate_series(1, ", all, ")"), func(v int64) {
			if n++; v != int64(n) {
				t.Fatalf("row %d is %d", n, v)
			}
			amid(n)
		})
		if err == nil && store.ReplicaReads(db) == before && n != all {
			t.Errorf("the primary answered %d rows", n)
		}
		return n, err
	}
	served := func() { // on a busy machine it lags now and then, and is left alone for a while
		t.Helper()
		for before, deadline := store.ReplicaReads(db), time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if n, err := read(func(int) {}); err != nil || n != all {
				t.Fatalf("%d rows, %v", n, err)
			}
			if store.ReplicaReads(db) > before {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the replica was not asked")
			}
		}
	}
	served()
	if n, err := read(func(n int) {
		if n == 1 {
			p.Down()
		}
	}); !stagedoor.IsKind(err, stagedoor.Unavailable) || n == all {
		t.Errorf("%d rows of a replica that went away, %v", n, err)
	}
	if n, err := read(func(int) {}); err != nil || n != all {
		t.Errorf("while it is away: %d rows, %v", n, err)
	}
	p.Up()
	served()
	p.Cut(storetest.Before, "generate_series", 1)
	if n, err := read(func(int) {}); err != nil || n != all {
		t.Errorf("of a replica that goes away before it answers: %d rows, %v", n, err)
	}
	served()
}
