package carry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/internal/store"
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

// A list is read once, however many objects are made, or are there as they should be.
func TestListsAreReadOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		ctx, c := t.Context(), s.Carrier(s.Tenant)
		lists, do := 0, c.Do
		c.Do = func(ctx context.Context, st *store.Store, method, target string, body any) (json.RawMessage, error) {
			if method == "GET" && strings.HasPrefix(target, "/organizations?") {
				lists++
			}
			return do(ctx, st, method, target, body)
		}
		dir := t.TempDir()
		for i := range 20 {
			write(t, filepath.Join(dir, "organizations", fmt.Sprint(i, ".json")), fmt.Sprintf(`{"name":"company-%d"}`, i))
		}
		assets := read(t, dir, carry.Config{})
		plan, err := c.Plan(ctx, assets, carry.Config{})
		ok(t, err)
		_, err = c.Apply(ctx, assets, carry.Config{}, plan)
		ok(t, err)
		again, err := c.Plan(ctx, assets, carry.Config{})
		ok(t, err)
		if got := fmt.Sprint(told(again)); strings.Count(got, "leave organization") != 20 || lists != 3 {
			t.Errorf("read %d times: %s", lists, got)
		}
	})
}
