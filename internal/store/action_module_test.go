package store_test

import (
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/store"
	"github.com/stagedoor/stagedoor/internal/store/storetest"
)

// Of a module fifty versions are kept, and those that actions use; of one that is gone those that they use.
func TestVersionsOfModulesEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := storetest.Tenant(t, db, "acme"), t.Context()
		module := &stagedoor.ActionModule{Name: "plans", Code: "exports.plan = 1;", Sealed: `{"K":"v"}`}
		ok(t, store.ActionModules.Create(ctx, s, module))
		publish := func() *stagedoor.ActionModuleVersion {
			must(store.ActionModules.Update(ctx, s, module.ID, func(m *stagedoor.ActionModule) error { m.AllPublished = false; return nil }))(t)
			_, v, err := s.PublishActionModule(ctx, module.ID)
			ok(t, err)
			return v
		}
		drafted, deployed := publish(), publish()
		use := func(v *stagedoor.ActionModuleVersion) []stagedoor.ActionModuleUse {
			return []stagedoor.ActionModuleUse{{ModuleID: module.ID, ModuleName: module.Name, VersionID: v.ID, VersionNumber: v.Number}}
		}
		action := &stagedoor.Action{Name: "a", Draft: stagedoor.ActionCode{Modules: use(deployed)}}
		ok(t, s.CreateAction(ctx, action))
		deploy := func() {
			_, _, err := s.DeployAction(ctx, action.ID, func(a *stagedoor.Action) (*stagedoor.ActionVersion, error) {
				return &stagedoor.ActionVersion{Body: a.Draft}, nil
			})
			ok(t, err)
		}
		deploy()
		must(s.UpdateAction(ctx, action.ID, func(a *stagedoor.Action) error { a.Draft.Modules = use(drafted); return nil }))(t)
		for range 60 {
			publish()
		}
		left := must(store.ActionModuleVersions.All(ctx, s))(t)
		if len(left) != 52 || left[0].ID != drafted.ID || left[1].ID != deployed.ID || left[2].Number != 13 || left[51].Number != 62 {
			t.Errorf("%d versions, %d, %d, %d to %d", len(left), left[0].Number, left[1].Number, left[2].Number, left[len(left)-1].Number)
		}
		if err := s.DeleteActionModule(ctx, module.ID, false); !stagedoor.IsKind(err, stagedoor.Precondition) {
			t.Errorf("a module that is used: %v", err)
		}
		other := storetest.Tenant(t, db, "other")
		ok(t, other.DeleteActionModule(ctx, module.ID, true))
		ok(t, s.DeleteActionModule(ctx, module.ID, true))
		if left := must(store.ActionModuleVersions.All(ctx, s))(t); len(left) != 2 {
			t.Errorf("%d versions of a module that is gone", len(left))
		}
		if v := must(store.ActionModuleVersions.Get(ctx, s, deployed.ID))(t); v.Code != module.Code || v.Sealed != module.Sealed {
			t.Errorf("%+v", v)
		}
		late := &stagedoor.Action{Name: "late", Draft: stagedoor.ActionCode{Modules: use(deployed)}}
		if err := s.CreateAction(ctx, late); !stagedoor.IsKind(err, stagedoor.NotFound) {
			t.Errorf("an action that uses what is gone: %v", err)
		}
		must(s.UpdateAction(ctx, action.ID, func(a *stagedoor.Action) error { a.Draft.Code = "// as before"; return nil }))(t)
		ok(t, s.DeleteAction(ctx, action.ID, false))
		module = &stagedoor.ActionModule{Name: "others"}
		ok(t, store.ActionModules.Create(ctx, s, module))
		publish()
		if left := must(store.ActionModuleVersions.All(ctx, s))(t); len(left) != 1 {
			t.Errorf("%d versions after the next one was published", len(left))
		}
	})
}
