package store_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

var large = strings.Repeat("x", 3000)

// configurationKinds add one of each kind.
var configurationKinds = map[string]func(context.Context, *store.Store, int) error{
	"clients": func(ctx context.Context, s *store.Store, i int) error {
		return s.CreateClient(ctx, &stagedoor.Client{Name: large})
	},
	"connections": func(ctx context.Context, s *store.Store, i int) error {
		return s.CreateConnection(ctx, &stagedoor.Connection{Name: fmt.Sprint("c", i), DisplayName: large})
	},
	"resource servers": func(ctx context.Context, s *store.Store, i int) error {
		return s.CreateResourceServer(ctx, &stagedoor.ResourceServer{Identifier: fmt.Sprint(i), Name: large})
	},
	"client grants": func(ctx context.Context, s *store.Store, i int) error {
		return s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: fmt.Sprint(i), Audience: "a", Scope: []string{large}})
	},
	"rules": func(ctx context.Context, s *store.Store, i int) error {
		return s.CreateRule(ctx, &stagedoor.Rule{Name: fmt.Sprint(i), Script: large})
	},
	"actions": func(ctx context.Context, s *store.Store, i int) error {
		return s.CreateAction(ctx, &stagedoor.Action{Name: fmt.Sprint(i), Draft: stagedoor.ActionCode{Code: large}})
	},
	"forms": func(ctx context.Context, s *store.Store, i int) error {
		return store.Forms.Create(ctx, s, &stagedoor.Document{Name: fmt.Sprint(i), Sealed: large})
	},
	"rules configs": func(ctx context.Context, s *store.Store, i int) error {
		return s.SetRulesConfig(ctx, fmt.Sprint(i), large)
	},
}

// What a tenant keeps of a kind of configuration is bounded, whichever kind: it is read whole.
func TestAttackConfigurationWithoutEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s, other := storetest.Tenant(t, db, "acme"), storetest.Tenant(t, db, "other")
		for name, add := range configurationKinds {
			made := 0
			var err error
			for made < 20 {
				if err = add(ctx, s, made); err != nil {
					break
				}
				made++
			}
			hasCode(t, err, stagedoor.Forbidden, "too_many_entities")
			if made < 4 || made > 6 || err == nil || !strings.Contains(err.Error(), "Its "+name+" may have 20000 bytes together") {
				t.Errorf("%s: %d, then %v", name, made, err)
			}
			ok(t, add(ctx, other, 0))
		}
		// What is there may be changed, and made less, but not more.
		all := must(s.Clients(ctx))(t)
		change := func(name string) error {
			_, err := s.UpdateClient(ctx, all[0].ID, func(c *stagedoor.Client) error { c.Name = name; return nil })
			return err
		}
		ok(t, change(strings.Repeat("y", 3000)))
		hasCode(t, change(strings.Repeat(large, 3)), stagedoor.Forbidden, "too_many_entities")
		ok(t, change("less"))
		ok(t, s.DeleteClient(ctx, all[0].ID))
		ok(t, s.CreateClient(ctx, &stagedoor.Client{Name: large}))
	}, func(o *store.Options) { o.Ceiling = 20000 })
}

// A row tells how long its texts are.
func TestSizesOfRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		ok(t, s.CreateClient(ctx, &stagedoor.Client{Name: "x"}))
		ok(t, store.Forms.Create(ctx, s, &stagedoor.Document{Name: "x", Sealed: "{}"}))
		for _, table := range []string{"clients", "documents"} {
			kept := store.Rows(t, db, 1, "SELECT CAST(size AS TEXT) FROM "+table)
			measured := store.Rows(t, db, 1, "SELECT CAST(octet_length(CAST(doc AS TEXT)) + octet_length(sealed) AS TEXT) FROM "+table)
			if len(kept) != 1 || kept[0][0] == "0" || len(kept[0][0]) != len(measured[0][0]) { // PostgreSQL writes spaces
				t.Errorf("%s: %v, measured %v", table, kept, measured)
			}
		}
	})
}

// Pages of documents are those of the whole list, by number and by the one before.
func TestPagesOfDocuments(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var ids []string
		for i := range 7 {
			d := &stagedoor.Document{Name: fmt.Sprint(i)}
			ok(t, store.Forms.Create(ctx, s, d))
			ok(t, store.Flows.Create(ctx, s, &stagedoor.Document{Name: fmt.Sprint(i)}))
			ids = append(ids, d.ID)
		}
		is := func(page []stagedoor.Document, err error, want ...string) {
			t.Helper()
			got := []string{}
			for _, d := range page {
				got = append(got, d.ID)
			}
			ok(t, err)
			same(t, got, append([]string{}, want...))
		}
		page, total, err := store.Forms.Pages(s).Page(ctx, 2, 3)
		is(page, err, ids[2:5]...)
		if total != 7 {
			t.Errorf("%d in all", total)
		}
		page, _, err = store.Forms.Pages(s).Page(ctx, 9, 3)
		is(page, err)
		behind := func(last, following string) ([]stagedoor.Document, error) {
			return store.Forms.Pages(s).Behind(ctx, last, following, 3)
		}
		page, err = behind("", "")
		is(page, err, ids[:3]...)
		page, err = behind(ids[2], ids[3])
		is(page, err, ids[3:6]...)
		page, err = behind("gone", ids[5])
		is(page, err, ids[5:]...)
		if _, err = behind("gone", "gone too"); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("a checkpoint of nothing: %v", err)
		}
	})
}

// A list of clients, connections and the like is read in parts as it is read whole, in its order.
func TestPagesOfLists(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i := range 5 {
			ok(t, s.CreateClient(ctx, &stagedoor.Client{Name: "x"}))
			ok(t, s.CreateConnection(ctx, &stagedoor.Connection{Name: fmt.Sprint((i * 3) % 5)}))
			ok(t, s.CreateRule(ctx, &stagedoor.Rule{Name: fmt.Sprint(i), Order: 10 - i}))
			ok(t, s.CreateResourceServer(ctx, &stagedoor.ResourceServer{Identifier: fmt.Sprint(i)}))
			ok(t, s.CreateClientGrant(ctx, &stagedoor.ClientGrant{ClientID: fmt.Sprint(i), Audience: "a"}))
		}
		inParts(t, s.ClientPages(), must(s.Clients(ctx))(t))
		inParts(t, s.ConnectionPages(), must(s.Connections(ctx))(t))
		inParts(t, s.RulePages(), must(s.Rules(ctx))(t))
		inParts(t, s.ResourceServerPages(), must(s.ResourceServers(ctx))(t))
		inParts(t, s.ClientGrantPages(), must(s.ClientGrants(ctx))(t))
	})
}

func inParts[T any](t *testing.T, pages store.Pages[T], whole []T) {
	t.Helper()
	page, total, err := pages.Page(t.Context(), 1, 2)
	ok(t, err)
	if total != len(whole) {
		t.Errorf("%d in all", total)
	}
	same(t, page, whole[1:3])
	same(t, must(pages.Behind(t.Context(), pages.ID(whole[1]), pages.ID(whole[2]), 2))(t), whole[2:4])
	same(t, must(pages.Behind(t.Context(), "gone", pages.ID(whole[3]), 9))(t), whole[3:])
}

// The sum is read from an index: each write asks for it, and documents are long.
func TestTheSumIsReadFromAnIndex(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite, func(o *store.Options) { o.Ceiling = 20000 })
	s, looked := storetest.Tenant(t, db, "acme"), 0
	for text, plan := range store.PlansOf(t, db, func() {
		for _, add := range configurationKinds {
			ok(t, add(t.Context(), s, 0))
		}
	}) {
		if strings.Contains(text, "SUM(size)") {
			looked++
			if !strings.Contains(plan, "COVERING INDEX") {
				t.Errorf("%s\n%s", text, plan)
			}
		}
	}
	if looked != len(configurationKinds)-1 {
		t.Errorf("%d statements were looked at", looked)
	}
}

// Rows of before there were sizes get theirs.
func TestSizesOfOldRows(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		db := storetest.OpenURL(t, url)
		store.MigrateTo(t, db, 61)
		const doc = `'{"a":"é"}'`
		store.Exec(t, db, "INSERT INTO tenants (id, settings, created_at) VALUES ('acme', '{}', 0)")
		for table, more := range map[string]string{
			"clients": "'sealed'", "connections": "'Users', 'sealed'", "resource_servers": "'api', 'sealed'", "client_grants": "'c', 'a'", "rules": "'r', 1", "actions": "'a', '', 1, 'sealed'", "documents": "'form', 1, 'sealed'",
		} {
			columns := map[string]string{
				"clients": "sealed", "connections": "name, sealed", "resource_servers": "identifier, sealed", "client_grants": "client_id, audience", "rules": "name, position",
				"actions": "name, deployed, added, sealed", "documents": "kind, added, sealed",
			}[table]
			store.Exec(t, db, "INSERT INTO "+table+" (tenant, id, doc, "+columns+") VALUES ('acme', 'x', "+doc+", "+more+")")
		}
		ok(t, db.Migrate(t.Context()))
		for table, least := range map[string]int{"clients": 16, "connections": 16, "resource_servers": 16, "client_grants": 10, "rules": 10, "actions": 16, "documents": 16} {
			size := store.Rows(t, db, 1, "SELECT CAST(size AS TEXT) FROM "+table+" WHERE id = 'x'")
			if n, err := strconv.Atoi(size[0][0]); err != nil || n < least || n > least+1 { // PostgreSQL writes a space
				t.Errorf("%s: %v, not %d", table, size, least)
			}
		}
	})
}
