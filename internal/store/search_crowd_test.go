package store_test

import (
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor/internal/store"
)

// Many more searches at once than there are connections end: none waits for a connection while it holds one.
func TestManySearchesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		newUser(t, s, "auth0|ada")
		var group sync.WaitGroup
		start := make(chan bool)
		for range 64 {
			group.Go(func() {
				<-start
				for range 3 {
					if users, _, err := s.Users(t.Context(), store.UserQuery{PerPage: 10}); err != nil || len(users) != 1 {
						t.Errorf("%d users, error %v", len(users), err)
						return
					}
				}
			})
		}
		close(start)
		group.Wait()
	})
}
