package store_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
)

// The search index of users who are carried is that of their records, and ends with them; the first of several identities keeps its profile as
// after linking, so that each can be taken apart again.
func TestCarriedUsersAreIndexed(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.Date(2020, 1, 2, 3, 4, 5, 678_912_345, time.UTC)
		carried := func(id, email string, identities ...stagedoor.Identity) *stagedoor.User {
			u := &stagedoor.User{
				ID: "auth0|" + id, Connection: "Shoppers", Email: email, EmailVerified: true, CreatedAt: at, UpdatedAt: at,
				Identities: append([]stagedoor.Identity{{Connection: "Shoppers", Provider: "auth0", UserID: id, ProfileData: map[string]any{}}}, identities...),
			}
			u.FillDefaults()
			return u
		}
		linked := carried("linked", "linked@carry.example", stagedoor.Identity{
			Connection: "google-oauth2", Provider: "google-oauth2", UserID: "1", IsSocial: true, ProfileData: map[string]any{"email": "g@carry.example", "name": "G"},
		})
		plain := carried("plain", "plain@carry.example")
		plain.LastIP = "192.0.2.9" // and no login that is counted
		plain.Attributes = map[string]json.RawMessage{"size": json.RawMessage(`1.50e2`), "list": json.RawMessage(`[ 1, {"a": "b"} ]`)}
		done, err := s.CarryUsers(ctx, []store.CarriedUser{{User: linked}, {User: plain}}, false)
		if err != nil || !done[0].Created || !done[1].Created {
			t.Fatalf("%+v, %v", done, err)
		}
		store.CheckIndex(t, s)
		u, err := s.User(ctx, linked.ID)
		if err != nil || !reflect.DeepEqual(u.Identities[0].ProfileData, u.ProfileData()) {
			t.Fatalf("the first identity is %+v, %v", u.Identities[0], err)
		}
		if u, err = s.User(ctx, plain.ID); err != nil || u.LastIP != "192.0.2.9" {
			t.Errorf("the plain user is %+v, %v", u, err)
		}
		again, err := s.CarryUsers(ctx, []store.CarriedUser{{User: linked}, {User: plain}}, true)
		if err != nil || again[0].Changed || again[1].Changed {
			t.Errorf("again: %+v, %v", again, err)
		}
		if _, err := s.UnlinkIdentity(ctx, linked.ID, "google-oauth2", "1"); err != nil {
			t.Fatal(err)
		}
		store.CheckIndex(t, s)
		for _, id := range []string{linked.ID, plain.ID, "google-oauth2|1"} {
			if err := s.DeleteUser(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		store.CheckIndex(t, s)
	})
}
