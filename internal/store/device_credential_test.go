package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// A token is refused for as long as any token lives, from when it was last said, and the entry goes after that.
func TestBlacklistEnds(t *testing.T) {
	clock := newClock()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx, begin := storetest.Tenant(t, db, "acme"), t.Context(), clock.now
		once, twice := stagedoor.BlacklistedToken{Audience: "aud", JTI: "once"}, stagedoor.BlacklistedToken{Audience: "aud", JTI: "twice"}
		ok(t, s.BlacklistToken(ctx, once))
		ok(t, s.BlacklistToken(ctx, twice))
		clock.now = clock.in(30 * 24 * time.Hour)
		ok(t, s.BlacklistToken(ctx, twice))
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{0, 2}, {2 * 24 * time.Hour, 1}, {31 * 24 * time.Hour, 0}} {
			clock.now = clock.in(step.after)
			ok(t, db.Sweep(ctx))
			left := must(s.BlacklistedTokens(ctx, "aud", store.OrganizationQuery{PerPage: 10}))(t)
			if len(left) != step.left || must(s.TokenBlacklisted(ctx, []string{"aud"}, twice.JTI))(t) != (step.left > 0) {
				t.Errorf("%v later: %v", step.after, left)
			}
		}
		clock.now = begin
	}, storetest.WithClock(clock.clock))
}
