package store

import (
	"context"

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

// PublishActionModule makes a version of a module's draft, in one transaction.
func (s *Store) PublishActionModule(ctx context.Context, id string) (*stagedoor.ActionModule, *stagedoor.ActionModuleVersion, error) {
	var m *stagedoor.ActionModule
	var v *stagedoor.ActionModuleVersion
	modules, versions := ActionModules.noun(s), ActionModuleVersions.noun(s)
	err := s.write(ctx, func(q querier) (err error) {
		if m, err = modules.one(ctx, s, q, "id = ?"+s.db.forUpdate(), id); err != nil {
			return err
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
		return modules.save(ctx, s, q, id, m)
	})
	if err != nil {
		return nil, nil, err
	}
	return m, v, nil
}
