package mgmt

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/pipeline"
	"github.com/stagedoor/stagedoor/internal/rehearsal"
	"github.com/stagedoor/stagedoor/internal/web"
)

type tryRuleIn struct {
	Script        web.Opt[string]                     `json:"script" schema:"notnull,min=1" doc:"Code to run in the place of the rule's own"`
	Pipeline      bool                                `json:"pipeline" doc:"Whether to run all enabled rules (true), this one in its order among them, or this one alone (false)"`
	User          web.Opt[map[string]json.RawMessage] `json:"user" schema:"notnull" doc:"What the rule gets as user; an example by default"`
	UserID        web.Opt[string]                     `json:"user_id" schema:"notnull,min=1" doc:"Id of the user whom the rule gets as user; needs read:users"`
	Context       web.Opt[map[string]json.RawMessage] `json:"context" schema:"notnull" doc:"Members of context that differ from the example; null takes one away"`
	Configuration web.Opt[map[string]string]          `json:"configuration" schema:"notnull" doc:"Settings that differ from those of the tenant"`
	Stubs         []string                            `json:"stubs" schema:"max=100" doc:"Answers to HTTP calls: method and URL, status, headers, an empty line, the body"`
	Live          bool                                `json:"live" doc:"Whether HTTP calls that no stub answers go out (true) or are refused (false)"`
	Write         bool                                `json:"write" doc:"Whether metadata are really written (true), or only said to be (false); needs update:users"`
}

// tryRule runs a rule over an example in the very workers of logins. Nothing is changed unless the caller asks for it, not even what rules
// keep on global.
func (a *API) tryRule(c *call, in tryRuleIn) (any, error) {
	r, err := c.store.Rule(c.ctx(), c.id())
	if err != nil {
		return nil, err
	}
	if a.Scripts == nil {
		return nil, unsupported("Running rules")
	}
	if in.Script.Set {
		r.Script = in.Script.Value
	}
	tenant := c.store.Tenant()
	p := rehearsal.Play{Kind: rehearsal.Rule, Tenant: tryTenant(tenant), Domain: tenant.Domain(), Live: in.Live}
	if p.Scripts, err = a.triedRules(c, r, in.Pipeline); err != nil {
		return nil, err
	}
	if p.Configuration, err = c.store.RulesConfigs(c.ctx()); err != nil {
		return nil, err
	}
	p.Configuration = maps.Clone(p.Configuration)
	if p.Configuration == nil {
		p.Configuration = map[string]string{}
	}
	maps.Copy(p.Configuration, in.Configuration.Value)
	for i, text := range in.Stubs {
		stub, err := rehearsal.ParseStub(fmt.Sprintf("stubs[%d]", i), text)
		if err != nil {
			return nil, badProperty(fmt.Sprintf("stubs[%d]", i), err.Error())
		}
		p.Stubs = append(p.Stubs, stub)
	}
	if p.User, err = a.triedUser(c, in); err != nil {
		return nil, err
	}
	p.Context, err = rehearsal.Changed("context", map[string]any{
		"tenant": tenant.ID, "request": map[string]any{"hostname": tenant.Domain()},
	}, in.Context.Value)
	if err != nil {
		return nil, err
	}
	if err := a.grantTry(c, &p, in.Write); err != nil {
		return nil, err
	}
	return rehearsal.Rehearse(c.ctx(), a.Scripts, a.HTTP, p)
}

// tryTenant is whose scripts a try runs as: no tenant's, so that nothing that it leaves on global or in api.cache is seen by logins, and yet
// the tenant's own from one try to the next. No tenant has such a name.
func tryTenant(t *stagedoor.Tenant) string { return t.ID + " try" }

// triedRules are the rule alone, or all that are enabled with it in its place.
func (a *API) triedRules(c *call, tried *stagedoor.Rule, all bool) ([]rehearsal.Script, error) {
	one := rehearsal.Script{Name: tried.Name, Source: tried.Script}
	if !all {
		return []rehearsal.Script{one}, nil
	}
	rules, err := c.store.Rules(c.ctx())
	var out []rehearsal.Script
	for _, r := range rules {
		switch {
		case r.ID == tried.ID:
			out = append(out, one)
		case r.Runs():
			out = append(out, rehearsal.Script{Name: r.Name, Source: r.Script})
		}
	}
	return out, err
}

// triedUser is what the rule gets as user; nil for the example.
func (a *API) triedUser(c *call, in tryRuleIn) (json.RawMessage, error) {
	if !in.UserID.Set {
		if !in.User.Set {
			return nil, nil
		}
		return json.Marshal(in.User.Value)
	}
	if in.User.Set {
		return nil, badProperty("user_id", "Either a user or the id of one can be given")
	}
	if !c.caller.has("read:users") {
		return nil, insufficient("read:users")
	}
	u, err := c.store.User(c.ctx(), in.UserID.Value)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(u.Wire())
	if err != nil || c.caller.has("read:user_idp_tokens") {
		return b, err
	}
	var wire map[string]any
	if err := json.Unmarshal(b, &wire); err != nil {
		return nil, err
	}
	identities, _ := wire["identities"].([]any)
	for _, identity := range identities {
		if one, ok := identity.(map[string]any); ok {
			maps.DeleteFunc(one, func(name string, _ any) bool { return slices.Contains(tokensOfProviders, name) })
		}
	}
	return json.Marshal(wire)
}

// tokensOfProviders are the members of an identity that need a scope of their own.
var tokensOfProviders = []string{"access_token", "access_token_secret", "refresh_token"}

// grantTry lets scripts of a try do what the caller may do, and no more: read users with auth0.accessToken, and change them if asked to.
func (a *API) grantTry(c *call, p *rehearsal.Play, write bool) error {
	var scopes []string
	if c.caller.has("read:users") {
		scopes = append(scopes, "read:users")
	}
	if write {
		if !c.caller.has("update:users") {
			return insufficient("update:users")
		}
		scopes = append(scopes, "update:users")
		p.Update = pipeline.MetadataUpdate(c.store)
	}
	if len(scopes) > 0 && a.Pipeline != nil && a.Pipeline.Minter != nil {
		visit := c.visit()
		p.AccessToken = func(ctx context.Context) (string, error) { return a.Pipeline.ScriptToken(ctx, visit, scopes...) }
	}
	return nil
}
