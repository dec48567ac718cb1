package carry_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// A tenant with more organizations than pages by number reach is carried into.
func TestManyOrganizations(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		ctx, c := t.Context(), s.Carrier(s.Tenant)
		st, err := s.DB().TenantByID(ctx, s.Tenant)
		ok(t, err)
		for i := range 1001 {
			ok(t, st.CreateOrganization(ctx, &stagedoor.Organization{ID: fmt.Sprintf("org_%016d", i), Name: fmt.Sprint("company-", i), CreatedAt: int64(i)}, nil))
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "organizations", "last.json"), `{"name":"company-1000","display_name":"The last one"}`)
		write(t, filepath.Join(dir, "organizations", "new.json"), `{"name":"another"}`)
		assets := read(t, dir, carry.Config{})
		plan, err := c.Plan(ctx, assets, carry.Config{})
		ok(t, err)
		_, err = c.Apply(ctx, assets, carry.Config{}, plan)
		ok(t, err)
		if got := fmt.Sprint(told(plan)); got != "[change organization company-1000 [display_name] create organization another]" {
			t.Error(got)
		}
	})
}
