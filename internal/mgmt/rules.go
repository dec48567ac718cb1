package mgmt

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/web"
)

type listRulesIn struct {
	web.Paging
	web.Fields
	Enabled web.Opt[bool] `json:"enabled" schema:"notnull" doc:"Optional filter on whether a rule is enabled (true) or disabled (false)"`
	Stage   string        `json:"stage" schema:"enum=login_success|login_failure|pre_authorize" doc:"Optional filter on the stage of a rule"` // the vendor's SDK for Ruby has it, up to 5
}

func (a *API) listRules(c *call, in listRulesIn) (any, error) {
	show := func(r stagedoor.Rule) (any, error) { return in.Pick(r) }
	if !in.Enabled.Set && in.Stage == "" {
		return listedPages(c, in.Paging, web.Checkpoint{}, "rules", c.store.RulePages(), show)
	}
	all, err := c.store.Rules(c.ctx())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r stagedoor.Rule) bool {
		return in.Enabled.Set && r.Enabled != in.Enabled.Value || in.Stage != "" && r.Stage != in.Stage
	})
	return listed(c, in.Paging, web.Checkpoint{}, "rules", all, func(r stagedoor.Rule) string { return r.ID }, show)
}

func (a *API) readRule(c *call, in web.Fields) (any, error) {
	r, err := c.store.Rule(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	return in.Pick(r)
}

type createRuleIn struct {
	Name    string        `json:"name" schema:"required" pattern:"^[a-zA-Z0-9]([ \\-a-zA-Z0-9]*[a-zA-Z0-9])?$" doc:"Name of this rule"`
	Script  string        `json:"script" schema:"required,min=1" doc:"Code to be executed when this rule runs"`
	Order   web.Opt[int]  `json:"order" schema:"notnull,min=0,max=1000000000" doc:"Order that this rule should execute in relative to other rules"`
	Enabled web.Opt[bool] `json:"enabled" schema:"notnull" doc:"Whether the rule is enabled (true), or disabled (false)"`
	Stage   string        `json:"stage" schema:"enum=login_success|login_failure|pre_authorize" doc:"When this rule would run; only those of login_success do"` // the vendor's deploy tool always sends it
}

func (a *API) createRule(c *call, in createRuleIn) (any, error) {
	if err := a.checkScript(c, in.Script); err != nil {
		return nil, err
	}
	r := &stagedoor.Rule{Name: in.Name, Script: in.Script, Order: in.Order.Value, Enabled: in.Enabled.Or(true), Stage: cmp.Or(in.Stage, stagedoor.RuleStage)}
	return r, c.store.CreateRule(c.ctx(), r)
}

type updateRuleIn struct {
	_       struct{}        `schema:"min=1"`
	Name    web.Opt[string] `json:"name" schema:"notnull" pattern:"^[a-zA-Z0-9]([ \\-a-zA-Z0-9]*[a-zA-Z0-9])?$" doc:"Name of this rule"`
	Script  web.Opt[string] `json:"script" schema:"notnull,min=1" doc:"Code to be executed when this rule runs"`
	Order   web.Opt[int]    `json:"order" schema:"notnull,min=0,max=1000000000" doc:"Order that this rule should execute in relative to other rules"`
	Enabled web.Opt[bool]   `json:"enabled" schema:"notnull" doc:"Whether the rule is enabled (true), or disabled (false)"`
}

func (a *API) updateRule(c *call, in updateRuleIn) (any, error) {
	if in.Script.Set {
		if err := a.checkScript(c, in.Script.Value); err != nil {
			return nil, err
		}
	}
	return c.store.UpdateRule(c.ctx(), c.id(), func(r *stagedoor.Rule) error {
		in.Name.Into(&r.Name)
		in.Script.Into(&r.Script)
		in.Order.Into(&r.Order)
		in.Enabled.Into(&r.Enabled)
		return nil
	})
}

func (a *API) deleteRule(c *call) (any, error) { return nil, c.store.DeleteRule(c.ctx(), c.id()) }

// checkScript refuses what would fail in every login.
func (a *API) checkScript(c *call, source string) error {
	if a.CheckScript == nil {
		return nil
	}
	err := a.CheckScript(c.ctx(), source)
	if e := stagedoor.AsError(err); err != nil && e.Kind == stagedoor.Invalid {
		return badProperty("script", strings.TrimSuffix(e.Message, "."))
	}
	return err
}

// listRulesConfigsIn is what official tools send; the list is whole and bare all the same.
type listRulesConfigsIn struct{ web.Paging }

func (a *API) listRulesConfigs(c *call, _ listRulesConfigsIn) (any, error) {
	configs, err := c.store.RulesConfigs(c.ctx())
	if err != nil {
		return nil, err
	}
	keys := []map[string]string{} // values are never returned
	for _, key := range slices.Sorted(maps.Keys(configs)) {
		keys = append(keys, map[string]string{"key": key})
	}
	return keys, nil
}

type rulesConfigIn struct {
	Value string `json:"value" schema:"required,max=65536" doc:"Value for a rules config variable"`
}

func (a *API) setRulesConfig(c *call, in rulesConfigIn) (any, error) {
	key := c.r.PathValue("key")
	if n := utf8.RuneCountInString(key); n > 127 {
		return nil, (&web.Violation{
			Path: "key", Doc: "Key of the rules config variable to set (max length: 127 characters)",
			Reason: "String is too long (" + itoa(n) + " chars), maximum 127",
		}).URI()
	}
	return map[string]string{"key": key, "value": in.Value}, c.store.SetRulesConfig(c.ctx(), key, in.Value)
}

func (a *API) deleteRulesConfig(c *call) (any, error) {
	return nil, c.store.DeleteRulesConfig(c.ctx(), c.r.PathValue("key"))
}
