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

// Of passkeys that are all taken away at once, and without which their person could not come in again, one stays.
func TestOnePasskeyStays(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		for round := range 8 {
			id := fmt.Sprint("auth0|ada", round)
			newUser(t, s, id)
			keys := make([]string, 4)
			for i := range keys {
				m := &stagedoor.AuthenticationMethod{Type: store.TypePasskey, KeyID: fmt.Sprintf("key %d %d", round, i), PublicKey: "k"}
				must(s.AddFactor(t.Context(), id, m, nil))(t)
				keys[i] = m.ID
			}
			refused := 0
			for _, err := range rivals(len(keys), func(i int) error { return s.DeleteOtherPasskey(t.Context(), id, keys[i]) }) {
				if stagedoor.HasCode(err, store.CodeLastPasskey) {
					refused++
				} else if err != nil {
					t.Error(err)
				}
			}
			if left := must(s.AuthenticationMethods(t.Context(), id))(t); refused != 1 || len(left) != 1 {
				t.Errorf("%d were refused, %d are left", refused, len(left))
			}
			if err := s.DeleteOtherPasskey(t.Context(), id, "none"); !stagedoor.IsKind(err, stagedoor.NotFound) {
				t.Error(err)
			}
		}
	})
}

// Of several domains that are made the default one at once, one is; and none that is deleted in the same moment.
func TestOneDefaultDomain(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		same, yes := func(*stagedoor.CustomDomain) error { return nil }, true
		standard := func() string {
			var set struct{ Default string }
			ok(t, s.Setting(t.Context(), stagedoor.SettingCustomDomains, &set))
			return set.Default
		}
		made := map[string]bool{}
		ids := make([]string, 5)
		for i := range ids {
			d := &stagedoor.CustomDomain{Domain: fmt.Sprintf("d%d.example", i)}
			ok(t, store.CustomDomains.Create(t.Context(), s, d))
			ids[i], made[d.Domain] = d.ID, true
		}
		for i, err := range rivals(len(ids), func(i int) error {
			_, err := s.UpdateCustomDomain(t.Context(), ids[i], same, &yes)
			return err
		}) {
			if err != nil {
				t.Error(i, err)
			}
		}
		if !made[standard()] {
			t.Errorf("the default domain is %q", standard())
		}
		for i, id := range ids {
			rivals(2, func(by int) error {
				if by == 0 {
					return s.DeleteCustomDomain(t.Context(), id)
				}
				_, err := s.UpdateCustomDomain(t.Context(), id, same, &yes)
				return err
			})
			if gone := fmt.Sprintf("d%d.example", i); standard() == gone {
				t.Errorf("links lead to %s, which is gone", gone)
			}
		}
		if _, err := s.UpdateCustomDomain(t.Context(), ids[0], same, &yes); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Error(err)
		}
	})
}
