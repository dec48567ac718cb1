package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A job that cannot be read rests as any other that was claimed, and keeps no other waiting. A tenant that has its share is passed over.
func TestClaimJob(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, other, ctx := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other"), t.Context()
		var jobs []*stagedoor.Job
		for _, of := range []*store.Store{s, s, other} {
			clock.now = clock.in(time.Second)
			j := &stagedoor.Job{Type: stagedoor.JobExport, Status: stagedoor.JobPending}
			ok(t, of.CreateJob(ctx, j, 0))
			jobs = append(jobs, j)
		}
		store.BreakJob(t, s, jobs[0].ID)
		lease := store.JobLease{Owner: "me", For: time.Minute}
		if _, j, err := db.ClaimJob(ctx, lease, ""); err == nil || stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("it could be read: %v, %v", j, err)
		}
		for _, want := range []struct{ but, id string }{{"acme", jobs[2].ID}, {"other", jobs[1].ID}} {
			_, j, err := db.ClaimJob(ctx, lease, want.but)
			ok(t, err)
			same(t, j.ID, want.id)
		}
		if _, _, err := db.ClaimJob(ctx, lease, ""); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("there is one more: %v", err)
		}
	}, storetest.WithClock(clock.clock))
}

// An upload that a wrong clock has dated later counts against others no longer than any.
func TestUploadOfAnotherTime(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, start := storetest.Tenant(t, db, "acme"), t.Context(), clock.now
		upload := func() error {
			return s.CreateJob(ctx, &stagedoor.Job{Type: stagedoor.JobImport, Status: stagedoor.JobUploading}, 1)
		}
		clock.now = clock.in(24 * time.Hour)
		ok(t, upload())
		clock.now = start
		ok(t, upload())
		if err := upload(); !stagedoor.IsKind(err, stagedoor.TooMany) {
			t.Errorf("one more: %v", err)
		}
	}, storetest.WithClock(clock.clock))
}
