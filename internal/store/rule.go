package store

import (
	"context"
	"maps"
	"strings"

	"github.com/stagedoor/stagedoor"
)

var rules = noun[stagedoor.Rule]{
	table: "rules", order: "position",
	id:      func(r *stagedoor.Rule) *string { return &r.ID },
	newID:   func() string { return stagedoor.NewID("rul_") },
	columns: []string{"name", "position"},
	values:  func(r *stagedoor.Rule) []any { return []any{r.Name, r.Order} },
	missing: stagedoor.Errorf(stagedoor.NotFound, "inexistent_rule", "The rule does not exist"),
	clash: func(_ *stagedoor.Rule, what string) *stagedoor.Error {
		if strings.Contains(what, "position") {
			return stagedoor.Errorf(stagedoor.Conflict, "rule_conflict", "A rule with the same order already exists")
		}
		return stagedoor.Errorf(stagedoor.Conflict, "rule_conflict", "A rule with the same name already exists")
	},
}

// Rule returns a rule by its id.
func (s *Store) Rule(ctx context.Context, id string) (*stagedoor.Rule, error) {
	return rules.read(ctx, s, "id = ?", id)
}

// Rules lists the tenant's rules in the order in which they run.
func (s *Store) Rules(ctx context.Context) ([]stagedoor.Rule, error) { return rules.all(ctx, s) }

// CreateRule adds a rule; an Order of 0 puts it behind the last one.
func (s *Store) CreateRule(ctx context.Context, r *stagedoor.Rule) error {
	last := r.Order == 0
	for i := 0; ; i++ {
		err := s.write(ctx, func(q querier) error {
			if last {
				if err := q.row(ctx, "SELECT COALESCE(MAX(position), 0) + 1 FROM rules WHERE tenant = ?", []any{s.tenant.ID}, &r.Order); err != nil {
					return err
				}
			}
			return rules.insert(ctx, s, q, r)
		})
		if last && i < attempts && strings.Contains(uniqueViolation(err), "position") {
			continue // another rule took the place
		}
		return rules.named(r, err)
	}
}

// UpdateRule changes a rule in one transaction.
func (s *Store) UpdateRule(ctx context.Context, id string, change func(*stagedoor.Rule) error) (*stagedoor.Rule, error) {
	return rules.update(ctx, s, id, change)
}

// DeleteRule removes a rule.
func (s *Store) DeleteRule(ctx context.Context, id string) error {
	return s.write(ctx, func(q querier) error { return rules.delete(ctx, s, q, id) })
}

// RulesConfigs returns what rules see as configuration, in the clear.
func (s *Store) RulesConfigs(ctx context.Context) (map[string]string, error) {
	all, err := kept(ctx, s, configKey{table: "rules_configs"}, func(size *int) (map[string]string, error) { return s.rulesConfigs(ctx, size) })
	return maps.Clone(all), err
}

func (s *Store) rulesConfigs(ctx context.Context, size *int) (map[string]string, error) {
	out := map[string]string{}
	err := s.read().each(ctx, "SELECT name, sealed FROM rules_configs WHERE tenant = ? ORDER BY name", []any{s.tenant.ID}, func(scan func(...any) error) error {
		var name, sealed string
		if err := weighed(scan, size)(&name, &sealed); err != nil {
			return err
		}
		value, err := s.unseal(sealed, "rules_configs", name)
		out[name] = value
		return err
	})
	return out, err
}

// SetRulesConfig sets one value of the rules' configuration.
func (s *Store) SetRulesConfig(ctx context.Context, name, value string) error {
	sealed := s.seal(value, "rules_configs", name)
	return s.write(ctx, func(q querier) error {
		if err := s.configFits(ctx, q, name, sealed); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO rules_configs (tenant, name, sealed) VALUES (?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET sealed = excluded.sealed", s.tenant.ID, name, sealed)
		return err
	})
}

// DeleteRulesConfig removes one value of the rules' configuration.
func (s *Store) DeleteRulesConfig(ctx context.Context, name string) error {
	return s.write(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM rules_configs WHERE tenant = ? AND name = ?", s.tenant.ID, name)
		return err
	})
}
