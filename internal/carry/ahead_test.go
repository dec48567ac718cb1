package carry_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/carry"
	"github.com/stagedoor/stagedoor/stagedoortest"
)

// outside writes to the tenant while documents are read.
type outside struct {
	carry.Ahead
	write func()
}

func (o outside) Read(ctx context.Context) {
	o.write()
	o.Ahead.Read(ctx)
}

// Issuers are asked before the transaction: whoever writes does not wait for them.
func TestIssuersAreAskedBefore(t *testing.T) {
	onEach(t, func(t *testing.T, s *stagedoortest.Server) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "tenant.yaml"), `connections:
  - name: partner
    strategy: oidc
    options: {client_id: x, client_secret: y, type: back_channel, issuer: "https://127.0.0.1:1/"}
  - name: users
    strategy: auth0
`)
		st, err := s.DB().TenantByID(t.Context(), s.Tenant)
		ok(t, err)
		c, reads := s.Carrier(s.Tenant), 0
		c.Ahead = outside{c.Ahead, func() {
			reads++
			soon, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			ok(t, st.CreateRole(soon, &stagedoor.Role{Name: "meanwhile"}))
		}}
		var cfg carry.Config
		assets := read(t, filepath.Join(dir, "tenant.yaml"), cfg)
		plan, err := c.Plan(t.Context(), assets, cfg)
		ok(t, err)
		done, err := c.Apply(t.Context(), assets, cfg, plan)
		ok(t, err)
		if got := strings.Join(told(done), "\n"); reads != 1 || !strings.Contains(got, "https://127.0.0.1:1/.well-known/openid-configuration could not be read: there was no answer") ||
			!strings.Contains(got, "create connection users") {
			t.Errorf("%d reads, %s", reads, got)
		}
	})
}
