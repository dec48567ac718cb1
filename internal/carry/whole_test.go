package carry_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A configuration is carried whole or not at all: where the database fails at the last object nothing of it is there, and the same command carries all of it later. An object that is
// itself at fault keeps no other one out.
func TestConfigurationIsCarriedWhole(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		dir := t.TempDir()
		for _, name := range []string{"Clerk", "Baker", "Miller"} {
			write(t, filepath.Join(dir, "roles", name+".json"), `{"name": "`+name+`"}`)
		}
		write(t, filepath.Join(dir, "clients", "Shop.json"), `{"name": "Shop", "app_type": "spa", "token_endpoint_auth_method": "none"}`)
		assets, c := read(t, dir, carry.Config{}), s.Carrier(s.Tenant)
		plan, err := c.Plan(t.Context(), assets, carry.Config{})
		ok(t, err)
		there := func() (n int) {
			t.Helper()
			st, err := s.DB().TenantByID(t.Context(), s.Tenant)
			ok(t, err)
			roles, err := st.Roles(t.Context())
			ok(t, err)
			clients, err := st.Clients(t.Context())
			ok(t, err)
			for _, one := range clients {
				if one.Name == "Shop" {
					n++
				}
			}
			return n + len(roles)
		}
		before := there()
		do, writes, fails := c.Do, 0, 0
		c.Do = func(ctx context.Context, st *store.Store, method, target string, body any) (json.RawMessage, error) {
			if method != "GET" {
				if writes++; writes == fails {
					return nil, stagedoor.Errorf(stagedoor.Unavailable, "database_unavailable", "The database is away.")
				}
			}
			return do(ctx, st, method, target, body)
		}
		for fails = 1; fails <= 4; fails++ {
			writes = 0
			if _, err := c.Apply(t.Context(), assets, carry.Config{}, plan); !stagedoor.IsKind(err, stagedoor.Unavailable) {
				t.Errorf("it fails at write %d: %v", fails, err)
			}
			if n := there(); n != before {
				t.Errorf("it failed at write %d, and %d objects are there", fails, n-before)
			}
		}
		fails, writes = 0, 0
		if _, err := c.Apply(t.Context(), assets, carry.Config{}, plan); err != nil || there() != before+4 {
			t.Errorf("%d objects are there: %v", there()-before, err)
		}
	})
}
