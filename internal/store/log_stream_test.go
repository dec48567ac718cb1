package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A server that has read a log stream just before it was deleted leaves nothing of it behind.
func TestDeletedLogStreamIsNotClaimed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		l := &stagedoor.LogStream{Type: "http", Status: stagedoor.StreamActive, After: "900"}
		ok(t, store.LogStreams.Create(ctx, s, l))
		until := time.Now().Add(time.Minute)
		for _, want := range []bool{true, false} {
			if claimed := must(s.ClaimLogCursor(ctx, l, until))(t); claimed != want {
				t.Errorf("claimed: %v, want %v", claimed, want)
			}
		}
		ok(t, s.SaveLogCursor(ctx, l.ID, store.LogCursor{After: "901"}))
		ok(t, s.DeleteLogStream(ctx, l.ID))
		if must(s.ClaimLogCursor(ctx, l, until))(t) {
			t.Error("a stream that was deleted is served")
		}
		if c := must(s.LogCursor(ctx, l))(t); c.After != "900" || !c.DueAt.IsZero() && c.DueAt.UnixMilli() != 0 {
			t.Errorf("what is left: %+v", c)
		}
	})
}
