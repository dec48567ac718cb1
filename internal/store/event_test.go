package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Writers hold every connection of the pool, and come to look at the tenant's event streams while somebody without a connection looks at
// them too, as PatchMetadata
// does: they do not wait for each other.
func TestStreamsAreReadWithoutALock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		if !s.Shared() {
			return // one writer has one connection
		}
		const pool = 16 // the least that a pool has, see poolConfig
		for i := range pool {
			newUser(t, s, fmt.Sprint("auth0|", i))
		}
		s = must(db.TenantByID(t.Context(), "acme"))(t) // a handle that has read nothing yet
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var inside, all sync.WaitGroup
		inside.Add(pool)
		on := make(chan struct{})
		for i := range pool {
			all.Go(func() {
				_, err := s.UpdateUser(ctx, fmt.Sprint("auth0|", i), func(u *stagedoor.User) error {
					inside.Done()
					<-on
					u.Name = "Ada"
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		inside.Wait()
		all.Go(func() {
			if err := store.ReadStreams(ctx, s); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(100 * time.Millisecond) // it waits for a connection
		close(on)
		all.Wait()
	})
}
