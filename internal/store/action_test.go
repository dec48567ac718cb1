package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

func TestActions(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		var ids []string
		for i, name := range []string{"b", "a", "c"} {
			a := &stagedoor.Action{Name: name, CreatedAt: now.Add(time.Duration(i) * time.Microsecond), Sealed: "secret of " + name}
			a.Draft.Code = "code of " + name
			ok(t, s.CreateAction(ctx, a))
			ids = append(ids, a.ID)
		}
		hasCode(t, s.CreateAction(ctx, &stagedoor.Action{Name: "a"}), stagedoor.Conflict, "")
		all := must(s.Actions(ctx))(t)
		if len(all) != 3 || all[1].Name != "a" || all[1].Sealed != "secret of a" || !all[0].CreatedAt.Equal(now) {
			t.Fatalf("%+v", all)
		}
		deploy := func(id string) *stagedoor.ActionVersion {
			t.Helper()
			a, v, err := s.DeployAction(ctx, id, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
				a.AllDeployed = true
				return &stagedoor.ActionVersion{Body: a.Draft, Sealed: a.Sealed}, nil
			})
			ok(t, err)
			if a.Deployed != v.ID || a.Last != v.Number || !a.AllDeployed {
				t.Errorf("%+v %+v", a, v)
			}
			return v
		}
		for i := range 53 {
			if v := deploy(ids[0]); v.Number != i+1 || v.Sealed != "secret of b" || v.Body.Code != "code of b" {
				t.Fatalf("version %+v", v)
			}
		}
		versions := must(s.ActionVersions(ctx, ids[0]))(t)
		if len(versions) != 50 || versions[0].Number != 53 || versions[49].Number != 4 {
			t.Errorf("%d versions", len(versions))
		}
		same(t, must(s.ActionVersion(ctx, ids[0], versions[3].ID))(t).Number, 50)
		_, err := s.ActionVersion(ctx, ids[1], versions[3].ID)
		isKind(t, err, stagedoor.NotFound)
		_, err = s.ActionVersions(ctx, "nothing")
		hasCode(t, err, stagedoor.NotFound, "")
		_, _, err = s.DeployAction(ctx, ids[1], func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) { return nil, errStop })
		if err != errStop {
			t.Error(err)
		}
		same(t, must(s.Action(ctx, ids[1]))(t).Last, 0)

		deploy(ids[1])
		bind := func(names ...string) {
			t.Helper()
			must(s.SetActionBindings(ctx, "post-login", func(old []stagedoor.ActionBinding, all []stagedoor.Action) ([]stagedoor.ActionBinding, error) {
				var next []stagedoor.ActionBinding
				for _, name := range names {
					b := stagedoor.ActionBinding{DisplayName: name, Sealed: "binding secret"}
					for _, a := range all {
						if a.Name == name {
							b.Action = a.ID
						}
					}
					for _, was := range old {
						if was.Action == b.Action {
							b.ID, b.CreatedAt = was.ID, was.CreatedAt
						}
					}
					next = append(next, b)
				}
				return next, nil
			}))(t)
		}
		running := func(want string) {
			t.Helper()
			var got []string
			for _, b := range must(s.BoundActions(ctx, "post-login"))(t) {
				got = append(got, fmt.Sprintf("%s %d %s %s", b.Name, b.Version.Number, b.Version.Sealed, b.Binding.Sealed))
			}
			same(t, strings.Join(got, ","), want)
		}
		bind("b", "a")
		first := must(s.ActionBindings(ctx, "post-login"))(t)[0].ID
		running("b 53 secret of b binding secret,a 1 secret of a binding secret")
		bind("a", "b", "c") // c was never deployed: it does not run
		running("a 1 secret of a binding secret,b 53 secret of b binding secret")
		same(t, must(s.ActionBindings(ctx, "post-login"))(t)[1].ID, first)
		hasCode(t, s.DeleteAction(ctx, ids[0], false), stagedoor.Conflict, "")
		ok(t, s.DeleteAction(ctx, ids[0], true))
		running("a 1 secret of a binding secret")
		isKind(t, s.DeleteAction(ctx, ids[0], true), stagedoor.NotFound)
		_, err = s.ActionVersion(ctx, ids[0], versions[0].ID)
		isKind(t, err, stagedoor.NotFound)
		bind()
		running("")

		for i := len(must(s.Actions(ctx))(t)); i < 100; i++ {
			ok(t, s.CreateAction(ctx, &stagedoor.Action{Name: fmt.Sprint("filler ", i)}))
		}
		hasCode(t, s.CreateAction(ctx, &stagedoor.Action{Name: "one too many"}), stagedoor.Forbidden, "too_many_entities")
	})
}

// Deployments at the same time get a number each.
func TestActionsAreDeployedOneByOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := storetest.Tenant(t, db, "acme")
		a := &stagedoor.Action{Name: "a"}
		ok(t, s.CreateAction(t.Context(), a))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, _, err := s.DeployAction(t.Context(), a.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
					return &stagedoor.ActionVersion{Body: a.Draft}, nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		same(t, []int{must(s.Action(t.Context(), a.ID))(t).Last, len(must(s.ActionVersions(t.Context(), a.ID))(t))}, []int{8, 8})
	})
}

func TestActionExecutionsEnd(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		ok(t, s.SaveActionExecution(ctx, &stagedoor.ActionExecution{ID: "e", Trigger: "post-login", Status: "final", Results: []stagedoor.ActionExecutionResult{{Name: "a"}}}))
		same(t, must(s.ActionExecution(ctx, "e"))(t).Results[0].Name, "a")
		now = now.Add(11 * 24 * time.Hour)
		_, err := s.ActionExecution(ctx, "e")
		hasCode(t, err, stagedoor.NotFound, "")
		ok(t, db.Sweep(ctx))
		now = now.Add(-11 * 24 * time.Hour)
		_, err = s.ActionExecution(ctx, "e")
		isKind(t, err, stagedoor.NotFound)
	}, storetest.WithClock(func() time.Time { return now }))
}

func TestHooksAreEnabledOneAtATime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := storetest.Tenant(t, db, "acme")
		hooks := []stagedoor.Hook{
			{Name: "one", Trigger: "credentials-exchange", Enabled: true, Sealed: `{"A":"1"}`},
			{Name: "two", Trigger: "credentials-exchange"},
			{Name: "other", Trigger: "post-change-password", Enabled: true},
		}
		for i := range hooks {
			ok(t, store.Hooks.Create(ctx, s, &hooks[i]))
		}
		same(t, must(s.EnabledHook(ctx, "credentials-exchange"))(t).Sealed, `{"A":"1"}`)
		ok(t, s.EnableHook(ctx, &hooks[1]))
		same(t, must(s.EnabledHook(ctx, "credentials-exchange"))(t).Name, "two")
		same(t, must(store.Hooks.Get(ctx, s, hooks[0].ID))(t).Enabled, false)
		same(t, must(s.EnabledHook(ctx, "post-change-password"))(t).Name, "other")
		_, err := s.EnabledHook(ctx, "send-phone-message")
		isKind(t, err, stagedoor.NotFound)
	})
}
