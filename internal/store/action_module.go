package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor"
)

// ActionModules are the tenant's modules that actions share.
var ActionModules = Kind[stagedoor.ActionModule]{
	Name: "action_module", ID: func(m *stagedoor.ActionModule) *string { return &m.ID }, Unique: func(m *stagedoor.ActionModule) string { return m.Name },
	Secret: func(m *stagedoor.ActionModule) *string { return &m.Sealed }, NewID: stagedoor.NewUUID,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "That action module does not exist."),
	Clash: func(*stagedoor.ActionModule) *stagedoor.Error {
		return stagedoor.Errorf(stagedoor.Conflict, "", "An action module with the same name already exists.")
	},
}

// ActionModuleVersions are what was published of them.
var ActionModuleVersions = Kind[stagedoor.ActionModuleVersion]{
	Name: "action_module_version", ID: func(v *stagedoor.ActionModuleVersion) *string { return &v.ID },
	Secret: func(v *stagedoor.ActionModuleVersion) *string { return &v.Sealed }, NewID: stagedoor.NewUUID,
	Missing: stagedoor.Errorf(stagedoor.NotFound, "", "That action module version does not exist."),
}

// PublishActionModule makes a version of a module's draft, in one transaction. A draft that did not change since is a Conflict. Versions beyond the number that is kept of each module are dropped.
func (s *Store) PublishActionModule(ctx context.Context, id string) (*stagedoor.ActionModule, *stagedoor.ActionModuleVersion, error) {
	var m *stagedoor.ActionModule
	var v *stagedoor.ActionModuleVersion
	modules, versions := ActionModules.noun(), ActionModuleVersions.noun()
	err := s.write(ctx, func(q querier) (err error) {
		if m, err = modules.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
		}
		if m.AllPublished {
			return stagedoor.Errorf(stagedoor.Conflict, "", "No draft version is available to publish.")
		}
		m.Last++
		v = &stagedoor.ActionModuleVersion{
			ID: stagedoor.NewUUID(), Module: m.ID, Name: m.Name, Number: m.Last, Code: m.Code, Dependencies: m.Dependencies, Secrets: m.Secrets,
			APIVersion: m.APIVersion, CreatedAt: s.db.clock.Now(), Sealed: m.Sealed,
		}
		m.Latest, m.AllPublished = v.ID, true
		if err := ActionModuleVersions.add(ctx, s, q, versions, v); err != nil {
			return err
		}
		if err := modules.save(ctx, s, q, id, m); err != nil {
			return err
		}
		return s.dropModuleVersions(ctx, q)
	})
	if err != nil {
		return nil, nil, err
	}
	return m, v, nil
}

// DeleteActionModule removes a module. One that actions use, as drafts or in force, is a Precondition, unless force removes it all the same. Its versions stay as long as
// actions, or versions of them, use them. One that is not there is no error.
func (s *Store) DeleteActionModule(ctx context.Context, id string, force bool) error {
	return s.write(ctx, func(q querier) error {
		if err := ActionModules.noun().delete(ctx, s, q, id); err != nil { // first: who begins to use it meanwhile holds it (modulesThere)
			return err
		}
		if !force {
			using, err := s.usersOfModule(ctx, q, id)
			if err == nil && using > 0 {
				err = stagedoor.Errorf(stagedoor.Precondition, "", "The action module is used by %d actions and cannot be deleted.", using)
			}
			if err != nil {
				return err
			}
		}
		return s.dropModuleVersions(ctx, q)
	})
}

// usersOfModule counts the actions whose draft or version in force uses a module.
func (s *Store) usersOfModule(ctx context.Context, q querier, module string) (n int, err error) {
	all, err := actions.list(ctx, s, q)
	for i := range all {
		used := all[i].Draft.Uses(module)
		if !used && all[i].Deployed != "" {
			v, err := actionVersions.one(ctx, s, q, "action = ? AND id = ?", all[i].ID, all[i].Deployed)
			if err != nil {
				return 0, err
			}
			used = v.Body.Uses(module)
		}
		if used {
			n++
		}
	}
	return n, err
}

// modulesThere refuses modules that an action begins to use and that were deleted meanwhile. Those that are there stay until the write is over.
func (s *Store) modulesThere(ctx context.Context, q querier, before, after []stagedoor.ActionModuleUse) error {
	for _, use := range after {
		if slices.ContainsFunc(before, func(had stagedoor.ActionModuleUse) bool { return had.ModuleID == use.ModuleID }) {
			continue
		}
		if _, err := ActionModules.noun().one(ctx, s, q, "id = ?"+s.db.forShare(), use.ModuleID); err != nil {
			return err
		}
	}
	return nil
}

// dropModuleVersions drops versions of modules that nobody uses: those beyond the number that is kept, oldest first, and those of modules that are gone.
func (s *Store) dropModuleVersions(ctx context.Context, q querier) error {
	last := map[string]int{}
	err := q.each(ctx, "SELECT id, CAST(doc ->> 'Last' AS BIGINT) FROM documents WHERE kind = 'action_module' AND tenant = ?", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var id string
		var n int
		err := scan(&id, &n)
		last[id] = n
		return err
	})
	if err != nil {
		return err
	}
	old := map[string]bool{}
	err = q.each(ctx, "SELECT id, doc ->> 'Module', CAST(doc ->> 'Number' AS BIGINT) FROM documents WHERE kind = 'action_module_version' AND tenant = ?", []any{s.tenant.ID},
		func(scan func(...any) error) error {
			var id, module string
			var n int
			err := scan(&id, &module, &n)
			if newest, there := last[module]; !there || n <= newest-keptVersions {
				old[id] = true
			}
			return err
		})
	if err != nil {
		return err
	}
	for _, table := range []string{"actions", "action_versions"} {
		if len(old) == 0 {
			return nil
		}
		err := q.each(ctx, "SELECT doc FROM "+table+" WHERE tenant = ?", []any{s.tenant.ID}, func(scan func(...any) error) error {
			var doc string
			err := scan(&doc)
			for id := range old {
				if strings.Contains(doc, id) {
					delete(old, id)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(old)) { // in one order, so that two who do this do not wait for each other
		if err := ActionModuleVersions.noun().delete(ctx, s, q, id); err != nil {
			return err
		}
	}
	return nil
}
