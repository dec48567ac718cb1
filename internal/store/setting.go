package store

import (
	"context"
	"encoding/json"

	"github.com/stagedoor/stagedoor"
)

// setting is a group of a tenant's settings that exists once. All of it is sealed: most groups hold a key of somebody's.
type setting struct {
	ID      string `json:"id"`
	Members string `json:"members,omitempty"` // a JSON object
}

var settings = Kind[setting]{
	Name: "setting", ID: func(v *setting) *string { return &v.ID }, Secret: func(v *setting) *string { return &v.Members },
	Cached: true, Missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_setting", "There is no such setting."),
}

// Setting reads a group of settings into v, a pointer to what holds where nothing was set. That there is nothing is kept too: the names are ours.
func (s *Store) Setting(ctx context.Context, name string, v any) error {
	members, err := kept(ctx, s, configKey{table: "documents/setting", where: "members", args: [3]string{name}}, func(size *int) (string, error) {
		found, err := settings.noun().readNow(ctx, s, size, "id = ?", name)
		if stagedoor.IsKind(err, stagedoor.NotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return found.Members, nil
	})
	if err != nil || members == "" {
		return err
	}
	return json.Unmarshal([]byte(members), v)
}

// ChangeSetting changes the members of a group of settings in one transaction.
func (s *Store) ChangeSetting(ctx context.Context, name string, change func(members map[string]any) error) error {
	_, err := settings.Set(ctx, s, name, func() *setting { return &setting{Members: "{}"} }, func(v *setting) error { return v.change(change) })
	return err
}

// DeleteSettings removes the groups of settings whose names begin with what is given: they belong to something that is gone.
func (s *Store) DeleteSettings(ctx context.Context, beginning string) error {
	defer settings.changed(s)
	return s.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM documents WHERE kind = 'setting' AND tenant = ? AND substr(id, 1, ?) = ?", s.tenant.ID, len(beginning), beginning)
		return err
	})
}

// changeSettingIn is ChangeSetting within the caller's transaction, for a group that nobody else has to make: where none was set nothing happens.
func (s *Store) changeSettingIn(ctx context.Context, q querier, name string, change func(members map[string]any) error) error {
	v, err := settings.noun().one(ctx, s, q, "id = ?"+s.db.forUpdate(), name)
	if stagedoor.IsKind(err, stagedoor.NotFound) {
		return nil
	}
	if err == nil {
		err = v.change(change)
	}
	if err != nil {
		return err
	}
	return settings.noun().save(ctx, s, q, name, v)
}

// setSettingIn is changeSettingIn that makes the group where there is none. The transaction has locked the tenant: else another could make it at the same time.
func (s *Store) setSettingIn(ctx context.Context, q querier, name string, change func(members map[string]any) error) error {
	_, err := settings.noun().one(ctx, s, q, "id = ?", name)
	if err == nil {
		return s.changeSettingIn(ctx, q, name, change)
	}
	if !stagedoor.IsKind(err, stagedoor.NotFound) {
		return err
	}
	v := &setting{ID: name, Members: "{}"}
	if err := v.change(change); err != nil {
		return err
	}
	return settings.add(ctx, s, q, settings.noun(), v)
}

func (v *setting) change(change func(members map[string]any) error) error {
	members := map[string]any{}
	if err := json.Unmarshal([]byte(v.Members), &members); err != nil {
		return err
	}
	if err := change(members); err != nil {
		return err
	}
	b, err := json.Marshal(members)
	v.Members = string(b)
	return err
}
