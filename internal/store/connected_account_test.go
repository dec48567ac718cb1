package store_test

import (
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// TestRenewalMeetsNewGrant: what came of a renewal does not take the place of the tokens of an account that was connected anew meanwhile.
func TestRenewalMeetsNewGrant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		newUser(t, s, "auth0|ada")
		ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con", Name: "Social", Strategy: "github"}))
		connect := func(refresh string) *stagedoor.ConnectedAccount {
			a := &stagedoor.ConnectedAccount{UserID: "auth0|ada", ConnectionID: "con", Account: "42", Tokens: stagedoor.ProviderTokens{Access: "of " + refresh, Refresh: refresh}}
			ok(t, s.SaveConnectedAccount(ctx, a))
			return a
		}
		kept := func(want string) {
			t.Helper()
			all := must(s.ConnectedAccounts(ctx, "auth0|ada"))(t)
			if len(all) != 1 || all[0].Tokens.Refresh != want {
				t.Errorf("%+v, not %s", all, want)
			}
		}
		before := connect("first")
		ok(t, s.RenewConnectedAccount(ctx, before, &stagedoor.ProviderTokens{Access: "x", Refresh: "second"}, time.Now()))
		kept("second")
		before = &must(s.ConnectedAccounts(ctx, "auth0|ada"))(t)[0]
		connect("anew")
		ok(t, s.RenewConnectedAccount(ctx, before, &stagedoor.ProviderTokens{Access: "x", Refresh: "third"}, time.Now()))
		kept("anew")
		ok(t, s.DeleteConnectedAccount(ctx, "auth0|ada", before.ID))
		if err := s.RenewConnectedAccount(ctx, before, &stagedoor.ProviderTokens{Access: "x"}, time.Now()); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("taken away meanwhile: %v", err)
		}
	})
}
