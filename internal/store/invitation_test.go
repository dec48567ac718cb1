package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Of any number of invitations those go with a client, a connection or a role that name it, and no others, in pieces and without all of them being read.
func TestInvitationsGoWithWhatTheyName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		for _, id := range []string{"org_a", "org_b"} {
			ok(t, s.CreateOrganization(ctx, &stagedoor.Organization{ID: id, Name: id}, nil))
		}
		end := map[string]func(context.Context) error{}
		for _, which := range []string{"goes", "stays"} {
			ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "client " + which, Name: "x"}))
			ok(t, s.CreateConnection(ctx, &stagedoor.Connection{ID: "con " + which, Name: which}))
			ok(t, s.CreateRole(ctx, &stagedoor.Role{ID: "rol " + which, Name: which}))
			for i, v := range []stagedoor.Invitation{{ClientID: "client " + which}, {ConnectionID: "con " + which}, {Roles: []string{"rol " + which}}} {
				v.OrganizationID, v.Ticket, v.ExpiresAt = []string{"org_a", "org_b"}[i%2], fmt.Sprint(which, i), time.Now().Add(time.Hour).UnixMilli()
				ok(t, s.CreateInvitation(ctx, &v))
			}
		}
		store.Exec(t, db, `INSERT INTO invitations (tenant, org_id, id, hash, doc, sealed, created_at, expires_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
			SELECT v.tenant, v.org_id, v.id || CAST(n.i AS TEXT), v.hash || CAST(n.i AS TEXT), v.doc, v.sealed, v.created_at, v.expires_at FROM invitations v, n`)
		end["client"] = func(ctx context.Context) error { return s.DeleteClient(ctx, "client goes") }
		end["connection"] = func(ctx context.Context) error { return s.DeleteConnection(ctx, "con goes") }
		end["role"] = func(ctx context.Context) error { return s.DeleteRole(ctx, "rol goes") }
		naming := func(what string) string {
			return store.Rows(t, db, 1, "SELECT CAST(COUNT(*) AS TEXT) FROM invitations WHERE CAST(doc AS TEXT) LIKE '%"+what+"%'")[0][0]
		}
		for what, end := range end {
			short := strings.TrimSuffix(strings.TrimSuffix(what, "nection"), "e")
			if n := naming(short + " goes"); n != "701" {
				t.Fatalf("%s invitations name the %s", n, what)
			}
			if n := store.LargestWrite(db, func() { ok(t, end(ctx)) }); n > 1100 {
				t.Errorf("%s: %d statements in one transaction", what, n)
			}
			if left, others := naming(short+" goes"), naming(short+" stays"); left != "0" || others != "701" {
				t.Errorf("%s: %s are left, and %s of others", what, left, others)
			}
		}
	})
}

// Invitations are found by what they name.
func TestInvitationsAreFoundByWhatTheyName(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	s, ctx, looked := storetest.Tenant(t, db, "acme"), t.Context(), 0
	for text, plan := range store.PlansOf(t, db, func() {
		ok(t, s.DeleteClient(ctx, "c"))
		ok(t, s.DeleteConnection(ctx, "c"))
	}) {
		if strings.Contains(text, "FROM invitations") {
			looked++
			if !strings.Contains(plan, "(tenant=? AND <expr>=?)") {
				t.Errorf("%s\n%s", text, plan)
			}
		}
	}
	if looked != 4 {
		t.Errorf("%d statements were looked at", looked)
	}
}
