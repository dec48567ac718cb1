package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// mayName are tables that may name what is deleted, whatever that is.
var mayName = map[string]string{
	"logs": "tells what was", "action_executions": "tells what was", "script_runs": "tells what was", "events": "tells what was", "feed_events": "tells what was, for a week",
	"codes": "over within minutes, and redeemed by no client that is gone", "transactions": "over within the hour", "one_time_codes": "over within minutes",
	"mfa_tokens": "over within minutes", "device_codes": "over within minutes", "pushed_requests": "over within minutes", "logout_notices": "over within the day",
	"access_tokens": "over within the day", "sessions": "names clients that are told of its end, and those that are gone are passed over",
	"push_challenges": "over within minutes, and what is answered then is nobody's",
	"jobs":            "over within the day",
}

// What is deleted is named nowhere any more: nothing answers for it, and nothing that comes later under its id is mistaken for it.
func TestNothingNamesWhatIsGone(t *testing.T) {
	for i, gone := range []struct {
		what, id string // id without the tenant's
		do       func(ctx context.Context, s *store.Store, id string) error
	}{
		{"client", "client ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteClient(ctx, id) }},
		{"connection", "con ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteConnection(ctx, id) }},
		{"API", "rs ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteResourceServer(ctx, id) }},
		{"client grant", "cgr ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteClientGrant(ctx, id) }},
		{"organization", "org ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteOrganization(ctx, id) }},
		{"role", "rol ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteRole(ctx, id) }},
		{"group", "grp ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteGroup(ctx, id) }},
		{"user", "auth0|", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteUser(ctx, id) }},
		{"rule", "rul ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteRule(ctx, id) }},
		{"action", "action ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteAction(ctx, id, true) }},
		{"action module", "module ", func(ctx context.Context, s *store.Store, id string) error {
			return s.DeleteActionModule(ctx, id, false)
		}},
		{"event stream", "stream ", func(ctx context.Context, s *store.Store, id string) error {
			_, err := s.DeleteEventStream(ctx, id)
			return err
		}},
		{"custom domain", "domain ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteCustomDomain(ctx, id) }},
		{"recorded run", "run ", func(ctx context.Context, s *store.Store, id string) error { return s.DeleteScriptRun(ctx, id) }},
	} {
		for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
			t.Run(gone.what+"/"+kind, func(t *testing.T) {
				t.Parallel()
				db := storetest.Open(t, kind)
				tenant := fmt.Sprintf("t%02d", i)
				s := storetest.Tenant(t, db, tenant)
				furnish(t, s)
				nameEverywhere(t, s)
				id := gone.id + tenant
				if len(naming(t, db, kind, id)) == 0 {
					t.Fatalf("%s is named nowhere", id)
				}
				ok(t, gone.do(t.Context(), s, id))
				for _, table := range naming(t, db, kind, id) {
					if mayName[table] == "" {
						t.Errorf("%s names %s", table, id)
					}
				}
			})
		}
	}
}

// nameEverywhere names things of a tenant where configuration can, beyond what furnish does.
func nameEverywhere(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, id := t.Context(), s.Tenant().ID
	must(s.UpdateClient(ctx, "client "+id, func(c *stagedoor.Client) error {
		c.Stored["default_organization"] = json.RawMessage(`{"flows":["client_credentials"],"organization_id":"org ` + id + `"}`)
		return nil
	}))(t)
	for _, v := range []stagedoor.Invitation{{ClientID: "client " + id}, {ConnectionID: "con " + id}, {Roles: []string{"rol " + id}}} {
		v.OrganizationID, v.Ticket, v.ExpiresAt = "org "+id, stagedoor.NewToken(), 1<<60
		ok(t, s.CreateInvitation(ctx, &v))
	}
}

// naming lists the tables in which an id stands, in a column or in a document.
func naming(t *testing.T, db *store.DB, kind, id string) (out []string) {
	t.Helper()
	tables := map[string][]string{}
	for column := range columnsOf(t, db, kind) {
		table, name, _ := strings.Cut(column, ".")
		tables[table] = append(tables[table], "CAST("+name+" AS TEXT) LIKE '%"+id+"%'")
	}
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		if n := store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM "+table+" WHERE "+strings.Join(tables[table], " OR "))[0][0]; n != "0" {
			out = append(out, table)
		}
	}
	return out
}
