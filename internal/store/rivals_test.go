package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// rivals has several do something at the same time, and returns what came of it.
func rivals(n int, do func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = do(i)
		})
	}
	close(begin)
	all.Wait()
	return errs
}

// Of several administrators who give a realm to connections at once, or make one the domain connection, one does.
func TestOneRealmForSeveral(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		for round := range 8 {
			realm, made := fmt.Sprint("realm", round), 0
			ids := make([]string, 6)
			for i, err := range rivals(len(ids), func(i int) error {
				c := &stagedoor.Connection{Name: fmt.Sprintf("c%d-%d", round, i), Strategy: stagedoor.StrategyDatabase, Realms: []string{realm}}
				err := s.CreateConnection(t.Context(), c)
				ids[i] = c.ID
				return err
			}) {
				if err == nil {
					made++
				} else if !stagedoor.HasCode(err, "connection_conflict") {
					t.Error(i, err)
				}
			}
			if made != 1 {
				t.Errorf("%d connections were made with one realm", made)
			}
		}
		var ids []string
		for i := range 6 {
			c := &stagedoor.Connection{Name: fmt.Sprint("d", i), Strategy: stagedoor.StrategyDatabase}
			ok(t, s.CreateConnection(t.Context(), c))
			ids = append(ids, c.ID)
		}
		given := 0
		for _, err := range rivals(len(ids), func(i int) error {
			_, err := s.UpdateConnection(t.Context(), ids[i], func(c *stagedoor.Connection) error {
				c.IsDomainConnection, c.Realms = true, []string{"theirs"}
				return nil
			})
			return err
		}) {
			if err == nil {
				given++
			}
		}
		if given != 1 {
			t.Errorf("%d connections are the domain connection", given)
		}
	})
}
