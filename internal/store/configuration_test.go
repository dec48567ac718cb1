package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// configLook is all that is kept in memory of a tenant's configuration, as text.
func configLook(t *testing.T, s *store.Store) string {
	t.Helper()
	ctx := t.Context()
	missing := func(v any, err error) any {
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return nil
		}
		ok(t, err)
		return v
	}
	first := func(id string) any { return missing(s.Client(ctx, id)) }
	b, err := json.Marshal([]any{
		first("c1"), first("c2"), missing(s.ConnectionByName(ctx, "db")), must(s.Connections(ctx))(t), missing(s.ResourceServerByIdentifier(ctx, "https://api/")),
		missing(s.ClientGrantFor(ctx, &stagedoor.Client{ID: "c1", IsFirstParty: true}, "https://api/", stagedoor.SubjectClient)), must(s.Rules(ctx))(t), must(s.RulesConfigs(ctx))(t),
		missing(s.EnabledHook(ctx, "credentials-exchange")), must(s.BoundActions(ctx, "post-login"))(t),
	})
	ok(t, err)
	return string(b)
}

// What one server changes of a configuration, the next read of any other server sees, with or without notifications; so does one that has just
// read the same.
func TestConfigurationIsNeverOld(t *testing.T) {
	for _, kind := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(kind, func(t *testing.T) {
			url := storetest.Migrated(t, kind)
			deaf := func(o *store.Options) { o.NoNotify = true }
			one, other := storetest.OpenURL(t, url, deaf), storetest.OpenURL(t, url, deaf)
			a := storetest.Tenant(t, one, "acme")
			b := must(other.TenantByID(t.Context(), "acme"))(t)
			ctx := context.Background()
			var action *stagedoor.Action
			conn, api, grant := &stagedoor.Connection{Name: "db", Strategy: "auth0"}, &stagedoor.ResourceServer{Identifier: "https://api/", Name: "API"}, &stagedoor.ClientGrant{ClientID: "c1", Audience: "https://api/"}
			rule, hook := &stagedoor.Rule{Name: "r", Enabled: true}, &stagedoor.Hook{Name: "h", Trigger: "credentials-exchange"}
			bind := func(bindings ...stagedoor.ActionBinding) error {
				_, err := a.SetActionBindings(ctx, "post-login", func([]stagedoor.ActionBinding, []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
					return bindings, nil
				})
				return err
			}
			deploy := func() error {
				_, _, err := a.DeployAction(ctx, action.ID, func(*stagedoor.Action) (*stagedoor.ActionVersion, error) { return &stagedoor.ActionVersion{}, nil })
				return err
			}
			seen := configLook(t, b)
			for _, step := range []struct {
				name string
				do   func() error
			}{
				{"a client", func() error { return a.CreateClient(ctx, &stagedoor.Client{ID: "c1", Secret: "first"}) }},
				{"its secret", func() error {
					_, err := a.UpdateClient(ctx, "c1", func(c *stagedoor.Client) error { c.Secret = "second"; return nil })
					return err
				}},
				{"a connection", func() error { return a.CreateConnection(ctx, conn) }},
				{"a connection's clients", func() error {
					_, err := a.UpdateConnection(ctx, conn.ID, func(c *stagedoor.Connection) error { c.EnabledClients = []string{"c1", "c2"}; return nil })
					return err
				}},
				{"another client", func() error { return a.CreateClient(ctx, &stagedoor.Client{ID: "c2"}) }},
				{"it goes, also from the connection", func() error { return a.DeleteClient(ctx, "c2") }},
				{"an API", func() error { return a.CreateResourceServer(ctx, api) }},
				{"an API's name", func() error {
					_, err := a.UpdateResourceServer(ctx, api.ID, func(r *stagedoor.ResourceServer) error { r.Name = "Other"; return nil })
					return err
				}},
				{"a client grant", func() error { return a.CreateClientGrant(ctx, grant) }},
				{"it goes", func() error { return a.DeleteClientGrant(ctx, grant.ID) }},
				{"a rule", func() error { return a.CreateRule(ctx, rule) }},
				{"a rule's script", func() error {
					_, err := a.UpdateRule(ctx, rule.ID, func(r *stagedoor.Rule) error { r.Script = "x"; return nil })
					return err
				}},
				{"a setting of rules", func() error { return a.SetRulesConfig(ctx, "key", "value") }},
				{"it goes", func() error { return a.DeleteRulesConfig(ctx, "key") }},
				{"the rule goes", func() error { return a.DeleteRule(ctx, rule.ID) }},
				{"a hook", func() error {
					if err := store.Hooks.Create(ctx, a, hook); err != nil {
						return err
					}
					hook.Enabled = true
					return a.EnableHook(ctx, hook)
				}},
				{"it goes", func() error { _, err := store.Hooks.Delete(ctx, a, hook.ID); return err }},
				{"an action", func() error {
					action = &stagedoor.Action{Name: "act"}
					if err := a.CreateAction(ctx, action); err != nil {
						return err
					}
					if err := deploy(); err != nil {
						return err
					}
					return bind(stagedoor.ActionBinding{Action: action.ID})
				}},
				{"a version of it", deploy},
				{"its binding goes", func() error { return bind() }},
				{"what belongs together", func() error {
					return one.Together(ctx, func(in *store.DB) error {
						s := must(in.TenantByID(ctx, "acme"))(t)
						before := configLook(t, s)
						err := s.CreateRule(ctx, &stagedoor.Rule{Name: "together"})
						if configLook(t, s) == before {
							t.Error("what was written is not read within")
						}
						return err
					})
				}},
				{"the API goes", func() error { return a.DeleteResourceServer(ctx, api.ID) }},
				{"the connection goes", func() error { return a.DeleteConnection(ctx, conn.ID) }},
				{"the client goes", func() error { return a.DeleteClient(ctx, "c1") }},
			} {
				request := a.Once()
				ok(t, step.do())
				now := configLook(t, b)
				if now == seen {
					t.Errorf("%s: the other server did not see it", step.name)
				}
				if seen = now; configLook(t, a) != now || configLook(t, request) != now {
					t.Errorf("%s: the server itself did not see it", step.name)
				}
			}
		})
	}
}

// A request sees one configuration, and what it changes itself.
func TestConfigurationOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		ok(t, s.CreateClient(ctx, &stagedoor.Client{ID: "c", Name: "before"}))
		rename := func(s *store.Store, name string) {
			must(s.UpdateClient(ctx, "c", func(c *stagedoor.Client) error { c.Name = name; return nil }))(t)
		}
		name := func(s *store.Store) string { return must(s.Client(ctx, "c"))(t).Name }
		request := s.Once()
		name(request)
		if rename(s, "meanwhile"); name(request) != "before" || name(s.Once()) != "meanwhile" {
			t.Errorf("a request that had begun sees %q, the next one %q", name(request), name(s.Once()))
		}
		if rename(request, "by itself"); name(request) != "by itself" {
			t.Errorf("after its own change a request sees %q", name(request))
		}
		c := must(request.Client(ctx, "c"))(t)
		if c.Name = "only here"; name(request) != "by itself" {
			t.Error("who changes what was read changes what is kept")
		}
	})
}

// A program of the release before changes rows and knows no version of them.
func TestConfigurationOfOlderPrograms(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	s := storetest.Tenant(t, db, "acme")
	ok(t, s.CreateRule(t.Context(), &stagedoor.Rule{Name: "r"}))
	must(s.Rules(t.Context()))(t)
	store.Exec(t, db, "DELETE FROM rules")
	for start := time.Now(); len(must(s.Rules(t.Context()))(t)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > store.CacheFor+20*time.Second {
			t.Fatal("it is not seen in time")
		}
	}
}

// A long list is read once when it is asked for, and not kept.
func TestLongListsAreNotKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		for i := range 200 {
			ok(t, s.CreateClient(ctx, &stagedoor.Client{Name: fmt.Sprint("client ", i)}))
		}
		list := func() int {
			return store.Read(db, "FROM clients", func() {
				if all := must(s.Clients(ctx))(t); len(all) < 200 {
					t.Errorf("%d clients", len(all))
				}
			})
		}
		if first, again := list(), list(); first != 1 || again != 0 || store.KeptLists(db) != 200 {
			t.Errorf("200 clients: read %d times, then %d; %d kept", first, again, store.KeptLists(db))
		}
		ok(t, s.CreateClient(ctx, &stagedoor.Client{Name: "one more"}))
		if first, again := list(), list(); first != 1 || again != 1 || store.KeptLists(db) != 0 {
			t.Errorf("201 clients: read %d times, then %d; %d kept", first, again, store.KeptLists(db))
		}
	})
}

// What is kept in memory of configurations is bounded by its size: documents may have a megabyte, and a tenant may change one any number of times.
func TestKeptConfigurationIsBoundedInSize(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
	var ids []string
	for i := range 18 {
		rule := &stagedoor.Rule{Name: fmt.Sprint("rule ", i), Order: i + 1, Script: strings.Repeat(fmt.Sprint(i%10), 4<<20)}
		ok(t, s.CreateRule(ctx, rule))
		ids = append(ids, rule.ID)
	}
	for i, id := range ids {
		for range 2 {
			if got := must(s.Rule(ctx, id))(t); len(got.Script) != 4<<20 || got.Script[0] != byte('0'+i%10) {
				t.Errorf("rule %d is another one", i)
			}
		}
	}
	if documents, rules := store.KeptTexts(db); documents > 65<<20 || rules > 65<<20 || documents == 0 {
		t.Errorf("%d bytes of documents, %d of rules", documents, rules)
	}
}

// So is what is kept of many values none of which is large, and of many tenants.
func TestKeptConfigurationIsBoundedInSum(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite)
	ctx := t.Context()
	kept := false
	for i := range 80 { // a tenant's are kept until it is asked for again, some time later
		s := storetest.Tenant(t, db, fmt.Sprint("large", i))
		rule := &stagedoor.Rule{Name: "rule", Order: 1, Script: strings.Repeat("x", 900<<10)}
		ok(t, s.CreateRule(ctx, rule))
		must(s.Rule(ctx, rule.ID))(t)
		_, rules := store.KeptTexts(db)
		if kept = kept || rules > 0; rules > 65<<20 {
			t.Fatalf("%d bytes", rules)
		}
	}
	if !kept {
		t.Error("nothing is kept")
	}
	most := 0
	for i := range 600 {
		st := storetest.Tenant(t, db, fmt.Sprint("t", i))
		for k := range 10 { // what nobody has set is kept, too
			ok(t, st.Setting(ctx, fmt.Sprint("of ", k), &struct{}{}))
		}
		most = max(most, store.KeptValues(db))
	}
	if most < 1000 || most > 4200 {
		t.Errorf("%d values are kept of 6,000", most)
	}
}

// What belongs to the configuration has it get another version, however small the change; those who keep a tenant, its domains and actions go by that.
func TestChangesGiveAnotherVersion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), storetest.Tenant(t, db, "acme")
		action, rule := &stagedoor.Action{Name: "act"}, &stagedoor.Rule{Name: "rule"}
		version := func() string {
			return store.RawRow(t, db, "SELECT version, '' FROM config_versions WHERE tenant = 'acme'")[0]
		}
		was := version()
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"an action", func() error { return s.CreateAction(ctx, action) }},
			{"an action's code", func() error {
				_, err := s.UpdateAction(ctx, action.ID, func(a *stagedoor.Action) error { a.Name = "other"; return nil })
				return err
			}},
			{"the domains", func() error { return s.SetDomains(ctx, []string{"acme.test", "login.acme.test"}) }},
			{"the settings", func() error {
				_, err := s.UpdateSettings(ctx, func(v *stagedoor.TenantSettings) error { v.FriendlyName = "Acme"; return nil })
				return err
			}},
			{"a rule", func() error { return s.CreateRule(ctx, rule) }},
		} {
			ok(t, step.do())
			if now := version(); now == was {
				t.Errorf("%s: the configuration has the same version", step.name)
			} else {
				was = now
			}
		}
		list := must(s.Rules(ctx))(t) // what is kept is nobody's to change
		list[0].Name = "changed"
		same(t, must(s.Rules(ctx))(t)[0].Name, "rule")
	})
}
